"""Boxes of voxels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Box:
    """A box of voxels on some grid: along each axis from ``low`` up to, without, ``high``."""

    low: tuple[int, int, int]
    """First voxel; may be negative, outside the grid."""
    high: tuple[int, int, int]
    """One beyond the last voxel."""

    @classmethod
    def of_shape(cls, shape: Sequence[int]) -> "Box":
        """The box that a whole array fills."""
        return cls((0, 0, 0), (int(shape[0]), int(shape[1]), int(shape[2])))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along each axis; not above 0 where the box is empty."""
        return three(high - low for low, high in zip(self.low, self.high, strict=True))

    @property
    def voxels(self) -> int:
        """How many voxels the box holds."""
        x, y, z = (max(n, 0) for n in self.shape)
        return x * y * z

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """For indexing an array that begins at voxel 0 of the grid."""
        x, y, z = (slice(low, high) for low, high in zip(self.low, self.high, strict=True))
        return x, y, z

    def grown(self, voxels: int) -> "Box":
        """The box with a margin on every side."""
        return Box(three(low - voxels for low in self.low), three(high + voxels for high in self.high))

    def moved(self, by: Iterable[int]) -> "Box":
        """The box shifted by whole voxels."""
        return Box(
            three(low + d for low, d in zip(self.low, by, strict=True)),
            three(high + d for high, d in zip(self.high, by, strict=True)),
        )

    def seen_from(self, other: "Box") -> "Box":
        """The same voxels, counted from the first voxel of another box."""
        return self.moved([-low for low in other.low])

    def hull(self, other: "Box") -> "Box":
        """The smallest box that holds both."""
        return Box(
            three(min(a, b) for a, b in zip(self.low, other.low, strict=True)),
            three(max(a, b) for a, b in zip(self.high, other.high, strict=True)),
        )

    def clipped(self, other: "Box") -> "Box":
        """What lies in both."""
        return Box(
            three(max(a, b) for a, b in zip(self.low, other.low, strict=True)),
            three(min(a, b) for a, b in zip(self.high, other.high, strict=True)),
        )

    def holds(self, other: "Box") -> bool:
        """Whether another box lies wholly inside."""
        return self.hull(other) == self

    def coarser(self, by: int) -> "Box":
        """The smallest box of voxels ``by`` times as large that covers it."""
        return Box(three(low // by for low in self.low), three(-(-high // by) for high in self.high))

    def finer(self, by: int) -> "Box":
        """The same box in voxels that are ``by`` times as small."""
        return Box(three(by * low for low in self.low), three(by * high for high in self.high))

    def aligned(self, step: int, phase: Sequence[int] = (0, 0, 0)) -> "Box":
        """The smallest box around it whose faces lie at ``phase`` plus multiples of ``step``.

        Parameters
        ----------
        step : int
            Voxels between two possible faces.
        phase : three int
            A possible face along each axis.

        Returns
        -------
        Box
        """
        return Box(
            three((low - p) // step * step + p for low, p in zip(self.low, phase, strict=True)),
            three(-(-(high - p) // step) * step + p for high, p in zip(self.high, phase, strict=True)),
        )


def moved_corners(
    matrix: NDArray[np.float64], low: ArrayLike, high: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Smallest and largest coordinates of the corners of a box, after a matrix has moved them.

    Parameters
    ----------
    matrix : ndarray, shape (4, 4)
        From the box's coordinates to those of the result.
    low, high : array-like, shape (3,)
        Two opposite corners.

    Returns
    -------
    low, high : ndarray, shape (3,)
        Along each axis.
    """
    corners = np.array(np.meshgrid(*np.transpose([low, high]))).reshape(3, -1)
    moved = matrix[:3, :3] @ corners + matrix[:3, 3:]
    return moved.min(1), moved.max(1)


def three(values: Iterable[int]) -> tuple[int, int, int]:
    """Three numbers as a tuple of plain int."""
    x, y, z = (int(value) for value in values)
    return x, y, z
