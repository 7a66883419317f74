"""The NIfTI format: .nii, and .nii.gz where it is compressed."""

import io
import math
import struct
from os import PathLike

import nibabel as nib
import numpy as np
from nibabel.orientations import aff2axcodes
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from ..errors import ImageError
from ..files.content import ContentError
from .compression import StoredImage, storable_values
from .grid import Grid, Volume
from .header import ImageHeader, check_geometry, format_mm
from .labels import ColorTable

Header = nib.Nifti1Header
HEADER_BYTES = {348: nib.Nifti1Header, 540: nib.Nifti2Header}
MAX_HEADER_BYTES = 540
EXTENDER_BYTES = 4
"""Between header and values; the first is 1 where extensions follow."""
MAGIC = {348: (b"n+1", b"ni1"), 540: (b"n+2", b"ni2")}
"""Of one file, and of the header of a pair."""
DIM_OFFSET = 40
LARGEST_AXIS = 32767
XFORM_CODES = range(6)
TIME_UNITS_MS = {8: 1000.0, 16: 1.0, 24: 0.001}
METRES = 1
LARGEST_METRES = 0.1
"""Of a voxel whose size is in metres; larger sizes are mm, whatever the unit says."""
LARGEST_LONG_QUATERNION = 1.01
"""A longer one is no rounding error. The format keeps three of four components, whose squares are at most 1."""

FREESURFER_EXTENSION_CODE = 14
EXTENSION_START = b">" + struct.pack(">HB", 0, 1)
"""Big-endian; an image of no particular meaning; version 1."""
COLOR_TABLE_TAG, END_TAG = 1, -1
END_CONTENT = b"*"
"""Behind it readers may cut off zeros, of which a colour table has many."""


@np.errstate(all="ignore")
def read_nifti_header(start: bytes) -> ImageHeader:
    """Read the header of a .nii file.

    Parameters
    ----------
    start : bytes
        The first MAX_HEADER_BYTES bytes of the file, or all of a smaller one.

    Returns
    -------
    ImageHeader

    Raises
    ------
    ContentError
        If it is the header of no head scan.
    """
    size, order = _size_and_order(start)
    header = HEADER_BYTES[size](start[:size], endianness=order, check=False)  # type: ignore[no-untyped-call]
    dims = [int(n) for n in header["dim"]]
    if not 1 <= dims[0] <= 7:
        raise ContentError(f"is not a NIfTI image (the header has {dims[0]} dimensions); convert it again")
    shape = tuple(dims[1 : dims[0] + 1])
    if min(shape) < 0 or 0 in shape[:3]:
        raise ContentError(f"the header has a dimension of {min(shape)} {shape}; convert the image again")
    if len(shape) < 3:
        raise ContentError(f"expected a 3-D image, found shape {shape}")
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    try:
        dtype = header.get_data_dtype()
    except (HeaderDataError, KeyError) as error:
        raise ContentError(
            f"values of type {int(header['datatype'])} cannot be read; convert the image to integers or floats "
            "(mri_convert -odt float)"
        ) from error
    if dtype.itemsize == 0:
        raise ContentError(
            "values of single bits cannot be read; convert the image to integers (mri_convert -odt uchar)"
        )
    grid, notes = _read_grid(header, shape)
    return ImageHeader(
        shape=shape,
        dtype=dtype,
        offset=_offset(header, start[size : size + 1]),
        scaling=_scaling(header),
        grid=grid,
        notes=notes,
    )


def _size_and_order(start: bytes) -> tuple[int, str]:
    """Size of the header, and ``<`` or ``>``."""
    if len(start) < 348:
        raise ContentError(f"image is cut off: {len(start)} bytes found, the header has 348; copy it again")
    for order in "<>":
        size = struct.unpack_from(f"{order}i", start)[0]
        if size not in MAGIC or len(start) < size:
            continue
        magic = start[344:347] if size == 348 else start[4:7]
        single, pair = MAGIC[size]
        if magic == pair:
            raise ContentError("is the header of a pair (.hdr and .img): convert the pair to one .nii file")
        if magic == single:
            return size, order
    if start[344:347] == MAGIC[348][0]:  # some writers leave the header's size empty
        for order in "<>":
            if 1 <= struct.unpack_from(f"{order}h", start, DIM_OFFSET)[0] <= 7:
                return 348, order
    raise ContentError(f"is not a .nii or .nii.gz image ({_what_else(start)}); convert it again")


def _what_else(start: bytes) -> str:
    if start[128:132] == b"DICM":
        return "it holds DICOM: dcm2niix converts it"
    if struct.unpack_from(">i", start)[0] & 0xFF == 1 and start[:3] == b"\0\0\0":
        return "it holds an .mgh image: name it .mgz"
    return "its first bytes are no NIfTI header"


def _offset(header: Header, extender: bytes) -> int:
    """Bytes before the first value."""
    offset, least = float(header["vox_offset"]), header.template_dtype.itemsize + EXTENDER_BYTES
    if offset == 0 and extender > b"\0":
        raise ContentError(
            "the header's vox_offset is 0, but extensions follow it, so that nobody knows where the voxels begin; "
            "convert the image again"
        )
    if offset == 0:
        return least
    if not least <= offset < 2**53:
        raise ContentError(f"the header's vox_offset is {offset:g}, expected {least} or more; convert the image again")
    return int(offset)


def _scaling(header: Header) -> tuple[float, float] | None:
    """Slope and intercept; None where the header says that there is no scaling."""
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or not math.isfinite(slope):
        return None
    if not math.isfinite(intercept):
        raise ContentError(f"the header's scl_slope is {slope:g}, but its scl_inter is {intercept}; repair the header")
    return slope, intercept


def _read_grid(header: Header, shape: tuple[int, ...]) -> tuple[Grid, tuple[str, ...]]:
    """The grid, and how it was read where the header is odd."""
    notes, codes = [], []
    for name in ("qform_code", "sform_code"):
        codes.append(int(header[name]))
        if codes[-1] not in XFORM_CODES:
            notes.append(f"{name} {codes[-1]} is none of NIfTI's (0-5); the matrix is not used")
            codes[-1] = 0
    sizes = header["pixdim"][1:4].astype(np.float64)
    has_sizes = np.isfinite(sizes).all() and sizes.all()
    if not has_sizes and not codes[1]:
        raise ContentError(
            f"the header's pixdim {format_mm(sizes)} is no voxel size, and no sform gives another; repair the header "
            "(pixdim)"
        )
    if not has_sizes:
        norms = np.linalg.norm(header.get_sform()[:3, :3], axis=0)
        notes.append(f"pixdim {format_mm(sizes)} is no voxel size; the sform's is used, {format_mm(norms)} mm")
        sizes = norms
    elif (sizes < 0).any():
        notes.append(f"pixdim {format_mm(sizes)} is negative; its size is used")
    sizes = np.abs(sizes)
    header["pixdim"][1:4] = sizes
    if header["pixdim"][0] not in (-1, 1):
        header["pixdim"][0] = 1
    if int(header["xyzt_units"]) & 7 == METRES and sizes.max() < LARGEST_METRES:
        raise ContentError(
            f"the header gives voxel sizes in metres ({format_mm(sizes)}), expected mm; convert the image "
            "(mri_convert, or set pixdim, sform and xyzt_units to mm)"
        )
    qform = None
    if codes[0]:
        qform = _read_qform(header, needed=not codes[1])
        if qform is None:
            notes.append("the qform is no rotation; the sform is used for both")
            codes[0] = codes[1]
    if codes[1]:
        vox2ras = header.get_sform().astype(np.float64)
    elif codes[0]:
        assert qform is not None
        vox2ras = qform
    else:
        vox2ras = np.asarray(header.get_base_affine(), np.float64)
    check_geometry(vox2ras, sizes)
    if qform is not None and codes[0] == codes[1]:
        notes += _contradiction(qform, vox2ras)
    grid = Grid(
        shape[:3],  # type: ignore[arg-type]
        vox2ras,
        voxel_size_mm=sizes,
        xform_codes=(codes[0], codes[1]),
        qform2ras=qform if codes[1] else None,
        oriented=any(codes),
        repetition_time_ms=_repetition_time_ms(header),
    )
    return grid, tuple(notes)


def _read_qform(header: Header, *, needed: bool) -> NDArray[np.float64] | None:
    """The qform's matrix. A quaternion that rounding made too long is taken for one of length 1 (its w is 0)."""
    names = ("quatern_b", "quatern_c", "quatern_d")
    quaternion = np.array([float(header[name]) for name in names])
    offsets = [float(header[name]) for name in ("qoffset_x", "qoffset_y", "qoffset_z")]
    length = float(np.sqrt(np.sum(quaternion.astype(np.float64) ** 2)))
    if not (length <= LARGEST_LONG_QUATERNION and np.isfinite(offsets).all()):
        if needed:
            raise ContentError(
                f"the header's qform is no rotation (its quaternion has length {length:.4g}, expected 1 at most); "
                "repair the header"
            )
        return None
    try:
        return np.asarray(header.get_qform(), np.float64)
    except (HeaderDataError, ValueError):
        for name, part in zip(names, quaternion / length, strict=True):
            header[name] = part
        return np.asarray(header.get_qform(), np.float64)


def _contradiction(qform: NDArray[np.float64], sform: NDArray[np.float64]) -> list[str]:
    """A note where the two matrices, of one space by their codes, orient the image otherwise."""
    one, other = ("".join(str(letter) for letter in aff2axcodes(matrix)) for matrix in (qform, sform))
    return [] if one == other else [f"the qform orients the image {one}, the sform {other}; the sform is used"]


def _repetition_time_ms(header: Header) -> float:
    time = float(header["pixdim"][4]) * TIME_UNITS_MS.get(int(header["xyzt_units"]) & 56, 0.0)
    return time if math.isfinite(time) and time > 0 else 0.0


def encode_nifti(volume: Volume, path: str | PathLike[str], colors: ColorTable | None = None) -> StoredImage:
    """An image as the parts of a .nii file.

    Parameters
    ----------
    volume : Volume
        Integer labels, or float32; three axes, or four with frames last.
    path : path-like
        For messages.
    colors : ColorTable, optional
        Stored in FreeSurfer's header extension, which surfa and FreeSurfer read.

    Returns
    -------
    StoredImage
        Without a footer.

    Raises
    ------
    ImageError
        If the format has no type for the values, or an axis is too long for it.
    """
    grid, data = volume.grid, storable_values(volume, path, [np.int16, np.int32])
    if max(data.shape) > LARGEST_AXIS:
        raise ImageError(f"{path}: {max(data.shape)} voxels along an axis, .nii holds {LARGEST_AXIS}; write .mgz")
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
    header["pixdim"][4] = grid.repetition_time_ms / 1000
    extension = _format_extension(colors) if colors else b""
    header["vox_offset"] = header.sizeof_hdr + EXTENDER_BYTES + len(extension)
    extender = bytes([bool(extension), 0, 0, 0])
    return StoredImage(header=header.binaryblock + extender + extension, data=data, dtype=data.dtype.newbyteorder("<"))


def _format_extension(colors: ColorTable) -> bytes:
    """FreeSurfer's header extension with a colour table; what its tags are is the same as in an .mgz."""
    content = EXTENSION_START
    for tag, part in ((COLOR_TABLE_TAG, colors.to_mgh_tag()), (END_TAG, END_CONTENT)):
        content += struct.pack(">iq", tag, len(part)) + part
    size = -(-(len(content) + 8) // 16) * 16
    return struct.pack("<2i", size, FREESURFER_EXTENSION_CODE) + content.ljust(size - 8, b"\0")
