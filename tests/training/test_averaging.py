"""The average of weights, by hand."""

import itertools

import keras
import numpy as np
import pytest

from fs_sclimbic.training.averaging import WeightAverage


def test_average_weights_by_hand():
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, name="dense")])
    kernel = network.get_layer("dense").weights[0]
    average, wanted = WeightAverage(4, {"dense": {"kernel": np.zeros((1, 1), np.float32)}}), 0.0
    for step, value in zip(itertools.count(1), [1.0, 3.0, -2.0, 5.0]):
        kernel.assign([[value]])
        average.add(network, step)
        keep = min(0.75, (1 + step) / (10 + step))
        wanted = keep * wanted + (1 - keep) * value
    assert average.weights()["dense"]["kernel"] == pytest.approx(wanted)
