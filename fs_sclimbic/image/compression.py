"""gzip for images that are mostly zero, as label images are."""

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

GZIP_LEVEL = 4
GZIP_HEADER = bytes.fromhex("1f8b08000000000000ff")


def gzip_planes(header: bytes, data: NDArray[Any], stored: np.dtype[Any], footer: bytes) -> bytes:
    """Compress to one gzip member; planes of zeros, of which label images consist, are compressed once.

    After a full flush a deflate stream begins anew at a whole byte, so that compressed pieces may follow each other
    in any number. No time stamp inside: the same result is the same file.

    Parameters
    ----------
    header, footer : bytes
        What stands before and after the values.
    data : ndarray
        Three or more axes; the first one varies fastest in the file.
    stored : dtype
        The values' type in the file.
    """

    def packed(piece: bytes) -> bytes:
        packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        return packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)

    planes = data.reshape((*data.shape[:2], -1), order="F")
    zeros = bytes(planes[..., 0].nbytes)
    packed_zeros = packed(zeros)
    pieces, crc, size = [GZIP_HEADER, packed(header)], zlib.crc32(header), len(header) + data.nbytes + len(footer)
    for number in range(planes.shape[2]):
        plane = zeros
        if planes[..., number].any():
            plane = planes[..., number].astype(stored).tobytes("F")
            pieces.append(packed(plane))
        else:
            pieces.append(packed_zeros)
        crc = zlib.crc32(plane, crc)
    last = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    pieces.append(last.compress(footer) + last.flush())
    return b"".join((*pieces, struct.pack("<2I", zlib.crc32(footer, crc), size & 0xFFFFFFFF)))
