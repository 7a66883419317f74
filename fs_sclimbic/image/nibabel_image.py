"""Images that are in memory as nibabel has them."""

from typing import Any

import numpy as np

from ..errors import ImageError
from ..files.content import ContentError
from .grid import Grid, Volume
from .header import check_geometry, check_shape
from .mgh import DATA_OFFSET, read_mgh_header
from .nifti import read_nifti_header

SINGLE_FILE_MAGIC = {348: b"n+1\0", 540: b"n+2\0\r\n\x1a\n"}
"""Of headers in one file with their image, by the header's size in bytes."""
ALIGNED_CODE = 2
"""NIfTI's code for coordinates that are aligned to another image: nibabel's own choice for a matrix that was given."""


def is_nibabel_image(image: object) -> bool:
    """Whether an object has the face of nibabel's images: ``dataobj``, ``affine`` and ``header``."""
    return all(hasattr(image, name) for name in ("dataobj", "affine", "header"))


def volume_from_nibabel(image: Any) -> Volume:
    """Take an image of nibabel's, with the checks of `read_volume`.

    Parameters
    ----------
    image : nibabel image
        NIfTI, MGH, or another one with a matrix from voxels to scanner RAS in mm (``affine``). One 3-D image; a fourth
        axis is accepted when it holds one frame. It is not changed.

    Returns
    -------
    Volume
        The same grid as if the image had been written to a file and read again.

    Raises
    ------
    ImageError
        If it is not one 3-D image of a head's size, or its values cannot be read.
    """
    try:
        dtype = np.dtype(image.get_data_dtype()) if hasattr(image, "get_data_dtype") else np.dtype(np.float32)
        check_shape(image.shape, dtype, frames=False)
        grid, notes = _grid_of(image)
        data = np.asanyarray(image.dataobj).reshape(grid.shape)
    except (ContentError, OSError, EOFError) as error:
        raise ImageError(f"the nibabel image cannot be used: {error}") from error
    return Volume(data, grid, notes)


def _grid_of(image: Any) -> tuple[Grid, tuple[str, ...]]:
    fields = image.header.keys() if hasattr(image.header, "keys") else ()
    if "sform_code" in fields:
        header = image.header.copy()
        if image.affine is not None and not np.allclose(header.get_best_affine(), image.affine):
            header.set_sform(image.affine, ALIGNED_CODE)
        header["magic"] = SINGLE_FILE_MAGIC[header.sizeof_hdr]
        read = read_nifti_header(header.binaryblock + bytes(4))
        return read.grid, read.notes
    if "goodRASFlag" in fields:
        read = read_mgh_header(image.header.binaryblock[:DATA_OFFSET].ljust(DATA_OFFSET, b"\0"))
        return read.grid, read.notes
    if image.affine is None:
        raise ContentError("it has no matrix from voxels to scanner RAS (affine)")
    vox2ras = np.asarray(image.affine, np.float64)
    check_geometry(vox2ras, np.linalg.norm(vox2ras[:3, :3], axis=0))
    return Grid(tuple(image.shape[:3]), vox2ras), ()
