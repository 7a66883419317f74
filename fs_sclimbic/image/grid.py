"""Images in memory: voxel values, and the grid that says where they lie."""

from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np
from nibabel.orientations import aff2axcodes
from numpy.typing import NDArray

NIFTI_SCANNER_CODE = 1
"""NIfTI's code for scanner coordinates."""
SAME_PLACE_TOLERANCE_MM = 1e-3


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the voxels of an image lie in scanner space."""

    shape: tuple[int, int, int]
    """Voxels along each axis."""
    vox2ras: NDArray[np.float64]
    """4 x 4 matrix from voxel index (centre of the first voxel is 0, 0, 0) to scanner RAS in mm."""
    _: KW_ONLY
    voxel_size_mm: NDArray[np.float64] = field(default=None)  # type: ignore[arg-type]
    """Edge lengths, mm, along each axis; from the header where there is one, else the column norms."""
    xform_codes: tuple[int, int] = (NIFTI_SCANNER_CODE, NIFTI_SCANNER_CODE)
    """NIfTI's qform and sform code: which space the RAS coordinates are in."""
    qform2ras: NDArray[np.float64] | None = None
    """NIfTI's qform where the file has both forms; ``vox2ras`` is then the sform. Kept for images on this grid."""
    oriented: bool = True
    """Whether the file says how the image lies; False: ``vox2ras`` is a reader's default."""
    repetition_time_ms: float = 0.0
    """TR of the scan; 0 where it is not known. Kept for images on this grid."""

    def __post_init__(self) -> None:
        vox2ras = np.array(self.vox2ras, np.float64)
        norms = np.linalg.norm(vox2ras[:3, :3], axis=0)
        size = norms if self.voxel_size_mm is None else np.array(self.voxel_size_mm, np.float64)
        for array in (vox2ras, size):
            array.flags.writeable = False
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))
        object.__setattr__(self, "vox2ras", vox2ras)
        object.__setattr__(self, "voxel_size_mm", size)

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel in mm^3."""
        return float(np.prod(self.voxel_size_mm))

    @property
    def orientation(self) -> str:
        """Three letters, for instance ``LIA``: the anatomical direction in which each axis grows."""
        return "".join(aff2axcodes(self.vox2ras))

    @property
    def center_ras(self) -> NDArray[np.float64]:
        """Scanner RAS (mm) of voxel coordinate shape / 2, FreeSurfer's centre of an image."""
        return (self.vox2ras @ [*np.array(self.shape) / 2, 1])[:3]  # type: ignore[no-any-return]

    def derived(
        self, shape: tuple[int, ...], vox2ras: NDArray[np.float64], voxel_size_mm: NDArray[np.float64]
    ) -> "Grid":
        """Another grid in the same space. Its matrix is always stated: a default of NIfTI's would put it elsewhere.

        Parameters
        ----------
        shape : tuple of 3 int
        vox2ras : ndarray, shape (4, 4)
            Voxel index to scanner RAS, mm.
        voxel_size_mm : ndarray, shape (3,)

        Returns
        -------
        Grid
        """
        qform_code, sform_code = self.xform_codes
        code = sform_code or qform_code or NIFTI_SCANNER_CODE
        return Grid(
            shape,  # type: ignore[arg-type]
            vox2ras,
            voxel_size_mm=voxel_size_mm,
            xform_codes=(code, code),
            repetition_time_ms=self.repetition_time_ms,
        )

    def matches(self, other: "Grid", tolerance_mm: float = SAME_PLACE_TOLERANCE_MM) -> bool:
        """Whether two grids have the same shape and put every voxel in the same place.

        Parameters
        ----------
        other : Grid
        tolerance_mm : float
            Largest difference of a coordinate.

        Returns
        -------
        bool
        """
        if self.shape != other.shape:
            return False
        far_corner = [*self.shape, 1]
        return bool(
            np.allclose(self.vox2ras @ far_corner, other.vox2ras @ far_corner, atol=tolerance_mm)
            and np.allclose(self.vox2ras[:3, 3], other.vox2ras[:3, 3], atol=tolerance_mm)
            and np.allclose(self.vox2ras[:3, :3], other.vox2ras[:3, :3], atol=tolerance_mm)
        )


@dataclass(frozen=True, eq=False)
class Volume:
    """An image: voxel values and the grid they lie on."""

    data: NDArray[Any]
    """Three axes, or four with frames last; the first three have the grid's shape."""
    grid: Grid
    notes: tuple[str, ...] = ()
    """How the file was read, where it departs from its name or format."""

    def __repr__(self) -> str:
        sizes = " x ".join(f"{size:.4g}" for size in self.grid.voxel_size_mm)
        shape = " x ".join(str(n) for n in self.data.shape)
        return f"<Volume {shape}, {self.grid.orientation}, voxels of {sizes} mm, {self.data.dtype}>"

    def __post_init__(self) -> None:
        if self.data.shape[:3] != self.grid.shape or self.data.ndim not in (3, 4):
            raise ValueError(f"data of shape {self.data.shape} do not lie on a grid of shape {self.grid.shape}")
