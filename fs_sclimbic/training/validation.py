"""How well a network in training does on heads that it does not learn from: Dice of each structure."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..image.labels import ColorTable
from ..network.architecture import FOV_MULTIPLE
from ..network.backend import compiled
from ..network.unet import build_unet, fill_weights
from ..network.weights import Weights
from .dataset import UINT8_ONE, Example

# Room around the structures: the network sees 22 voxels far, and false labels nearby count.
MARGIN_VOXELS = 20


class Validator:
    """Measures weights on the validation heads, with the float32 network that users of the weights run.

    Parameters
    ----------
    heads : sequence of Example
        May be empty.
    colors : ColorTable
        One row per output channel.
    features : int
        Features of the network's first level.
    """

    def __init__(self, heads: Sequence[Example], colors: ColorTable, features: int) -> None:
        self._heads, self._colors = heads, colors
        self._network = build_unet(len(colors), features)
        self._forward = compiled(self._network)

    def __call__(self, weights: Weights) -> dict[str, float]:
        """Mean Dice by structure, over the heads that have it.

        Looks at the structures and 20 voxels around them: false labels further away do not count.
        """
        fill_weights(self._network, weights)
        scores: dict[str, list[float]] = {}
        for head in self._heads:
            for structure, there, score in zip(
                self._colors.foreground, head.has_structures, self._dice(head), strict=True
            ):
                if there:
                    scores.setdefault(structure.name, []).append(float(score))
        return {s.name: float(np.mean(scores[s.name])) for s in self._colors.foreground if s.name in scores}

    def _dice(self, head: Example) -> NDArray[np.float64]:
        low, high = _box_of(head)
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        image = head.image[box].astype(np.float32)[None, ..., None] / UINT8_ONE
        posteriors = keras.ops.convert_to_numpy(self._forward(keras.ops.convert_to_tensor(image)))[0]
        labels = posteriors.argmax(-1)
        truth = np.zeros(labels.shape, int)
        inner = tuple(slice(s - a, s - a + n) for s, a, n in zip(head.start, low, head.targets.shape[:3], strict=True))
        truth[inner] = head.targets.argmax(-1)
        return dice_scores(labels, truth, len(self._colors))


def dice_scores(labels: NDArray[Any], truth: NDArray[Any], count: int) -> NDArray[np.float64]:
    """Dice of each structure between two images of channel numbers.

    Parameters
    ----------
    labels, truth : ndarray of int
        Of one shape.
    count : int
        Number of channels, background included.

    Returns
    -------
    ndarray, shape (count - 1,)
        Dice of channels 1 to ``count`` - 1; NaN where neither image has the structure.
    """
    both = np.bincount(truth[labels == truth].ravel(), minlength=count)[1:count]
    sizes = sum(np.bincount(image.ravel(), minlength=count)[1:count] for image in (labels, truth))
    with np.errstate(invalid="ignore"):
        return 2 * both / sizes  # type: ignore[no-any-return]


def _box_of(head: Example) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """The structures with room around them, on the multiples of 4 where the network cuts the same blocks."""
    fov = head.image.shape[0]
    start = np.array(head.start)
    low = np.maximum(start - MARGIN_VOXELS, 0) // FOV_MULTIPLE * FOV_MULTIPLE
    high = np.minimum(start + head.targets.shape[:3] + MARGIN_VOXELS, fov)
    return low, -(-high // FOV_MULTIPLE) * FOV_MULTIPLE
