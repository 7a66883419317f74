"""Measure structures: voxel counts, volumes, confidence, detached parts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..image.labels import ColorTable, Structure
from ..image.volume import Grid, Volume


@dataclass(frozen=True)
class StructureStats:
    """What is measured of one structure."""

    structure: Structure
    n_voxels: int
    """Voxels that carry its label, at the image's voxel size."""
    volume_mm3: float
    """Sum of its posterior times the voxel volume; or the count times the voxel volume, if so asked."""
    confidence: float
    """Mean posterior inside the label, 0 to 1; 0 if there is no voxel."""
    detached_voxels: int
    """Voxels that do not touch the structure's largest part (26 neighbours)."""


@dataclass(frozen=True)
class SegStats:
    """What is measured of one case."""

    structures: tuple[StructureStats, ...]
    """In the order of the colour table, without background and excluded labels."""
    voxel_volume_mm3: float
    etiv_mm3: float | None = None
    """Estimated total intracranial volume; None where none was asked for."""


def winning_channels(posteriors: Volume) -> NDArray[np.int_]:
    """The channel of the highest posterior in each voxel, shape (x, y, z); of equal ones the first."""
    return posteriors.data.argmax(axis=-1)  # type: ignore[no-any-return]


def measure(
    posteriors: Volume,
    winner: NDArray[np.int_],
    colors: ColorTable,
    *,
    exclude: frozenset[int] = frozenset(),
    voxel_counts: bool = False,
    etiv_mm3: float | None = None,
) -> SegStats:
    """Measure all structures.

    Parameters
    ----------
    posteriors : Volume
        Clean posteriors at the image's voxel size, shape (x, y, z, labels) in the order of ``colors``.
    winner : ndarray, shape (x, y, z)
        Their winning channels.
    colors : ColorTable
    exclude : frozenset of int
        SegIds to leave out.
    voxel_counts : bool
        Volume is the count of voxels times the voxel volume, instead of the sum of posteriors.
    etiv_mm3 : float, optional
        Passed on into the result.

    Returns
    -------
    SegStats
    """
    voxel_mm3 = posteriors.grid.voxel_volume_mm3
    rows = []
    for channel, structure in enumerate(colors):
        if channel == 0 or structure.index in exclude:
            continue
        inside, posterior = winner == channel, posteriors.data[..., channel]
        count = int(np.count_nonzero(inside))
        volume = count * voxel_mm3 if voxel_counts else float(posterior.sum(dtype=np.float64)) * voxel_mm3
        confidence = float(posterior[inside].mean(dtype=np.float64)) if count else 0.0
        rows.append(StructureStats(structure, count, volume, confidence, count_detached(inside)))
    return SegStats(tuple(rows), voxel_mm3, etiv_mm3)


def count_detached(inside: NDArray[np.bool_]) -> int:
    """Count the voxels that do not touch the largest part of a structure (26 neighbours).

    Parameters
    ----------
    inside : ndarray of bool, shape (x, y, z)
        The voxels of the structure.

    Returns
    -------
    int
    """
    count = int(np.count_nonzero(inside))
    if count == 0:
        return 0
    parts, number = ndimage.label(inside, np.ones((3, 3, 3)))
    return count - int(np.bincount(parts.ravel(), minlength=number + 1)[1:].max())


def label_image(winner: NDArray[np.int_], colors: ColorTable, grid: Grid) -> Volume:
    """Turn winning channels into SegIds.

    Parameters
    ----------
    winner : ndarray, shape (x, y, z)
        Channel of the winning posterior in each voxel.
    colors : ColorTable
        Structures in the order of the channels.
    grid : Grid
        Where the voxels lie.

    Returns
    -------
    Volume
        int32.
    """
    ids = np.array([structure.index for structure in colors], np.int32)
    return Volume(ids[winner], grid)
