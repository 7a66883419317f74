"""Networks of random weights."""

import numpy as np

from fs_sclimbic.network.architecture import network_weights

RNG = np.random.default_rng(3)


def random_weights(labels, features, rng=RNG):
    weights = {}
    for layer, shapes in network_weights(labels, features, 1).items():
        weights[layer] = {name: rng.normal(0, 0.32, shape).astype(np.float32) for name, shape in shapes.items()}
        if "_bn_" in layer:
            weights[layer]["moving_variance"] = rng.uniform(0.3, 2, shapes["gamma"]).astype(np.float32)
    return weights
