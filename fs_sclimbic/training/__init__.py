"""Train a network: recipe, heads, augmentation, steps, checkpoints, record."""
