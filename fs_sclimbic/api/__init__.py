"""For Python and notebooks: one image in memory, its result with table and picture, messages about arguments."""
