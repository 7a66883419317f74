"""An exponential average of a network's weights over the last steps: steadier than the weights of any one step."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from ..network.backend import compiled_function
from ..network.weights import Weights

# In the first steps the average is over a tenth of them, so that the start is soon forgotten.
FIRST_STEPS = 10


class WeightAverage:
    """Averages the weights of a network while it learns; on the device.

    Parameters
    ----------
    steps : int
        About how many steps it looks back: a step's share falls by the factor e over so many.
    start : Weights
        The average so far.
    """

    def __init__(self, steps: int, start: Weights) -> None:
        self._steps = steps
        self._names = [(layer, name) for layer, arrays in start.items() for name in arrays]
        self._values = [keras.ops.convert_to_tensor(start[layer][name], "float32") for layer, name in self._names]
        self._mix = compiled_function(_mixed)

    def add(self, network: Any, step: int) -> None:
        """Take in the weights after a step.

        Parameters
        ----------
        network : keras.Model
        step : int
            Steps done since the start of the training.
        """
        found = {(layer.name, v.name): v.value for layer in network.layers for v in layer.weights}
        keep = min(1 - 1 / self._steps, (1 + step) / (FIRST_STEPS + step))
        self._values = list(self._mix(np.float32(keep), *self._values, *(found[name] for name in self._names)))

    def weights(self) -> Weights:
        """The average, layer by layer by name."""
        weights: Weights = {}
        for (layer, name), value in zip(self._names, self._values, strict=True):
            weights.setdefault(layer, {})[name] = keras.ops.convert_to_numpy(value)
        return weights


def _mixed(keep: Any, *values: Any) -> Sequence[Any]:
    """``keep`` of each of the first half of the values, the rest of its partner in the second."""
    half = len(values) // 2
    return [keep * old + (1 - keep) * new for old, new in zip(values[:half], values[half:], strict=True)]
