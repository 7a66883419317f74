"""An image as the bytes of a file, and gzip for images that are mostly zero, as label images are."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError
from .grid import Volume

GZIP_LEVEL = 4
GZIP_HEADER = bytes.fromhex("1f8b08000000000000ff")
"""No name, no time stamp, no flags, unknown system: the same image is the same file."""
UINT32_MASK = 0xFFFFFFFF


@dataclass(frozen=True, eq=False, kw_only=True)
class StoredImage:
    """The parts of an image file, before compression."""

    header: bytes
    """All that stands before the values."""
    data: NDArray[Any]
    """Three or more axes; the first one varies fastest in the file."""
    dtype: np.dtype[Any]
    """The values' type in the file, with its byte order."""
    footer: bytes = b""
    """All that stands behind the values."""

    def to_bytes(self) -> bytes:
        """The file without compression."""
        return b"".join((self.header, self.data.astype(self.dtype).tobytes("F"), self.footer))


def storable_values(
    volume: Volume, path: str | PathLike[str], integer_types: Sequence[type[np.integer[Any]]]
) -> NDArray[Any]:
    """The values in a type that the file can hold.

    Parameters
    ----------
    volume : Volume
    path : path-like
        For messages.
    integer_types : sequence of type
        The integers of the format; the first one that is wide enough is taken.

    Returns
    -------
    ndarray
        float32, or one of the integer types.

    Raises
    ------
    ImageError
        If no type of the format holds the values.
    """
    data = volume.data
    if data.dtype.kind == "f":
        return data.astype(np.float32, copy=False)
    if data.dtype.kind not in "iub":
        raise ImageError(f"{path}: values of type {data.dtype} cannot be stored; give integers or floats")
    low, high = int(data.min(initial=0)), int(data.max(initial=0))
    for kind in integer_types:
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return data.astype(kind, copy=False)
    raise ImageError(f"{path}: values from {low} to {high} do not fit into the integers of this file format")


def gzip_image(image: StoredImage) -> bytes:
    """Compress an image to one gzip member; planes of zeros, which fill most of a label image, are compressed once.

    After a full flush a deflate stream starts anew at a whole byte, so compressed pieces can be joined in any number.
    """
    planes = image.data.reshape((*image.data.shape[:2], -1), order="F")
    zeros = bytes(planes[..., 0].nbytes)
    packed_zeros = _deflate(zeros, zlib.Z_FULL_FLUSH)
    pieces = [GZIP_HEADER, _deflate(image.header, zlib.Z_FULL_FLUSH)]
    crc, size = zlib.crc32(image.header), len(image.header) + image.data.nbytes + len(image.footer)
    for number in range(planes.shape[2]):
        plane = zeros
        if planes[..., number].any():
            plane = planes[..., number].astype(image.dtype).tobytes("F")
            pieces.append(_deflate(plane, zlib.Z_FULL_FLUSH))
        else:
            pieces.append(packed_zeros)
        crc = zlib.crc32(plane, crc)
    pieces.append(_deflate(image.footer, zlib.Z_FINISH))
    return b"".join((*pieces, struct.pack("<2I", zlib.crc32(image.footer, crc), size & UINT32_MASK)))


def _deflate(content: bytes, flush: int) -> bytes:
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush(flush)
