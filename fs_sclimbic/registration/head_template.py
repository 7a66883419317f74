"""The average head that `talairach` registers to: brain, cerebrospinal fluid and skull around it, 2 mm, MNI305.

Made by ``benchmarks/make_head_template.py``, which names the heads in it and their licences.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..files.resources import data_file
from ..image.volume import Grid, Volume, read_volume
from .affine import Level, make_level, smooth, voxel_points

AVERAGE_HEAD = ("templates", "head305.nii.gz")
RIM_MM = 10.0
"""How far around the brain voxels count: fluid and skull tell size; scalp and what defacing took away do not count."""
STRIPPED_RIM_MM = 4.0
"""As RIM_MM, for a brain that was taken out of its head."""
STORED_SMOOTHING_MM = 1.0
"""Sigma that the heads of the average were smoothed with."""
COARSE_SMOOTHING_MM, FINE_SMOOTHING_MM = 3.4, 1.7
"""Sigma of the two levels; the fine one is 4 mm FWHM, as for the transforms that eTIV is calibrated on."""
MM3_PER_OBSERVATION = 7680.0
"""So much of the head is worth one independent observation, where the prior of size and shape is weighed against it."""


@dataclass(frozen=True, eq=False)
class HeadContrast:
    """One look of the average head, at two resolutions."""

    coarse: Level
    fine: Level


@dataclass(frozen=True, eq=False)
class AverageHead:
    """The average head, with skull and without."""

    whole: HeadContrast
    stripped: HeadContrast
    """Around the brain is nothing."""
    inner: NDArray[np.float32]
    """MNI305 points (mm) well inside the brain, shape (n, 3)."""
    ring: NDArray[np.float32]
    """MNI305 points (mm) of fluid, skull and scalp, where a stripped brain has nothing; shape (n, 3)."""
    corners: NDArray[np.float64]
    """Corners (mm) of the box that holds all points which count, shape (8, 3)."""


@lru_cache(maxsize=1)
def shipped_head() -> AverageHead:
    """The average head that comes with the package."""
    return prepare_head(read_volume(data_file(*AVERAGE_HEAD), frames=True))


def prepare_head(average: Volume) -> AverageHead:
    """Work out what the registration needs.

    Parameters
    ----------
    average : Volume
        Two frames, uint8, on an upright grid of 2 mm in MNI305 space: how bright a head is at a place, and how
        probable brain is there (255 = 1).
    """
    look, probability = (average.data[..., frame].astype(np.float32) / 255 for frame in (0, 1))
    distance = distance_to_brain(probability, average.grid)
    inner = distance <= -8
    whole = Volume(look / look[inner].mean(), average.grid)
    stripped = replace(whole, data=whole.data * probability)
    near = distance <= RIM_MM
    points = voxel_points(average.grid, near)
    low, high = points.min(axis=0), points.max(axis=0)
    corners = np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
    return AverageHead(
        _look(whole, near),
        _look(stripped, distance <= STRIPPED_RIM_MM),
        voxel_points(average.grid, inner & _every(2, inner.shape)).astype(np.float32),
        voxel_points(average.grid, (distance > 6) & (distance <= 14) & _every(2, inner.shape)).astype(np.float32),
        corners,
    )


def distance_to_brain(probability: NDArray[np.floating], grid: Grid) -> NDArray[np.float64]:
    """Distance (mm) of each voxel to the brain's surface, negative inside."""
    outside = probability <= 0.5
    to_brain, to_outside = (ndimage.distance_transform_edt(mask, grid.voxel_size_mm) for mask in (outside, ~outside))
    return np.asarray(to_brain - to_outside, np.float64)


def _every(step: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    chosen = np.zeros(shape, bool)
    chosen[::step, ::step, ::step] = True
    return chosen


def _look(head: Volume, near: NDArray[np.bool_]) -> HeadContrast:
    levels = []
    i, j, k = np.indices(near.shape)
    chessboard = (i + j + k) % 2 == 0
    for sigma, chosen in ((COARSE_SMOOTHING_MM, _every(2, near.shape)), (FINE_SMOOTHING_MM, chessboard)):
        smoothed = smooth(head, float(np.sqrt(sigma**2 - STORED_SMOOTHING_MM**2)))
        mm3_per_point = head.grid.voxel_volume_mm3 / chosen.mean()
        levels.append(make_level(smoothed, near & chosen, sigma, MM3_PER_OBSERVATION / mm3_per_point))
    return HeadContrast(*levels)
