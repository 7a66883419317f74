"""The network: the only part of the package that loads Keras."""
