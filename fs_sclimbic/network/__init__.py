"""The network: what a model is, its weights, the engines that run it."""
