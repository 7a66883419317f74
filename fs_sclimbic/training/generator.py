"""Make training pairs: draw what chance decides, then let the device warp a head and spoil the image.

Chance comes from outside (`fs_sclimbic.training.augment.Draw`): the same draw gives the same pair on every backend.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..network.backend import compiled_function
from .augment import Draw, draw, interpolation_matrix
from .dataset import UINT8_ONE, Example
from .deform import spoil, warp, warp_image
from .recipe import Augmentation

ops = keras.ops

# Room for the warp where a box is compared with the structures.
WARP_MARGIN_VOXELS = 12


class Generator:
    """Training pairs by number: pair n of a seed is always the same.

    Parameters
    ----------
    examples : sequence of Example
        Heads to draw from; all of one image shape.
    settings : Augmentation
    box : tuple of int
        Shape of the pairs, voxels.
    seed : int
    mirrored_channels : ndarray of int, shape (labels,)
        Which channel of a head becomes which one of its mirror image.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        settings: Augmentation,
        box: tuple[int, int, int],
        seed: int,
        mirrored_channels: NDArray[np.int32],
    ) -> None:
        self._examples, self._settings, self._box, self._seed = examples, settings, box, seed
        self._mirrored_channels = mirrored_channels
        weights = np.array([example.weight for example in examples])
        self._shares = weights / weights.sum()
        # One size for all heads: a compiled function takes arrays of one shape. The rim is background.
        largest = np.max([example.targets.shape[:3] for example in examples], axis=0)
        self._padded = tuple(int(n) + 2 for n in largest)
        self._spoil = compiled_function(spoil)
        self._warp = compiled_function(warp)
        self._warp_image = compiled_function(warp_image)

    def pair(self, number: int) -> tuple[Any, Any]:
        """Image (1, x, y, z, 1) and targets (1, x, y, z, labels), float32 tensors on the device."""
        return self.make_pair(*self.draw_pair(number))

    def make_pair(self, example: Example, chance: Draw) -> tuple[Any, Any]:
        """The pair that a draw makes of a head.

        Parameters
        ----------
        example : Example
        chance : Draw

        Returns
        -------
        image : tensor, (1, x, y, z, 1)
            0-1.
        targets : tensor, (1, x, y, z, labels)
            Posteriors, sum 1.
        """
        warped, targets = self.sample(example, chance)
        return self.spoil(warped, chance), targets

    def sample(self, example: Example, chance: Draw) -> tuple[Any, Any]:
        """The box of a draw, its intensities as they are in the head.

        Parameters
        ----------
        example : Example
        chance : Draw

        Returns
        -------
        image, targets : tensor
            As of `make_pair`.
        """
        image = example.image.astype(np.float32)
        size = np.array(self._box, np.float32)
        if self._reaches(example, chance):
            padded = np.zeros((*self._padded, example.targets.shape[3]), np.uint8)
            padded[..., 0] = UINT8_ONE
            inner = tuple(slice(1, n + 1) for n in example.targets.shape[:3])
            padded[inner] = example.targets
            origin = np.array(example.start, np.float32) - 1
            warped, targets = self._warp(image, padded, origin, size, *geometry_arrays(self._box, chance))
        else:
            warped = self._warp_image(image, size, *geometry_arrays(self._box, chance))
            background = np.zeros((*self._box, example.targets.shape[3]), np.float32)
            background[..., 0] = 1
            targets = ops.convert_to_tensor(background)
        if chance.mirrored:
            targets = ops.take(targets, self._mirrored_channels, axis=-1)
        return warped[None, ..., None], targets[None]

    def spoil(self, image: Any, chance: Draw) -> Any:
        """What the scanner of a draw makes of an image: blur, bias field, noise, contrast.

        Parameters
        ----------
        image : tensor, (1, x, y, z, 1)
            As of `sample`.
        chance : Draw

        Returns
        -------
        tensor, (1, x, y, z, 1)
            0-1.
        """
        arrays = (*chance.blurs, *bias_arrays(self._box, chance), *intensity_arrays(chance))
        return self._spoil(image[0, ..., 0], *arrays)[None, ..., None]

    def batch(self, step: int, size: int) -> tuple[Any, Any]:
        """The pairs of one training step.

        Parameters
        ----------
        step : int
            The first is 0.
        size : int
            Pairs a step.

        Returns
        -------
        image, targets : tensor
            As of `pair`, one after the other.
        """
        return joined([self.pair(step * size + i) for i in range(size)])

    def draw_pair(self, number: int) -> tuple[Example, Draw]:
        """The head of a pair, and what chance decides for it."""
        rng = np.random.default_rng((self._seed, number))
        example = self._examples[rng.choice(len(self._examples), p=self._shares)]
        fov = example.image.shape[0]
        return example, draw(rng, self._settings, self._box, fov, example.middle, example.reach, example.tissue)

    def _reaches(self, example: Example, chance: Draw) -> bool:
        """Whether the box can hold a structure: its corners, moved, with room for the warp."""
        half = (np.array(self._box) - 1) / 2
        reach = np.abs(chance.matrix) @ half + WARP_MARGIN_VOXELS
        start, stop = np.array(example.start), np.array(example.start) + example.targets.shape[:3]
        return bool(np.all((chance.center + reach > start) & (chance.center - reach < stop)))


def joined(pairs: Sequence[tuple[Any, Any]]) -> tuple[Any, Any]:
    """Single pairs as one batch."""
    if len(pairs) == 1:
        return pairs[0]
    return ops.concatenate([image for image, _ in pairs]), ops.concatenate([targets for _, targets in pairs])


def geometry_arrays(box: tuple[int, int, int], chance: Draw) -> tuple[NDArray[np.float32], ...]:
    """What `warp` takes as geometry: a draw's affine map and warp, matrices between their grids, planes, ellipsoid.

    Parameters
    ----------
    box : tuple of int
        Shape of the pair, voxels.
    chance : Draw

    Returns
    -------
    tuple of ndarray
    """
    half = [n // 2 for n in box]
    to_half = _between(chance.velocity.shape[:3], half)
    to_full = _between(half, box)
    return (
        chance.matrix, chance.center, chance.velocity, *to_half, *to_full, chance.planes, chance.brain,
    )  # fmt: skip


def intensity_arrays(chance: Draw) -> tuple[NDArray[np.float32], ...]:
    """What `spoil` takes after the bias field: a draw's noise, tones, tone curve and air."""
    return chance.noise, chance.tones, chance.curve, chance.air


def bias_arrays(box: tuple[int, int, int], chance: Draw) -> tuple[NDArray[np.float32], ...]:
    """What `spoil` takes as bias field: its log on a coarse grid, and three matrices to the grid of the box.

    Parameters
    ----------
    box : tuple of int
        Shape of the pair, voxels.
    chance : Draw

    Returns
    -------
    tuple of ndarray
    """
    return (chance.log_bias, *_between(chance.log_bias.shape, box))


def _between(coarse: Sequence[int], fine: Sequence[int]) -> list[NDArray[np.float32]]:
    """Three matrices that interpolate a grid to a finer one over the same extent."""
    return [
        interpolation_matrix((np.arange(n) + 0.5) / n, (np.arange(c) + 0.5) / c).astype(np.float32)
        for c, n in zip(coarse, fine, strict=True)
    ]
