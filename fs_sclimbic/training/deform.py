"""Warp a head and its posteriors, and spoil the image as scanners do; on the device.

All is computed with ``keras.ops`` in whole arrays, so that the backend compiles it like the network.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from .dataset import UINT8_ONE

ops = keras.ops

# A field of a few voxels is halved this often before it is composed with itself as often.
SQUARINGS = 5
# Below this share of the image's maximum there is air or bone, or what was cut off a stripped brain.
MAX_AIR_INTENSITY = 0.03


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
