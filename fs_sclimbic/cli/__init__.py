"""The commands: each parses, calls, prints, and returns a status."""
