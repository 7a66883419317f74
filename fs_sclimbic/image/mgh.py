"""FreeSurfer's image format: .mgh, and .mgz where it is compressed."""

import io
from os import PathLike

import nibabel as nib
import numpy as np

from ..files.content import ContentError
from .compression import StoredImage, storable_values
from .grid import Grid, Volume
from .header import ImageHeader, check_geometry
from .labels import ColorTable

COLOR_TABLE_TAG = (1).to_bytes(4, "big")
DATA_OFFSET = 284
FOOTER_BYTES = 20
VERSION = 1
"""In the lowest byte; FreeSurfer stores what the image means in the two above."""
HEADER = np.dtype(
    [
        ("version", ">i4"),
        ("dims", ">i4", 4),
        ("type", ">i4"),
        ("dof", ">i4"),
        ("good_ras", ">i2"),
        ("delta", ">f4", 3),
        ("directions", ">f4", (3, 3)),
        ("center_ras", ">f4", 3),
    ]
)
DTYPES = {0: ">u1", 1: ">i4", 3: ">f4", 4: ">i2", 10: ">u2"}
OTHER_TYPES = {2: "64-bit integers", 5: "bits", 6: "tensors", 7: "complex numbers", 8: "64-bit floats", 9: "colours"}
DEFAULT_DIRECTIONS = np.array([[-1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
"""In columns. FreeSurfer takes an image of unknown orientation for coronal."""


@np.errstate(all="ignore")
def read_mgh_header(start: bytes) -> ImageHeader:
    """Read the header of an .mgh file.

    Parameters
    ----------
    start : bytes
        The first DATA_OFFSET bytes of the file.

    Returns
    -------
    ImageHeader

    Raises
    ------
    ContentError
        If it is the header of no head scan.
    """
    if len(start) < DATA_OFFSET:
        raise ContentError(f"image is cut off: {len(start)} bytes found, the header has {DATA_OFFSET}; copy it again")
    fields = np.frombuffer(start, HEADER, count=1)[0]
    version, dims, kind = int(fields["version"]), [int(n) for n in fields["dims"]], int(fields["type"])
    if version & 0xFF != VERSION:
        raise ContentError(f"is not a .mgz or .mgh image (version field {version}, expected 1); convert it again")
    if min(dims) < 1:
        raise ContentError(f"the header has a dimension of {min(dims)} ({dims}); convert the image again")
    if kind not in DTYPES:
        raise ContentError(
            f"values of type {kind} ({OTHER_TYPES.get(kind, 'unknown')}) cannot be read; convert the image to integers "
            "or floats (mri_convert -odt float)"
        )
    oriented = bool(fields["good_ras"])
    size, directions, center = np.ones(3), DEFAULT_DIRECTIONS, np.zeros(3)
    if oriented:
        size, directions, center = (fields[name].astype(np.float64) for name in ("delta", "directions", "center_ras"))
        directions = directions.T
    # In float64: float32, as nibabel does it, moves the image by 1e-5 mm.
    vox2ras = np.eye(4)
    vox2ras[:3, :3] = directions * size
    vox2ras[:3, 3] = center - vox2ras[:3, :3] @ (np.array(dims[:3]) / 2)
    check_geometry(vox2ras, size)
    shape = tuple(dims[:3])
    return ImageHeader(
        shape=shape if dims[3] == 1 else (*shape, dims[3]),
        dtype=np.dtype(DTYPES[kind]),
        offset=DATA_OFFSET,
        grid=Grid(shape, vox2ras, voxel_size_mm=size, oriented=oriented),  # type: ignore[arg-type]
    )


def read_repetition_time_ms(footer: bytes) -> float:
    """TR, the first number behind the values; 0 where there is none."""
    if len(footer) < FOOTER_BYTES:
        return 0.0
    time_ms = float(np.frombuffer(footer, ">f4", count=1)[0])
    return time_ms if np.isfinite(time_ms) and time_ms > 0 else 0.0


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
    header["tr"] = grid.repetition_time_ms
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
