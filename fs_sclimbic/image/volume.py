"""Image files: read and write .mgz, .mgh, .nii and .nii.gz."""

import zlib
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.volumeutils import apply_read_scaling
from numpy.typing import NDArray

from ..errors import ImageError
from ..files.content import ContentError, ContentReader, open_content
from .compression import gzip_image
from .grid import Grid, Volume
from .header import ImageHeader, check_shape
from .labels import ColorTable
from .mgh import DATA_OFFSET, FOOTER_BYTES, encode_mgh, read_mgh_header, read_repetition_time_ms
from .nifti import MAX_HEADER_BYTES, encode_nifti, read_nifti_header

__all__ = ["IMAGE_SUFFIXES", "Grid", "Volume", "encode_volume", "image_suffix", "read_volume", "write_volume"]

IMAGE_SUFFIXES = (".nii.gz", ".nii", ".mgz", ".mgh")
COMPRESSED_SUFFIXES = (".nii.gz", ".mgz")
MGH_SUFFIXES = (".mgz", ".mgh")
BYTES_PER_GB = 1e9


def image_suffix(path: str | PathLike[str]) -> str | None:
    """The image ending of a file name (``.nii.gz``, ``.nii``, ``.mgz``, ``.mgh``), as written, or None."""
    name = Path(path).name
    return next((name[-len(suffix) :] for suffix in IMAGE_SUFFIXES if name.lower().endswith(suffix)), None)


def read_volume(path: str | PathLike[str], *, frames: bool = False) -> Volume:
    """Read one 3-D image.

    What a header claims is checked against the file before memory is taken for it.

    Parameters
    ----------
    path : path-like
        .mgz, .mgh, .nii or .nii.gz; whether it is compressed is told by its content. Integer, float and scaled data of
        any orientation; a fourth axis is accepted when it holds one frame.
    frames : bool
        Accept several frames; the data then have four axes.

    Returns
    -------
    Volume
        Values with the header's scaling applied, on the file's own grid (nothing is resampled).

    Raises
    ------
    ImageError
        If the file is missing, of another kind, cut off, has more than one frame, describes no
        sensible grid, or is larger than the memory.
    """
    file, suffix = Path(path), (image_suffix(path) or "").lower()
    if not suffix:
        raise ImageError(f"{file}: expected an image that ends in {', '.join(IMAGE_SUFFIXES)}")
    try:
        with open_content(file, "image") as content:
            return _read(content, suffix, frames)
    except (ContentError, ImageError) as error:
        raise ImageError(f"{file}: {error}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise ImageError(
            f"{file}: image is cut off or damaged ({_one_line(error)}); copy or convert it again"
        ) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _read(content: ContentReader, suffix: str, frames: bool) -> Volume:
    notes = []
    if content.compressed != (suffix in COMPRESSED_SUFFIXES):
        notes.append(f"the file is {'' if content.compressed else 'not '}compressed, unlike its name; read by content")
    if suffix in MGH_SUFFIXES:
        start = content.read(DATA_OFFSET)
        header = read_mgh_header(start)
    else:
        start = content.read(MAX_HEADER_BYTES)
        header = read_nifti_header(start)
    check_shape(header.shape, header.dtype, frames=frames)
    data = _read_values(content, header, start)
    grid = header.grid
    if suffix in MGH_SUFFIXES:
        footer = _read_footer(content)
        grid = replace(grid, repetition_time_ms=read_repetition_time_ms(footer))
    if not content.check_end():
        notes.append("the end of the file is missing; the image's values are complete")
    if content.has_other_bytes:
        notes.append("bytes that are not compressed follow the compressed image; they are not read")
    return Volume(data, grid, (*notes, *header.notes))


def _read_values(content: ContentReader, header: ImageHeader, start: bytes) -> NDArray[Any]:
    """The image's intensities; ``start`` was read already."""
    if header.offset + header.value_bytes > content.max_bytes:
        raise ContentError(
            f"image is cut off or damaged: {header.shape} values of {header.dtype.itemsize} bytes do not fit into a "
            f"file of {content.file_bytes} bytes; copy or convert it again"
        )
    try:
        values = np.empty(header.value_bytes, np.uint8)
        buffer, early = values.data, start[header.offset :][: header.value_bytes]
        buffer[: len(early)] = early
        content.skip(header.offset - len(start))
        filled = len(early) + content.fill(buffer[len(early) :])
        if filled < len(buffer):
            raise ContentError(
                f"image is cut off or damaged: {filled} bytes of values found, the header promises {len(buffer)} "
                f"{header.shape}; copy or convert it again"
            )
        data = values.view(header.dtype).reshape(header.shape, order="F")
        return data if header.scaling is None else apply_read_scaling(data, *(np.float64(x) for x in header.scaling))
    except MemoryError as error:
        values_gb = 2 * header.value_bytes / BYTES_PER_GB
        raise ContentError(f"too little memory: needs about {values_gb:.1f} GB for {header.shape} voxels") from error


def _read_footer(content: ContentReader) -> bytes:
    try:
        return content.read(FOOTER_BYTES)
    except EOFError:
        return b""


def encode_volume(volume: Volume, path: str | PathLike[str], colors: ColorTable | None = None) -> bytes:
    """An image as the bytes of a file of the kind that ``path`` names.

    Parameters
    ----------
    volume : Volume
        Integer labels, or float32; three axes, or four with frames last.
    path : path-like
        Its ending counts, and its name for messages.
    colors : ColorTable, optional
        Stored inside the image, where freeview, surfa and FreeSurfer look for it.

    Returns
    -------
    bytes

    Raises
    ------
    ImageError
        If the ending is not that of an image, or the format has no type for the values.
    """
    suffix = (image_suffix(path) or "").lower()
    if not suffix:
        raise ImageError(f"{path}: expected an image that ends in {', '.join(IMAGE_SUFFIXES)}")
    stored = (encode_mgh if suffix in MGH_SUFFIXES else encode_nifti)(volume, path, colors)
    return gzip_image(stored) if suffix in COMPRESSED_SUFFIXES else stored.to_bytes()


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
