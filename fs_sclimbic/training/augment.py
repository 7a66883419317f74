"""What training does to a head at random: every number is drawn here, seeded, before anything is computed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .recipe import Augmentation

PLANE_COUNT = 2
# A plane as far away as this cuts nothing.
NO_PLANE_VOXELS = 1e6
CUT_DISTANCE_VOXELS = (5, 45)
"""Smallest and largest distance of a cut from the structures."""
# Straight pieces of a tone curve: one for about each tissue of a T1.
CURVE_PIECES = 6
FLOAT = np.float32


@dataclass(frozen=True, eq=False)
class Draw:
    """All that chance decides for one training pair; float32 arrays, voxels of 1 mm."""

    matrix: NDArray[np.float32]
    """(3, 3): from a voxel of the box, counted from its centre, to one of the head, counted from ``center``."""
    center: NDArray[np.float32]
    """(3,): voxel of the head on which the centre of the box lies."""
    velocity: NDArray[np.float32]
    """(a, b, c, 3): stationary velocity field over the box, voxels, on a coarse grid."""
    planes: NDArray[np.float32]
    """(2, 4): normals and offsets in the head's voxels; what lies beyond is not in the image."""
    brain: NDArray[np.float32]
    """(6,): centre and squared radii of an ellipsoid outside which the image is black."""
    blurs: tuple[NDArray[np.float32], ...]
    """Three matrices (n, n), one an axis of the box: smoothing and thick slices."""
    log_bias: NDArray[np.float32]
    """(a, b, c): log of the bias field on a coarse grid."""
    noise: NDArray[np.float32]
    """White noise, the shape of the box; on the scale where the image's maximum is 1."""
    tones: NDArray[np.float32]
    """(4,): factor of the intensities, bottom and top of the window, exponent."""
    curve: NDArray[np.float32]
    """(7,): tone curve at even steps from 0 to 1, rising from 0 to 1."""
    air: NDArray[np.float32]
    """The shape of the box: what the image shows where there is no signal; zeros where that is nothing."""
    mirrored: bool = False
    """Whether ``matrix`` mirrors the head, left to right."""


def draw(
    rng: np.random.Generator,
    settings: Augmentation,
    box: tuple[int, int, int],
    fov: int,
    middle: NDArray[np.float64],
    reach: NDArray[np.float64],
    tissue: float,
) -> Draw:
    """Draw one training pair.

    Parameters
    ----------
    rng : numpy.random.Generator
    settings : Augmentation
    box : tuple of int
        Shape of the training box, voxels.
    fov : int
        Edge of the head's image, voxels.
    middle : ndarray, shape (3,)
        Centre of the structures, voxels of the head.
    reach : ndarray, shape (3,)
        How far they lie from it along each axis; no cut takes them.
    tissue : float
        Intensity of the brightest tissue of the head (its maximum is 1).

    Returns
    -------
    Draw
    """
    s, size = settings, np.array(box, float)
    if rng.random() < s.elsewhere:
        # Anywhere that the box still lies inside the image.
        room = np.maximum(fov - size, 0) / 2
        center = (fov - 1) / 2 + rng.uniform(-room, room)
    else:
        center = middle + rng.uniform(-s.jitter, s.jitter, 3)
    coarse = tuple(np.maximum(np.ceil(size * 0.04).astype(int), 3))
    bias_grid = tuple(np.maximum(np.ceil(size * 0.025).astype(int), 2))
    noise_sd = rng.uniform(0, s.noise) / 255
    # Not asked where it is off: the same seed then draws what it drew before there were mirrored heads.
    mirrored = bool(s.flip and rng.random() < s.flip)
    return Draw(
        matrix=(_matrix(rng, s) @ np.diag([-1.0 if mirrored else 1.0, 1, 1])).astype(FLOAT),
        center=center.astype(FLOAT),
        velocity=(rng.uniform(0, s.warp) * rng.standard_normal((*coarse, 3))).astype(FLOAT),
        planes=_planes(rng, s, middle, reach),
        brain=_brain(rng, s, middle, reach, fov),
        blurs=_blurs(rng, s, box),
        log_bias=(rng.uniform(0, s.bias) * rng.standard_normal(bias_grid)).astype(FLOAT),
        noise=rng.standard_normal(box, FLOAT) * FLOAT(noise_sd),
        tones=_tones(rng, s, tissue, noise_sd),
        curve=_curve(rng, s),
        air=_air(rng, s, box),
        mirrored=mirrored,
    )


def _matrix(rng: np.random.Generator, s: Augmentation) -> NDArray[np.float64]:
    matrix = np.diag(rng.uniform(1 - s.scaling, 1 + s.scaling, 3))
    shear = np.eye(3)
    shear[~np.eye(3, dtype=bool)] = rng.uniform(-s.shear, s.shear, 6)
    matrix = shear @ matrix
    for axis, angle in enumerate(np.deg2rad(rng.uniform(-s.rotation, s.rotation, 3))):
        turn = np.eye(3)
        a, b = (axis + 1) % 3, (axis + 2) % 3
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    return matrix


def _planes(
    rng: np.random.Generator, s: Augmentation, middle: NDArray[np.float64], reach: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Cut the neck, the face or another side off, some way from the structures."""
    planes = np.zeros((PLANE_COUNT, 4))
    planes[:, 3] = NO_PLANE_VOXELS
    for plane in planes:
        if rng.random() < s.cut / 2:
            normal = rng.standard_normal(3)
            normal /= np.linalg.norm(normal)
            plane[:3], plane[3] = normal, normal @ middle + np.abs(normal) @ reach + rng.uniform(*CUT_DISTANCE_VOXELS)
    return planes.astype(FLOAT)


def _brain(
    rng: np.random.Generator, s: Augmentation, middle: NDArray[np.float64], reach: NDArray[np.float64], fov: int
) -> NDArray[np.float32]:
    """Keep an ellipsoid about as large as a brain: the image of a stripped brain, or of a narrow coil."""
    if rng.random() >= s.cut / 2:
        return np.array([*middle, *[(4.0 * fov) ** 2] * 3], FLOAT)
    # The limbic structures lie 20 mm below the middle of the brain.
    center = middle + [0, -15, 20] + rng.uniform(-6, 6, 3)
    squared = (np.array([68, 85, 65]) * rng.uniform(0.9, 1.15, 3)) ** 2
    # The furthest corner of the structures' box lies inside, whatever the structures are.
    furthest = np.sum((np.abs(middle - center) + reach) ** 2 / squared)
    return np.array([*center, *squared * max(1.0, furthest)], FLOAT)


def _blurs(rng: np.random.Generator, s: Augmentation, box: tuple[int, int, int]) -> tuple[NDArray[np.float32], ...]:
    """One matrix an axis; thick slices along one axis of a quarter of the images."""
    sds = rng.uniform(0, s.blur, 3)
    thick_axis = rng.integers(0, 3) if s.slices > 1 and rng.random() < 0.25 else None
    thickness, phase = rng.uniform(1, max(s.slices, 1)), rng.uniform(0, 1)
    blurs = []
    for axis, n in enumerate(box):
        at = np.arange(n)
        weights = np.exp(-0.5 * ((at[:, None] - at) / max(sds[axis], 0.2)) ** 2)
        blur = weights / weights.sum(1, keepdims=True)
        if axis == thick_axis:
            blur = slice_matrix(n, thickness, phase) @ blur
        blurs.append(blur.astype(FLOAT))
    return tuple(blurs)


def slice_matrix(n: int, thickness: float, phase: float) -> NDArray[np.float64]:
    """Average over slices of a thickness, then back to 1 mm linearly, as a matrix.

    Parameters
    ----------
    n : int
        Voxels of 1 mm along the axis.
    thickness : float
        Of a slice, mm.
    phase : float
        Where the first slice begins before the first voxel, in parts of the thickness.

    Returns
    -------
    ndarray, shape (n, n)
        Its rows sum to one.
    """
    edges: NDArray[np.float64] = np.arange(-phase * thickness, n + thickness, thickness)
    at = np.arange(n)
    overlap = np.minimum(at + 1, edges[1:, None]) - np.maximum(at, edges[:-1, None])
    average = np.clip(overlap, 0, None)
    used = average.sum(1) > 0
    centers: NDArray[np.float64] = (edges[:-1] + edges[1:])[used] / 2
    average = average[used]
    average /= average.sum(1, keepdims=True)
    back: NDArray[np.float64] = interpolation_matrix(at + 0.5, centers) @ average
    return back


def interpolation_matrix(at: NDArray[np.floating[Any]], knots: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Linear interpolation between knots, constant beyond the last ones, as a matrix.

    Parameters
    ----------
    at : ndarray, shape (n,)
        Where values are wanted.
    knots : ndarray, shape (m,)
        Where values are given, rising.

    Returns
    -------
    ndarray, shape (n, m)
    """
    if len(knots) == 1:
        return np.ones((len(at), 1))
    right = np.clip(np.searchsorted(knots, at), 1, len(knots) - 1)
    share = np.clip((at - knots[right - 1]) / (knots[right] - knots[right - 1]), 0, 1)
    matrix = np.zeros((len(at), len(knots)))
    rows = np.arange(len(at))
    matrix[rows, right - 1], matrix[rows, right] = 1 - share, share
    return matrix


def _tones(rng: np.random.Generator, s: Augmentation, tissue: float, noise_sd: float) -> NDArray[np.float32]:
    """How bright tissue is beside the brightest voxel, and what noise does to the image's minimum and maximum.

    The network sees an image from its minimum to its maximum. Both lie anywhere in the head, most often outside
    a training box: fat, vessels and the extremes of noise move them.
    """
    level = np.exp(rng.uniform(np.log(s.darkest), 0)) if 0 < s.darkest < 1 else tissue
    factor = level / max(tissue, 0.05)
    below_zero = rng.random() < 0.5  # noise of a magnitude image has no negative side
    bottom = -rng.uniform(3.5, 5) * noise_sd if below_zero else 0
    top = 1 + rng.uniform(0, 4) * noise_sd
    return np.array([factor, bottom, top, np.exp(rng.normal(0, s.gamma))], FLOAT)


def _curve(rng: np.random.Generator, s: Augmentation) -> NDArray[np.float32]:
    """A rising curve of straight pieces: some tissues become more alike, others less."""
    slopes = np.exp(s.contrast * rng.standard_normal(CURVE_PIECES))
    return np.concatenate([[0.0], np.cumsum(slopes) / slopes.sum()]).astype(FLOAT)


def _air(rng: np.random.Generator, s: Augmentation, box: tuple[int, int, int]) -> NDArray[np.float32]:
    """Air in the ratio image of an MP2RAGE: two images of noise, divided."""
    if rng.random() >= s.air:
        return np.zeros(box, FLOAT)
    return rng.random(box, FLOAT) * FLOAT(rng.uniform(0.3, 1))
