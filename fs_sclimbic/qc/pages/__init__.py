"""Pages to look at finished cases: static HTML that opens from disk."""
