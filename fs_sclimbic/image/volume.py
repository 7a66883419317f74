"""Images and their grids: read and write .mgz, .mgh, .nii and .nii.gz."""

import gzip
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from ..errors import ImageError
from .compression import gzip_planes
from .labels import ColorTable

IMAGE_SUFFIXES = (".nii.gz", ".nii", ".mgz", ".mgh")

# Headers disagree in the last float32 digits; above this share the two voxel sizes are two statements.
VOXEL_SIZE_TOLERANCE = 0.01
PLAUSIBLE_VOXEL_MM = (0.1, 10.0)
SCANNER_XFORM = 1
MGH_COLOR_TABLE_TAG = (1).to_bytes(4, "big")


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the voxels of an image lie in scanner space."""

    shape: tuple[int, int, int]
    """Voxels along each axis."""
    vox2ras: NDArray[np.float64]
    """4 x 4 matrix from voxel index (centre of the first voxel is 0, 0, 0) to scanner RAS in mm."""
    voxel_size_mm: NDArray[np.float64] = field(default=None)  # type: ignore[arg-type]
    """Edge lengths, mm, along each axis; from the header where there is one, else the column norms."""
    xform_codes: tuple[int, int] = (SCANNER_XFORM, SCANNER_XFORM)
    """NIfTI's qform and sform code: which space the RAS coordinates are in."""
    qform2ras: NDArray[np.float64] | None = None
    """NIfTI's qform where it says something else than ``vox2ras`` (the sform); kept for images on this grid."""
    oriented: bool = True
    """Whether the file says how the image lies; False: ``vox2ras`` is a reader's default."""

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
        return "".join(nib.orientations.aff2axcodes(self.vox2ras))

    @property
    def center_ras(self) -> NDArray[np.float64]:
        """Scanner RAS (mm) of voxel coordinate shape / 2, FreeSurfer's centre of an image."""
        return (self.vox2ras @ [*np.array(self.shape) / 2, 1])[:3]  # type: ignore[no-any-return]

    def derived(
        self, shape: tuple[int, ...], vox2ras: NDArray[np.float64], voxel_size_mm: NDArray[np.float64]
    ) -> "Grid":
        """Another grid in the same space. Its matrix is always stated: a default of NIfTI's would put it elsewhere."""
        qform_code, sform_code = self.xform_codes
        code = sform_code or qform_code or SCANNER_XFORM
        return Grid(shape, vox2ras, voxel_size_mm, (code, code))  # type: ignore[arg-type]

    def matches(self, other: "Grid", tolerance_mm: float = 1e-3) -> bool:
        """Whether two grids have the same shape and put every voxel in the same place."""
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

    def __post_init__(self) -> None:
        if self.data.shape[:3] != self.grid.shape or self.data.ndim not in (3, 4):
            raise ValueError(f"data of shape {self.data.shape} do not lie on a grid of shape {self.grid.shape}")


def image_suffix(path: str | PathLike[str]) -> str | None:
    """The image ending of a file name (``.nii.gz``, ``.nii``, ``.mgz``, ``.mgh``), as written, or None."""
    name = Path(path).name
    return next((name[-len(suffix) :] for suffix in IMAGE_SUFFIXES if name.lower().endswith(suffix)), None)


def read_volume(path: str | PathLike[str], *, frames: bool = False) -> Volume:
    """Read one 3-D image.

    Parameters
    ----------
    path : path-like
        .mgz, .mgh, .nii or .nii.gz. Integer, float and scaled data of any orientation; a fourth axis is
        accepted when it holds one frame.
    frames : bool
        Accept several frames; the data then have four axes.

    Returns
    -------
    Volume
        Values with the header's scaling applied, on the file's own grid (nothing is resampled).

    Raises
    ------
    ImageError
        If the file is missing, of another kind, cut off, has more than one frame, or describes no
        sensible grid.
    """
    file = Path(path)
    if image_suffix(file) is None:
        raise ImageError(f"{file}: expected an image that ends in {', '.join(IMAGE_SUFFIXES)}")
    if not file.is_file():
        raise ImageError(f"{file}: image does not exist" if not file.exists() else f"{file}: is not a file")
    if file.stat().st_size == 0:
        raise ImageError(f"{file}: file is empty (0 bytes): copy or convert the image again")
    try:
        image = nib.load(file)
        data = np.asanyarray(image.dataobj)  # type: ignore[attr-defined]
    except (ImageFileError, nib.spatialimages.HeaderDataError, gzip.BadGzipFile) as error:
        raise ImageError(
            f"{file}: is not a {image_suffix(file)} image ({_one_line(error)}); convert it again"
        ) from error
    except (OSError, EOFError, ValueError, OverflowError, MemoryError, zlib.error) as error:
        raise ImageError(
            f"{file}: image is cut off or damaged ({_one_line(error)}); copy or convert it again"
        ) from error
    return Volume(
        data if frames and data.ndim == 4 and data.shape[3] > 1 else _one_frame(file, data), _read_grid(file, image)
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _one_frame(file: Path, data: NDArray[Any]) -> NDArray[Any]:
    if data.ndim < 3 or data.size == 0:
        raise ImageError(f"{file}: expected a 3-D image, found shape {data.shape}")
    if data[0, 0, 0].size != 1:
        raise ImageError(
            f"{file}: expected one frame, found {data[0, 0, 0].size} (shape {data.shape}); "
            "give one T1-weighted frame (mri_convert --frame 0)"
        )
    if data.dtype.fields or np.iscomplexobj(data):
        raise ImageError(f"{file}: expected real numbers, found {'colours' if data.dtype.fields else 'complex values'}")
    return data.reshape(data.shape[:3])


def _read_grid(file: Path, image: Any) -> Grid:
    shape, is_mgh = image.shape[:3], isinstance(image, nib.MGHImage)
    vox2ras = _mgh_vox2ras(image.header) if is_mgh else np.asarray(image.affine, np.float64)
    size = np.asarray(image.header.get_zooms()[:3], np.float64)
    norms = np.linalg.norm(vox2ras[:3, :3], axis=0)
    if not np.isfinite(vox2ras).all() or abs(np.linalg.det(vox2ras)) < 1e-9:
        raise ImageError(f"{file}: the header's vox2ras matrix is singular; repair the header (sform and qform)")
    if not np.isfinite(size).all() or np.any(np.abs(size - norms) > VOXEL_SIZE_TOLERANCE * norms):
        raise ImageError(
            f"{file}: the header contradicts itself: voxel size {_mm(size)} mm, but {_mm(norms)} mm by its "
            "matrix; volumes would be wrong. Repair the header (is the sform a registration to a template?)"
        )
    if size.min() < PLAUSIBLE_VOXEL_MM[0] or size.max() > PLAUSIBLE_VOXEL_MM[1]:
        raise ImageError(
            f"{file}: voxel size {_mm(size)} mm cannot be a head scan; repair the header (its unit must be mm)"
        )
    if is_mgh:
        return Grid(shape, vox2ras, size, oriented=_mgh_is_oriented(file))
    codes = (int(image.header["qform_code"]), int(image.header["sform_code"]))
    qform2ras = image.get_qform() if all(codes) else None
    return Grid(shape, vox2ras, size, codes, qform2ras, oriented=any(codes))


def _mgh_vox2ras(header: Any) -> NDArray[np.float64]:
    """The matrix of an MGH header in float64: nibabel adds up in float32, which moves the image by 1e-5 mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = header["Mdc"].T.astype(np.float64) * header["delta"].astype(np.float64)
    matrix[:3, 3] = header["Pxyz_c"].astype(np.float64) - matrix[:3, :3] @ (header["dims"][:3] / 2)
    return matrix


def _mgh_is_oriented(file: Path) -> bool:
    """The header's goodRASFlag, which nibabel sets to 1 when it fills in a default orientation."""
    opener: Any = gzip.open if file.name.lower().endswith("z") else open
    with opener(file, "rb") as stream:
        return any(stream.read(30)[28:30])


def _mm(sizes: Sequence[float] | NDArray[np.float64]) -> str:
    return " x ".join(f"{size:.4g}" for size in sizes)


def encode_volume(volume: Volume, path: str | PathLike[str], colors: ColorTable | None = None) -> bytes:
    """An image as the bytes of a file of the kind that ``path`` names.

    Parameters
    ----------
    volume : Volume
        Integer labels, or float32; three axes, or four with frames last.
    path : path-like
        Its ending counts, and its name for messages.
    colors : ColorTable, optional
        Stored inside .mgz and .mgh, where freeview looks for it; NIfTI has no place for it.

    Raises
    ------
    ImageError
        If the ending is none of an image, or the format has no type for the values.
    """
    suffix = (image_suffix(path) or "").lower()
    if suffix in (".mgz", ".mgh"):
        header, data, footer = _mgh_parts(volume, path)
        footer += MGH_COLOR_TABLE_TAG + colors.to_mgh_tag() if colors else b""
        stored = data.dtype.newbyteorder(">")
    elif suffix in (".nii", ".nii.gz"):
        header, data, footer = _nifti_parts(volume, path)
        stored = data.dtype.newbyteorder("<")
    else:
        raise ImageError(f"{path}: expected an image that ends in {', '.join(IMAGE_SUFFIXES)}")
    if suffix in (".mgz", ".nii.gz"):
        return gzip_planes(header, data, stored, footer)
    return b"".join((header, data.astype(stored).tobytes("F"), footer))


def write_volume(volume: Volume, path: str | PathLike[str], colors: ColorTable | None = None) -> None:
    """Write an image file; the parameters are those of `encode_volume`.

    The file is written in place; `fs_sclimbic.files.staging` puts several files there at once.
    """
    Path(path).write_bytes(encode_volume(volume, path, colors))


def _storable(volume: Volume, path: str | PathLike[str], integers: Sequence[type[np.integer[Any]]]) -> NDArray[Any]:
    """The values in a type that the file can hold: float32, or the first of these integer types that is wide enough."""
    data = volume.data
    if data.dtype.kind == "f":
        return data.astype(np.float32, copy=False)
    if data.dtype.kind not in "iub":
        raise ImageError(f"{path}: values of type {data.dtype} cannot be stored; give integers or floats")
    low, high = int(data.min(initial=0)), int(data.max(initial=0))
    for kind in integers:
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return data.astype(kind, copy=False)
    raise ImageError(f"{path}: values from {low} to {high} do not fit into the integers of this file format")


def _mgh_parts(volume: Volume, path: str | PathLike[str]) -> tuple[bytes, NDArray[Any], bytes]:
    """Header, values and footer of a file."""
    grid, data = volume.grid, _storable(volume, path, [np.int32])
    header = nib.MGHImage(data, grid.vox2ras).header
    # Not by way of the matrix: what was read from an .mgz goes back to the same bits.
    header["delta"] = grid.voxel_size_mm
    header["Mdc"] = (grid.vox2ras[:3, :3] / grid.voxel_size_mm).T
    header["Pxyz_c"] = grid.center_ras
    start, end = io.BytesIO(), io.BytesIO()
    header.writehdr_to(start)
    # nibabel writes the footer where it lies: behind the values, of which these have one.
    footer = header.copy()
    footer.set_data_shape((1, 1, 1))
    footer.writeftr_to(end)
    begin = start.getvalue().ljust(header.get_data_offset(), b"\0")
    return begin, data, end.getvalue()[footer.get_footer_offset() :]


def _nifti_parts(volume: Volume, path: str | PathLike[str]) -> tuple[bytes, NDArray[Any], bytes]:
    """Header and values of a file; it has no footer."""
    grid, data = volume.grid, _storable(volume, path, [np.int16, np.int32])
    image = nib.Nifti1Image(data[:1, :1, :1], grid.vox2ras)
    qform_code, sform_code = grid.xform_codes
    # set_qform before set_sform: the sform holds the matrix exactly, the qform its rotation.
    image.set_qform(grid.vox2ras if grid.qform2ras is None else grid.qform2ras, qform_code)
    image.set_sform(grid.vox2ras, sform_code)
    image.header["pixdim"][1:4] = grid.voxel_size_mm
    image.header.set_xyzt_units("mm", "sec")
    # nibabel writes one voxel: what stands before the values is all of the header but the shape.
    start = image.to_bytes()
    header = nib.Nifti1Header.from_fileobj(io.BytesIO(start))
    header.set_data_shape(data.shape)
    return header.binaryblock + start[len(header.binaryblock) : int(header["vox_offset"])], data, b""
