"""The average head that `talairach` registers to: brain, cerebrospinal fluid and skull around it, 2 mm, MNI305.

Made by ``benchmarks/make_head_template.py``, which names the heads in it and their licences.
"""

import itertools
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..files.resources import data_file
from ..image.grid import Volume
from .average import Average, read_average
from .level import Level, make_level, smooth, voxel_points

AVERAGE_HEAD = ("templates", "head305.nii.gz")
RIM_MM = 10.0
"""How far around the brain voxels count: fluid and skull tell size. The scalp, and what defacing removes, do not."""
STRIPPED_RIM_MM = 4.0
"""As RIM_MM, for a brain that was taken out of its head."""
STORED_SMOOTHING_MM = 1.0
"""Sigma of the Gaussian that smoothed the heads of the average."""
COARSE_SMOOTHING_MM, FINE_SMOOTHING_MM = 3.4, 1.7
"""Sigma of the two levels; the fine one is 4 mm FWHM, as for the transforms that eTIV is calibrated on."""
MM3_PER_OBSERVATION = 7680.0
"""This volume of a head is worth one independent observation, beside the prior of size and shape."""
INNER_DEPTH_MM = 8.0
"""Points "well inside the brain" lie this deep."""
RING_MM = (6.0, 14.0)
"""Points around the brain where only a stripped one is dark: distances to the brain's surface."""


@dataclass(frozen=True, eq=False)
class HeadContrast:
    """One contrast of the average head, at two resolutions."""

    coarse: Level
    fine: Level


@dataclass(frozen=True, eq=False, kw_only=True)
class AverageHead:
    """The average head, with skull and without."""

    whole: HeadContrast
    stripped: HeadContrast
    """The brain alone, dark around it."""
    inner: NDArray[np.float32]
    """MNI305 points (mm) well inside the brain, shape (n, 3)."""
    ring: NDArray[np.float32]
    """MNI305 points (mm) of fluid, skull and scalp, dark around a stripped brain; shape (n, 3)."""
    corners: NDArray[np.float64]
    """Corners (mm) of the box that holds all points which count, shape (8, 3)."""


@lru_cache(maxsize=1)
def shipped_head() -> AverageHead:
    """The average head that comes with the package."""
    return prepare_head(read_average(data_file(*AVERAGE_HEAD)))


def prepare_head(average: Average) -> AverageHead:
    """Prepare an average head for the registration.

    Parameters
    ----------
    average : Average
        On a grid of 2 mm.

    Returns
    -------
    AverageHead
    """
    grid = average.brightness.grid
    brightness = average.brightness.data / 255
    probability = Volume(average.probability.data / 255, grid)
    distance = measure_brain_distance(probability).data
    inner = distance <= -INNER_DEPTH_MM
    whole = Volume(brightness / brightness[inner].mean(), grid)
    stripped = Volume(whole.data * probability.data, grid)
    near = distance <= RIM_MM
    ring = (distance > RING_MM[0]) & (distance <= RING_MM[1])
    every_other = _every_nth(2, grid.shape)
    points = voxel_points(grid, near)
    low, high = points.min(axis=0), points.max(axis=0)
    return AverageHead(
        whole=_prepare_contrast(whole, near),
        stripped=_prepare_contrast(stripped, distance <= STRIPPED_RIM_MM),
        inner=voxel_points(grid, inner & every_other).astype(np.float32),
        ring=voxel_points(grid, ring & every_other).astype(np.float32),
        corners=np.array(list(itertools.product(*zip(low, high, strict=True)))),
    )


def measure_brain_distance(probability: Volume) -> Volume:
    """Measure the distance of each voxel to the brain's surface.

    Parameters
    ----------
    probability : Volume
        Of brain, 0 to 1.

    Returns
    -------
    Volume
        mm, float64; negative inside the brain.
    """
    outside = probability.data <= 0.5
    to_brain, to_outside = (
        ndimage.distance_transform_edt(mask, probability.grid.voxel_size_mm) for mask in (outside, ~outside)
    )
    return Volume(np.asarray(to_brain - to_outside, np.float64), probability.grid)


def _every_nth(step: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    chosen = np.zeros(shape, bool)
    chosen[::step, ::step, ::step] = True
    return chosen


def _prepare_contrast(head: Volume, near: NDArray[np.bool_]) -> HeadContrast:
    levels = []
    i, j, k = np.indices(near.shape)
    chessboard = (i + j + k) % 2 == 0
    for sigma_mm, chosen in ((COARSE_SMOOTHING_MM, _every_nth(2, near.shape)), (FINE_SMOOTHING_MM, chessboard)):
        smoothed = smooth(head, float(np.sqrt(sigma_mm**2 - STORED_SMOOTHING_MM**2)))
        mm3_per_point = head.grid.voxel_volume_mm3 / chosen.mean()
        redundancy = MM3_PER_OBSERVATION / mm3_per_point
        levels.append(make_level(smoothed, near & chosen, smoothing_mm=sigma_mm, redundancy=redundancy))
    return HeadContrast(*levels)
