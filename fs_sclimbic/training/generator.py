"""Make training pairs: warp a head and its posteriors, then spoil the image as scanners do; on the device.

All is computed with ``keras.ops`` in whole arrays, so that the backend compiles it like the network.
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
from .recipe import Augmentation

ops = keras.ops

# A field of a few voxels is halved this often before it is composed with itself as often.
SQUARINGS = 5
# Below this share of the image's maximum there is air or bone, or what was cut off a stripped brain.
MAX_AIR_INTENSITY = 0.03
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
    """

    def __init__(
        self, examples: Sequence[Example], settings: Augmentation, box: tuple[int, int, int], seed: int
    ) -> None:
        self._examples, self._settings, self._box, self._seed = examples, settings, box, seed
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
        spoiled = self._spoil(warped, *chance.blurs, *bias_arrays(self._box, chance), *intensity_arrays(chance))
        return spoiled[None, ..., None], targets[None]

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


def warp(image: Any, targets: Any, origin: Any, size: Any, *geometry: Any) -> tuple[Any, Any]:
    """Sample a head and its targets in a deformed box.

    Parameters
    ----------
    image : array, (fov, fov, fov)
        0-255.
    targets : array of uint8, (x, y, z, labels)
        With a rim of background.
    origin : array, (3,)
        Where the targets' first voxel lies in the image.
    size : array, (3,)
        Shape of the box, voxels.
    *geometry
        As `deformed` takes it, then planes and ellipsoid that bound the image.

    Returns
    -------
    image : tensor, the box
        0-1.
    targets : tensor, the box and labels
        Posteriors, sum 1.
    """
    points = deformed(size, *geometry[:-2])
    warped = _in_view(_sample_image(image, points), points, *geometry[-2:])
    flat = ops.reshape(targets, (-1, targets.shape[3]))
    posteriors = _trilinear(flat, targets.shape[:3], points - origin)
    return warped, ops.reshape(posteriors, (*points.shape[:3], targets.shape[3])) / UINT8_ONE


def warp_image(image: Any, size: Any, *geometry: Any) -> Any:
    """The image part of `warp`, for boxes without a structure.

    Parameters
    ----------
    image, size, *geometry
        See `warp`.

    Returns
    -------
    tensor, the box
        0-1.
    """
    points = deformed(size, *geometry[:-2])
    return _in_view(_sample_image(image, points), points, *geometry[-2:])


def deformed(size: Any, matrix: Any, center: Any, velocity: Any, *between: Any) -> Any:
    """Points of the head that the voxels of a box come from: a diffeomorphic warp, then an affine map.

    Parameters
    ----------
    size, matrix, center, velocity : arrays
        See `fs_sclimbic.training.augment.Draw`; ``size`` is the box's shape.
    *between : six arrays
        Matrices from the coarse to the half grid, and from the half to the full one.

    Returns
    -------
    tensor, (x, y, z, 3)
        Voxels of the head.
    """
    half = _interpolated(velocity, *between[:3]) / (2.0**SQUARINGS) / 2
    identity = _voxels(half.shape[:3])
    for _ in range(SQUARINGS):
        at = ops.reshape(identity + half, (-1, 3))
        half = half + ops.reshape(_trilinear(ops.reshape(half, (-1, 3)), half.shape[:3], at), half.shape)
    full = _interpolated(half, *between[3:]) * 2
    points = _voxels(full.shape[:3]) + full - (size - 1) / 2
    return ops.matmul(points, ops.transpose(ops.convert_to_tensor(matrix))) + center


def spoil(image: Any, blur_x: Any, blur_y: Any, blur_z: Any, log_bias: Any, *rest: Any) -> Any:
    """Smoothing and thick slices, bias field, noise, window, gamma, tone curve and air.

    Parameters
    ----------
    image : array, the box
        0-1.
    blur_x, blur_y, blur_z : array, (n, n)
        See `fs_sclimbic.training.augment.Draw`.
    log_bias : array
        Log of the bias field on a coarse grid.
    *rest
        What is left of `bias_arrays`, then `intensity_arrays`.

    Returns
    -------
    tensor, the box
        0-1.
    """
    *between, noise, tones, curve, air = rest
    blurred = _interpolated(image[..., None], blur_x, blur_y, blur_z)
    bias = ops.exp(_interpolated(log_bias[..., None], *between))
    spoiled = (blurred * bias)[..., 0] * tones[0] + noise
    windowed = ops.clip((spoiled - tones[1]) / (tones[2] - tones[1]), 0.0, 1.0)
    toned = _on_curve(ops.power(windowed, tones[3]), curve)
    return ops.maximum(toned, ops.where(image < MAX_AIR_INTENSITY, air, 0.0))


def _on_curve(image: Any, curve: Any) -> Any:
    """Intensities 0-1 through a curve that is given at even steps."""
    pieces = curve.shape[0] - 1
    at = image * pieces
    total: Any = 0.0
    for i in range(1, pieces + 1):
        total = total + (curve[i] - curve[i - 1]) * ops.clip(at - (i - 1), 0.0, 1.0)
    return total


def _voxels(shape: Sequence[int]) -> Any:
    axes = np.meshgrid(*[np.arange(n, dtype=np.float32) for n in shape], indexing="ij")
    return ops.convert_to_tensor(np.stack(axes, -1))


def _interpolated(grid: Any, x: Any, y: Any, z: Any) -> Any:
    """A grid (a, b, c, values) through one matrix an axis; products of matrices are what every backend does best."""
    a, b, c, values = grid.shape
    grid = ops.reshape(ops.matmul(x, ops.reshape(grid, (a, b * c * values))), (x.shape[0], b, c * values))
    grid = ops.reshape(ops.matmul(y, grid), (x.shape[0], y.shape[0], c, values))
    return ops.matmul(z, grid)


def _sample_image(image: Any, points: Any) -> Any:
    """Linear interpolation in 0-255, as 0-1; outside the image is 0."""
    shape = image.shape
    last = ops.convert_to_tensor(np.array(shape, np.float32) - 1)
    inside = ops.all((points >= 0) & (points <= last), axis=-1)
    flat = ops.reshape(image, (-1, 1))
    sampled = ops.reshape(_trilinear(flat, shape, ops.reshape(points, (-1, 3))), inside.shape)
    return ops.where(inside, sampled / UINT8_ONE, 0.0)


def _in_view(image: Any, points: Any, planes: Any, brain: Any) -> Any:
    seen = ops.sum((points - brain[:3]) ** 2 / brain[3:], axis=-1) <= 1
    for i in range(planes.shape[0]):
        seen = seen & (ops.sum(points * planes[i, :3], axis=-1) <= planes[i, 3])
    return ops.where(seen, image, 0.0)


def _trilinear(flat: Any, shape: Sequence[int], points: Any) -> Any:
    """Values (n, c) at points (n, 3) of a grid given as (voxels, c); beyond the rim the rim's values go on."""
    points = ops.reshape(points, (-1, 3))
    last = ops.convert_to_tensor(np.array(shape, np.float32) - 1)
    points = ops.minimum(ops.maximum(points, 0.0), last)
    corner = ops.minimum(ops.floor(points), last - 1)
    share = points - corner
    strides = np.array([shape[1] * shape[2], shape[2], 1], np.int32)
    first = ops.sum(ops.cast(corner, "int32") * ops.convert_to_tensor(strides), axis=-1)
    total: Any = 0.0
    for dx in (0, 1):
        for dy in (0, 1):
            for dz in (0, 1):
                weight: Any = 1.0
                for axis, side in enumerate((dx, dy, dz)):
                    weight = weight * (share[:, axis] if side else 1 - share[:, axis])
                index = first + int(dx * strides[0] + dy * strides[1] + dz)
                total = total + weight[:, None] * ops.cast(ops.take(flat, index, axis=0), "float32")
    return total
