"""Image files: read and write .mgz, .mgh, .nii and .nii.gz."""

import gzip
import zlib
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from ..errors import ImageError
from .compression import gzip_image
from .grid import Grid, Volume
from .labels import ColorTable
from .mgh import encode_mgh, read_mgh_oriented, read_mgh_vox2ras
from .nifti import encode_nifti

__all__ = ["IMAGE_SUFFIXES", "Grid", "Volume", "encode_volume", "image_suffix", "read_volume", "write_volume"]

IMAGE_SUFFIXES = (".nii.gz", ".nii", ".mgz", ".mgh")

# Headers disagree in the last float32 digits; above this share the two voxel sizes are two statements.
MAX_VOXEL_SIZE_DISAGREEMENT = 0.01
VOXEL_SIZE_RANGE_MM = (0.1, 10.0)
"""Of head scans; outside, the header's unit is wrong."""
MIN_VOX2RAS_DETERMINANT = 1e-9
"""Below, a matrix is singular."""


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
    vox2ras = read_mgh_vox2ras(image.header) if is_mgh else np.asarray(image.affine, np.float64)
    size = np.asarray(image.header.get_zooms()[:3], np.float64)
    norms = np.linalg.norm(vox2ras[:3, :3], axis=0)
    if not np.isfinite(vox2ras).all() or abs(np.linalg.det(vox2ras)) < MIN_VOX2RAS_DETERMINANT:
        raise ImageError(f"{file}: the header's vox2ras matrix is singular; repair the header (sform and qform)")
    if not np.isfinite(size).all() or np.any(np.abs(size - norms) > MAX_VOXEL_SIZE_DISAGREEMENT * norms):
        raise ImageError(
            f"{file}: the header contradicts itself: voxel size {_mm(size)} mm, but {_mm(norms)} mm by its "
            "matrix; volumes would be wrong. Repair the header (is the sform a registration to a template?)"
        )
    if size.min() < VOXEL_SIZE_RANGE_MM[0] or size.max() > VOXEL_SIZE_RANGE_MM[1]:
        raise ImageError(
            f"{file}: voxel size {_mm(size)} mm cannot be a head scan; repair the header (its unit must be mm)"
        )
    if is_mgh:
        return Grid(shape, vox2ras, voxel_size_mm=size, oriented=read_mgh_oriented(file))
    codes = (int(image.header["qform_code"]), int(image.header["sform_code"]))
    qform2ras = image.get_qform() if all(codes) else None
    return Grid(shape, vox2ras, voxel_size_mm=size, xform_codes=codes, qform2ras=qform2ras, oriented=any(codes))


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

    Returns
    -------
    bytes

    Raises
    ------
    ImageError
        If the ending is not that of an image, or the format has no type for the values.
    """
    suffix = (image_suffix(path) or "").lower()
    if suffix in (".mgz", ".mgh"):
        stored = encode_mgh(volume, path, colors)
    elif suffix in (".nii", ".nii.gz"):
        stored = encode_nifti(volume, path)
    else:
        raise ImageError(f"{path}: expected an image that ends in {', '.join(IMAGE_SUFFIXES)}")
    return gzip_image(stored) if suffix in (".mgz", ".nii.gz") else stored.to_bytes()


def write_volume(volume: Volume, path: str | PathLike[str], colors: ColorTable | None = None) -> None:
    """Write an image file.

    The file is written in place; `fs_sclimbic.files.staging` puts several files there at once.

    Parameters
    ----------
    volume, path, colors
        As for `encode_volume`.

    Raises
    ------
    ImageError
        As for `encode_volume`.
    """
    Path(path).write_bytes(encode_volume(volume, path, colors))
