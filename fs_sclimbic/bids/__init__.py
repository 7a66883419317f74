"""BIDS: find T1 images in a dataset, write results as BIDS derivatives, match names by their entities."""
