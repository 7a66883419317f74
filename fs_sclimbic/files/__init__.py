"""The files around a result: what ships with the package, atomic writing, hashes, locks, the system."""
