"""What an image's header says, whatever its format, and whether that can be a head scan."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files.content import ContentError
from .grid import Grid

# Headers disagree in the last float32 digits; above this share the two voxel sizes are two statements.
MAX_VOXEL_SIZE_DISAGREEMENT = 0.01
VOXEL_SIZE_RANGE_MM = (0.1, 10.0)
"""Of head scans; outside, the header's unit is wrong."""
MIN_RELATIVE_DETERMINANT = 1e-2
"""Of a matrix over one with the same voxel size and right angles; below, its axes lie in a plane."""
MAX_DISTANCE_MM = 1e6
"""Of an image from the scanner's centre."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageHeader:
    """How the values of an image are stored, and where they lie."""

    shape: tuple[int, ...]
    """As in the file; frames are the fourth axis."""
    dtype: np.dtype[Any]
    """Of the stored values, with their byte order."""
    offset: int
    """Bytes before the first value."""
    grid: Grid
    scaling: tuple[float, float] | None = None
    """Slope and intercept that turn stored values into intensities."""
    notes: tuple[str, ...] = ()
    """How the header was read where it departs from its format."""

    @property
    def value_bytes(self) -> int:
        """Size of all stored values."""
        count = 1
        for n in self.shape:
            count *= n
        return count * self.dtype.itemsize


def check_shape(shape: Sequence[int], dtype: np.dtype[Any], *, frames: bool) -> None:
    """Check that an image is one 3-D image of real numbers.

    Parameters
    ----------
    shape : sequence of int
    dtype : dtype
    frames : bool
        Accept several frames.

    Raises
    ------
    ContentError
        If it is not.
    """
    if len(shape) < 3 or min(shape) < 1:
        raise ContentError(f"expected a 3-D image, found shape {tuple(shape)}")
    count = 1
    for n in shape[3:]:
        count *= n
    if count != 1 and not (frames and len(shape) == 4):
        raise ContentError(
            f"expected one frame, found {count} (shape {tuple(shape)}); "
            "give one T1-weighted frame (mri_convert --frame 0)"
        )
    if dtype.fields or dtype.kind == "c":
        raise ContentError(f"expected real numbers, found {'colours' if dtype.fields else 'complex values'}")


def check_geometry(vox2ras: NDArray[np.float64], voxel_size_mm: NDArray[np.float64]) -> None:
    """Check that matrix and voxel size of a header can be those of a head scan.

    Parameters
    ----------
    vox2ras : ndarray, shape (4, 4)
        Voxel index to scanner RAS, mm.
    voxel_size_mm : ndarray, shape (3,)
        As the header states it.

    Raises
    ------
    ContentError
        If the matrix is singular, the two contradict each other, or no head has such voxels.
    """
    with np.errstate(all="ignore"):
        norms = np.linalg.norm(vox2ras[:3, :3], axis=0)
        # Over that of a matrix with the same sizes and right angles: a determinant alone is small in metres too.
        singular = not abs(np.linalg.det(vox2ras[:3, :3])) >= MIN_RELATIVE_DETERMINANT * norms.prod() > 0
        agree = np.all(np.abs(voxel_size_mm - norms) <= MAX_VOXEL_SIZE_DISAGREEMENT * norms)
    if singular or not np.isfinite(vox2ras).all():
        raise ContentError("the header's vox2ras matrix is singular; repair the header (sform and qform)")
    if not agree:
        raise ContentError(
            f"the header contradicts itself: voxel size {format_mm(voxel_size_mm)} mm, but {format_mm(norms)} mm by "
            "its matrix; volumes would be wrong. Repair the header (is the sform a registration to a template?)"
        )
    if voxel_size_mm.min() < VOXEL_SIZE_RANGE_MM[0] or voxel_size_mm.max() > VOXEL_SIZE_RANGE_MM[1]:
        raise ContentError(
            f"voxel size {format_mm(voxel_size_mm)} mm cannot be a head scan; repair the header (its unit must be mm)"
        )
    distance_mm = np.abs(vox2ras[:3, 3]).max()
    if distance_mm > MAX_DISTANCE_MM:
        raise ContentError(
            f"the header puts the image {distance_mm:.3g} mm from the scanner's centre; repair the header"
        )


def format_mm(sizes: Sequence[float] | NDArray[np.float64]) -> str:
    """Three sizes as text."""
    return " x ".join(f"{size:.4g}" for size in sizes)
