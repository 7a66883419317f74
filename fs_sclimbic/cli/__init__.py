"""The commands: each parses, calls the library, and returns an exit status."""
