"""The average brain that `head_search` looks for, prepared for the search and for Gauss-Newton steps.

Made by ``benchmarks/make_template.py``, which names the heads in it and their licences.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..files.resources import data_file
from ..image.grid import Volume
from .average import Average, read_average
from .level import Level, make_level, pitch_matrix, sample, smooth, voxel_points

AVERAGE_BRAIN = ("templates", "brain305.nii.gz")
SEARCH_MM = 8.0
SEARCH_SMOOTHING_MM = 4.0
"""Voxel size of the search, and the Gaussian (sigma) that goes before it."""
SEARCH_SCALES = (0.82, 0.96)
"""Size of the head over the template's. The refinement covers 15 % to either side; the median of adults is 0.91."""
SEARCH_PITCH_DEG = (-15.0, 10.0, 35.0)
"""Nose up. Scanner axes are 0 to 20 degrees off MNI305, and a head may be turned by 25 more."""
BRAIN_CENTER_MNI_MM = np.array([0.0, -20.0, 10.0])
BRAIN_HALF_SIZE_MM = np.array([80.0, 96.0, 80.0])
"""Of the box around the brain."""
COARSE_SMOOTHING_MM = 2.0
"""Sigma at the coarse level. A larger one would spread a bright scalp over the edge of the brain."""
VOXELS_PER_OBSERVATION = 60.0
"""Of both levels, see `Level.redundancy`."""
STRIPPED_RIM_VOXELS = 2
"""Around a stripped brain; they must be dark."""
RING_VOXELS = 2
"""Thickness of the layer outside that rim."""
HALF_PROBABILITY = 127
"""Of brain, in the average's 0 to 255."""


@dataclass(frozen=True, eq=False)
class Pose:
    """The template turned and scaled, on a grid of SEARCH_MM whose middle voxel is BRAIN_CENTER_MNI_MM."""

    mni2ras: NDArray[np.float64]
    """4 x 4; brings BRAIN_CENTER_MNI_MM to the origin."""
    values: NDArray[np.float32]
    """Mean 0 inside the mask, 0 outside; sum of squares 1."""
    mask: NDArray[np.float32]
    """1 where voxels count, else 0."""


@dataclass(frozen=True, eq=False)
class BrainContrast:
    """One contrast of the average brain, for the search and for two levels of refinement."""

    poses: tuple[Pose, ...]
    """For the search."""
    coarse: Level
    """Every 8 mm."""
    fine: Level
    """Every other voxel of 4 mm, as on a chessboard."""


@dataclass(frozen=True, eq=False)
class AverageBrain:
    """The two contrasts of a brain: inside a head, and taken out of it."""

    covered: BrainContrast
    """Only voxels of brain count: anything may be around it."""
    stripped: BrainContrast
    """The dark voxels around the brain count too; they tell position and size much better."""
    ring: NDArray[np.float32]
    """MNI305 points (mm) just outside the brain, dark around a stripped one; shape (n, 3)."""


@lru_cache(maxsize=1)
def shipped_brain() -> AverageBrain:
    """The average brain that comes with the package."""
    return prepare_brain(read_average(data_file(*AVERAGE_BRAIN)))


def prepare_brain(average: Average) -> AverageBrain:
    """Prepare an average brain for the search and the refinement.

    Parameters
    ----------
    average : Average
        On a grid of 4 mm.

    Returns
    -------
    AverageBrain
    """
    grid, brightness, probability = average.brightness.grid, average.brightness.data, average.probability.data
    brain = probability > HALF_PROBABILITY
    near = ndimage.binary_dilation(brain, iterations=STRIPPED_RIM_VOXELS)
    ring = ndimage.binary_dilation(near, iterations=RING_VOXELS) & ~near
    return AverageBrain(
        _prepare_contrast(average.brightness, brain),
        _prepare_contrast(Volume(brightness * probability / 255, grid), near),
        voxel_points(grid, ring).astype(np.float32),
    )


def _prepare_contrast(brightness: Volume, counted: NDArray[np.bool_]) -> BrainContrast:
    i, j, k = np.indices(counted.shape)
    eighth = (i % 2 == 0) & (j % 2 == 0) & (k % 2 == 0)
    half = (i + j + k) % 2 == 0
    coarse, fine = (
        make_level(image, counted & chosen, smoothing_mm=sigma_mm, redundancy=VOXELS_PER_OBSERVATION)
        for image, chosen, sigma_mm in (
            (smooth(brightness, COARSE_SMOOTHING_MM), eighth, COARSE_SMOOTHING_MM),
            (brightness, half, 0.0),
        )
    )
    return BrainContrast(_prepare_poses(brightness, counted), coarse, fine)


def _prepare_poses(brightness: Volume, counted: NDArray[np.bool_]) -> tuple[Pose, ...]:
    blurred = smooth(brightness, SEARCH_SMOOTHING_MM)
    weight = Volume(counted.astype(np.float32), brightness.grid)
    half = np.ceil(BRAIN_HALF_SIZE_MM / SEARCH_MM).astype(int)
    shape = tuple(2 * half + 1)
    points = ((np.indices(shape).reshape(3, -1).T - half) * SEARCH_MM).astype(np.float32)
    poses = []
    for scale in SEARCH_SCALES:
        for pitch in np.deg2rad(SEARCH_PITCH_DEG):
            mni2ras = np.eye(4)
            mni2ras[:3, :3] = pitch_matrix(scale, pitch)
            mni2ras[:3, 3] = -mni2ras[:3, :3] @ BRAIN_CENTER_MNI_MM
            ras2mni = np.linalg.inv(mni2ras)
            mask = sample(weight, ras2mni, points)[0] > 0.5
            values = sample(blurred, ras2mni, points)[0]
            values = np.where(mask, values - values[mask].mean(), 0)
            values /= np.linalg.norm(values)
            poses.append(Pose(mni2ras, values.reshape(shape), mask.reshape(shape).astype(np.float32)))
    return tuple(poses)
