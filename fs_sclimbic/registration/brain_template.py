"""The average brain that `locate` looks for, prepared for the search and for Gauss-Newton steps.

Made by ``benchmarks/make_template.py``, which names the heads in it and their licences.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..files.resources import data_file
from ..image.volume import Volume, read_volume
from .affine import Level, make_level, pitched, sample, smooth, voxel_points

SEARCH_MM = 8.0
SEARCH_SMOOTHING_MM = 4.0
"""Voxel size of the search, and the Gaussian (sigma) that goes before it."""
SEARCH_SCALES = (0.82, 0.96)
"""Size of the head over the template's. The refinement takes in 15 % to either side; adults' median is 0.91."""
SEARCH_PITCH_DEG = (-15.0, 10.0, 35.0)
"""Nose up. Scanner axes are 0 to 20 degrees off MNI305, and a head may be turned by 25 more."""
CENTER_MNI = np.array([0.0, -20.0, 10.0])
SEARCH_HALF_MM = np.array([80.0, 96.0, 80.0])
"""Middle and half size of the box around the brain, MNI305 mm."""
COARSE_SMOOTHING_MM = 2.0
"""Sigma at the coarse level. Little, for more would spread a bright scalp over the edge of the brain."""
REDUNDANCY = 60.0
"""Of both levels, see `Level`."""
STRIPPED_RIM = 2
"""Voxels around a stripped brain that must be dark."""


@dataclass(frozen=True, eq=False)
class Pose:
    """The template turned and scaled, on a grid of SEARCH_MM whose middle voxel is CENTER_MNI."""

    mni2ras: NDArray[np.float64]
    """4 x 4; brings CENTER_MNI to the origin."""
    values: NDArray[np.float32]
    """Mean 0 inside the mask, 0 outside; sum of squares 1."""
    mask: NDArray[np.float32]
    """1 where voxels count, else 0."""


@dataclass(frozen=True, eq=False)
class Template:
    """One look of the brain, for the search and for two levels of refinement."""

    poses: tuple[Pose, ...]
    """For the search."""
    coarse: Level
    """Every 8 mm."""
    fine: Level
    """Every other voxel of 4 mm, as on a chessboard."""


@dataclass(frozen=True, eq=False)
class AverageBrain:
    """The two looks of a brain: in a head, and taken out of it."""

    covered: Template
    """Only voxels of brain count: around it may be anything."""
    stripped: Template
    """The dark around the brain counts too; it tells position and size much better."""
    ring: NDArray[np.float32]
    """MNI305 points (mm) just outside the brain, dark around a stripped one; shape (n, 3)."""


@lru_cache(maxsize=1)
def shipped_brain() -> AverageBrain:
    """The average brain that comes with the package."""
    return prepare(read_volume(data_file("templates", "brain305.nii.gz"), frames=True))


def prepare(average: Volume) -> AverageBrain:
    """Work out what the search and the refinement need.

    Parameters
    ----------
    average : Volume
        Two frames, uint8, on an upright grid of 4 mm in MNI305 space: how bright brain is at a place, and how
        probable it is there (255 = 1).
    """
    look, probability = (average.data[..., frame].astype(np.float32) for frame in (0, 1))
    brain = probability > 127
    near = ndimage.binary_dilation(brain, iterations=STRIPPED_RIM)
    far = ndimage.binary_dilation(near, iterations=2) & ~near
    return AverageBrain(
        _template(Volume(look, average.grid), brain),
        _template(Volume(look * probability / 255, average.grid), near),
        voxel_points(average.grid, far).astype(np.float32),
    )


def _template(look: Volume, mask: NDArray[np.bool_]) -> Template:
    i, j, k = np.indices(mask.shape)
    eighth = (i % 2 == 0) & (j % 2 == 0) & (k % 2 == 0)
    half = (i + j + k) % 2 == 0
    coarse = make_level(smooth(look, COARSE_SMOOTHING_MM), mask & eighth, COARSE_SMOOTHING_MM, REDUNDANCY)
    return Template(_poses(look, mask), coarse, make_level(look, mask & half, 0.0, REDUNDANCY))


def _poses(look: Volume, mask: NDArray[np.bool_]) -> tuple[Pose, ...]:
    blurred, weight = smooth(look, SEARCH_SMOOTHING_MM), Volume(mask.astype(np.float32), look.grid)
    half = np.ceil(SEARCH_HALF_MM / SEARCH_MM).astype(int)
    shape = tuple(2 * half + 1)
    points = ((np.indices(shape).reshape(3, -1).T - half) * SEARCH_MM).astype(np.float32)
    poses = []
    for scale in SEARCH_SCALES:
        for pitch in np.deg2rad(SEARCH_PITCH_DEG):
            mni2ras = np.eye(4)
            mni2ras[:3, :3] = pitched(scale, pitch)
            mni2ras[:3, 3] = -mni2ras[:3, :3] @ CENTER_MNI
            ras2mni = np.linalg.inv(mni2ras)
            counts = sample(weight, ras2mni, points)[0] > 0.5
            values = sample(blurred, ras2mni, points)[0]
            values = np.where(counts, values - values[counts].mean(), 0)
            values /= np.linalg.norm(values)
            poses.append(Pose(mni2ras, values.reshape(shape), counts.reshape(shape).astype(np.float32)))
    return tuple(poses)
