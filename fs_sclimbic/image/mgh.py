"""FreeSurfer's image format: .mgh, and .mgz where it is compressed."""

import gzip
import io
from os import PathLike
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from .compression import StoredImage, storable_values
from .grid import Volume
from .labels import ColorTable

COLOR_TABLE_TAG = (1).to_bytes(4, "big")
GOOD_RAS_BYTES = slice(28, 30)
"""Where goodRASFlag lies in the file."""


def read_mgh_vox2ras(header: Any) -> NDArray[np.float64]:
    """The matrix of an MGH header in float64: nibabel adds up in float32, which moves the image by 1e-5 mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = header["Mdc"].T.astype(np.float64) * header["delta"].astype(np.float64)
    matrix[:3, 3] = header["Pxyz_c"].astype(np.float64) - matrix[:3, :3] @ (header["dims"][:3] / 2)
    return matrix


def read_mgh_oriented(file: Path) -> bool:
    """The header's goodRASFlag, which nibabel sets to 1 when it fills in a default orientation."""
    opener: Any = gzip.open if file.name.lower().endswith("z") else open
    with opener(file, "rb") as stream:
        return any(stream.read(GOOD_RAS_BYTES.stop)[GOOD_RAS_BYTES])


def encode_mgh(volume: Volume, path: str | PathLike[str], colors: ColorTable | None = None) -> StoredImage:
    """An image as the parts of an .mgh file.

    Parameters
    ----------
    volume : Volume
        Integer labels, or float32; three axes, or four with frames last.
    path : path-like
        For messages.
    colors : ColorTable, optional
        Stored behind the footer, where freeview looks for it.

    Returns
    -------
    StoredImage

    Raises
    ------
    ImageError
        If the format has no type for the values.
    """
    grid, data = volume.grid, storable_values(volume, path, [np.int32])
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
    return StoredImage(
        header=start.getvalue().ljust(header.get_data_offset(), b"\0"),
        data=data,
        dtype=data.dtype.newbyteorder(">"),
        footer=end.getvalue()[footer.get_footer_offset() :]
        + (COLOR_TABLE_TAG + colors.to_mgh_tag() if colors else b""),
    )
