"""Slices of a head at a fixed scale, as pixels: grey values, labels, outlines."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..image.volume import Volume

SAGITTAL, CORONAL, AXIAL = 0, 1, 2
"""The axis of a RAS volume that is perpendicular to a slice."""
ACROSS = {SAGITTAL: (1, 2), CORONAL: (0, 2), AXIAL: (0, 1)}
"""The axes along the columns and the rows of a slice. Left, back and bottom are where the axes begin."""
AXIS_ENDS = (("L", "R"), ("P", "A"), ("I", "S"))
"""The low and the high end of each axis."""


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """One slice of a RAS volume: where it lies, and the pixels it is shown in.

    Left of the picture is the subject's left or back, its top is the subject's front or top.
    """

    axis: int
    """SAGITTAL, CORONAL or AXIAL."""
    position_mm: float
    """Along that axis, from the centre of the volume's first voxel."""
    center_mm: tuple[float, float]
    """Middle of the picture, along columns and rows, from the centre of the first voxel."""
    shape: tuple[int, int]
    """Rows and columns."""
    mm_per_pixel: float

    @property
    def columns_mm(self) -> NDArray[np.float64]:
        """Position of each column along its axis."""
        return np.asarray(self.center_mm[0] + self._offsets(self.shape[1]), np.float64)

    @property
    def rows_mm(self) -> NDArray[np.float64]:
        """Position of each row along its axis, the top one first."""
        return np.asarray(self.center_mm[1] + self._offsets(self.shape[0]), np.float64)[::-1]

    def _offsets(self, count: int) -> NDArray[np.float64]:
        return np.asarray((np.arange(count) - (count - 1) / 2) * self.mm_per_pixel, np.float64)


def sample_gray(t1: Volume, view: View) -> NDArray[np.float32]:
    """Intensities of a slice: of the nearest voxels through the plane, linear within it; 0 outside the image.

    Parameters
    ----------
    t1 : Volume
        RAS.
    view : View

    Returns
    -------
    ndarray, shape ``view.shape``
    """
    columns, rows = (t1.grid.voxel_size_mm[axis] for axis in ACROSS[view.axis])
    plane = take_slice(t1, view.axis, voxel_index(t1, view.axis, view.position_mm))
    if plane is None:
        return np.zeros(view.shape, np.float32)
    values = np.nan_to_num(np.asarray(plane, np.float32), posinf=0, neginf=0)
    return _interpolate(_interpolate(values, view.columns_mm / columns).T, view.rows_mm / rows)


def sample_labels(labels: Volume, view: View) -> NDArray[np.int32]:
    """SegIds of a slice, of the nearest voxels; 0 outside the image.

    Parameters
    ----------
    labels : Volume
        RAS.
    view : View

    Returns
    -------
    ndarray, shape ``view.shape``
    """
    plane = take_slice(labels, view.axis, voxel_index(labels, view.axis, view.position_mm))
    if plane is None:
        return np.zeros(view.shape, np.int32)
    columns_mm, rows_mm = (labels.grid.voxel_size_mm[axis] for axis in ACROSS[view.axis])
    return pick_nearest(np.asarray(plane), view.columns_mm / columns_mm, view.rows_mm / rows_mm)


def pick_nearest(
    plane: NDArray[np.generic], columns: NDArray[np.float64], rows: NDArray[np.float64]
) -> NDArray[np.int32]:
    """The nearest voxels of a plane; 0 outside it.

    Parameters
    ----------
    plane : ndarray
        Its first axis runs along the columns of the result.
    columns, rows : ndarray
        Voxel coordinates.

    Returns
    -------
    ndarray, shape (rows, columns)
    """
    first, second = (np.floor(x + 0.5).astype(int) for x in (columns, rows))
    is_inside = ((second >= 0) & (second < plane.shape[1]))[:, None] & ((first >= 0) & (first < plane.shape[0]))
    picked = plane[first.clip(0, plane.shape[0] - 1)[None, :], second.clip(0, plane.shape[1] - 1)[:, None]]
    return np.where(is_inside, picked, 0).astype(np.int32)


def voxel_index(volume: Volume, axis: int, position_mm: float) -> int:
    """The slice of a volume that is nearest to a position; it may lie outside.

    Parameters
    ----------
    volume : Volume
        RAS.
    axis : int
    position_mm : float
        Along that axis, from the centre of the first voxel.

    Returns
    -------
    int
    """
    return int(np.floor(position_mm / volume.grid.voxel_size_mm[axis] + 0.5))


def label_box(labels: NDArray[np.generic]) -> tuple[slice, slice, slice]:
    """The smallest box that holds all labels: a small part of a head, and quick to look through.

    Parameters
    ----------
    labels : ndarray, three axes

    Returns
    -------
    tuple of 3 slice
        One voxel where there is no label.
    """
    x = np.flatnonzero(labels.any(axis=(1, 2)))
    if not len(x):
        return (slice(0, 1),) * 3
    first = slice(int(x[0]), int(x[-1]) + 1)
    y = np.flatnonzero(labels[first].any(axis=(0, 2)))
    second = slice(int(y[0]), int(y[-1]) + 1)
    z = np.flatnonzero(labels[first, second].any(axis=(0, 1)))
    return first, second, slice(int(z[0]), int(z[-1]) + 1)


def take_slice(volume: Volume, axis: int, index: int) -> NDArray[np.generic] | None:
    """One slice of a volume, without a copy.

    Parameters
    ----------
    volume : Volume
    axis : int
        Perpendicular to the slice.
    index : int

    Returns
    -------
    ndarray or None
        None outside the volume.
    """
    # Not ndarray.take, which copies the whole volume if its axes are in the order of files.
    if not 0 <= index < volume.data.shape[axis]:
        return None
    return np.asarray(volume.data[(slice(None),) * axis + (index,)])


def _interpolate(plane: NDArray[np.float32], positions: NDArray[np.float64]) -> NDArray[np.float32]:
    """Interpolate along the first axis; 0 more than half a voxel outside."""
    last = len(plane) - 1
    inside = positions.clip(0, last)
    low = np.minimum(inside.astype(int), max(last - 1, 0))
    share = (inside - low).astype(np.float32)[:, None]
    values = plane[low] * (1 - share) + plane[np.minimum(low + 1, last)] * share
    values[(positions < -0.5) | (positions > last + 0.5)] = 0
    return np.asarray(values, np.float32)


def to_gray(values: NDArray[np.float32], black: float, white: float) -> NDArray[np.uint8]:
    """Grey pixels of intensities.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
    black, white : float
        Intensities that are shown black and white.

    Returns
    -------
    ndarray, shape (rows, columns, 3)
    """
    scaled = (values - black) * np.float32(255 / max(white - black, 1e-30))
    return np.repeat(scaled.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def outlines(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """The outermost pixels of each label, one pixel wide.

    Parameters
    ----------
    labels : ndarray, shape (rows, columns)

    Returns
    -------
    ndarray of bool, shape (rows, columns)
    """
    padded = np.pad(labels, 1)
    middle = padded[1:-1, 1:-1]
    neighbours = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    differs = np.zeros(labels.shape, bool)
    for neighbour in neighbours:
        differs |= neighbour != middle
    return np.asarray(differs & (middle != 0))
