"""One image in memory: from a T1 to labels, posteriors and measures."""
