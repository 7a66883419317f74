"""Numeric matrices of Matlab files, versions 4 to 7.

SciPy reads them too, but ends the process (segmentation fault) on damaged files of version 5, and believes sizes that
the file does not hold. Here every size is compared with the bytes that are there.
"""

import math
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Matrices = dict[str, NDArray[np.float64] | None]
"""Matrices by name; None for a variable that is not one matrix of real numbers."""

MAX_UNPACKED_BYTES = 1 << 28
"""No design matrix is larger."""
HEADER_BYTES = 128
VERSION_5 = 0x0100
FORMS_4 = {0: "f8", 1: "f4", 2: "i4", 3: "i2", 4: "u2", 5: "u1"}
"""NumPy's names of the number formats of version 4."""
FORMS_5 = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
"""And of the data elements of version 5."""
INT8, INT32, UINT32, MATRIX, COMPRESSED = 1, 5, 6, 14, 15
"""Types of data elements."""
NUMERIC_CLASSES = range(6, 16)
"""Of arrays: double to uint64; others are cells, structures, text, sparse matrices."""
IS_COMPLEX = 0x0800


def read_matlab(content: bytes) -> Matrices:
    """Read the variables of a Matlab file.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    dict of str to (n, p) array or None

    Raises
    ------
    ValueError
        If it is not a Matlab file of version 4 to 7, or damaged.
    """
    try:
        marks = content[126:128]
        if len(content) > HEADER_BYTES and marks in (b"IM", b"MI"):
            order = "<" if marks == b"IM" else ">"
            if struct.unpack(f"{order}H", content[124:126])[0] != VERSION_5:
                raise ValueError("another version of Matlab's files")
            return dict(_variables(content[HEADER_BYTES:], order))
        return dict(_variables_4(content))
    except (struct.error, zlib.error) as error:
        raise ValueError(f"a damaged Matlab file ({error})") from error


def _numbers(raw: bytes, form: str, order: str, rows: int, columns: int) -> NDArray[np.float64]:
    if len(raw) != np.dtype(form).itemsize * rows * columns:
        raise ValueError("a matrix whose size is not that of its numbers")
    return np.frombuffer(raw, f"{order}{form}").reshape((rows, columns), order="F").astype(np.float64)


def _variables_4(content: bytes) -> Iterator[tuple[str, NDArray[np.float64] | None]]:
    order = "<" if struct.unpack("<i", content[:4])[0] in range(5000) else ">"
    start = 0
    while start < len(content):
        kind, rows, columns, is_complex, length = struct.unpack(f"{order}5i", content[start : start + 20])
        start += 20
        digits = f"{kind:04d}"
        if kind not in range(5000) or int(digits[2]) not in FORMS_4 or digits[3] not in "012" or digits[1] != "0":
            raise ValueError("not a Matlab file")
        form = FORMS_4[int(digits[2])]
        size = np.dtype(form).itemsize * rows * columns
        end = start + length + size * (2 if is_complex else 1)
        if min(rows, columns, length) < 0 or end > len(content):
            raise ValueError("a matrix that is longer than its file")
        name = content[start : start + length].rstrip(b"\0").decode("latin-1")
        is_real = digits[3] == "0" and not is_complex
        first = start + length
        yield name, _numbers(content[first : first + size], form, order, rows, columns) if is_real else None
        start = end


def _elements(content: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Type and bytes of each data element of version 5."""
    start = 0
    while start < len(content):
        kind, size = struct.unpack(f"{order}2I", content[start : start + 8])
        if kind >> 16:  # a small element: size and type in four bytes, then four bytes of data
            kind, size = kind & 0xFFFF, kind >> 16
            first, following = start + 4, start + 8
            if size > 4:
                raise ValueError("a small element that is too long")
        else:
            first = start + 8
            following = first + (size if kind == COMPRESSED else -(-size // 8) * 8)
        if first + size > len(content):
            raise ValueError("an element that is longer than its file")
        yield kind, content[first : first + size]
        start = following


def _variables(content: bytes, order: str) -> Iterator[tuple[str, NDArray[np.float64] | None]]:
    for kind, raw in _elements(content, order):
        if kind == COMPRESSED:
            unpacker = zlib.decompressobj()
            unpacked = unpacker.decompress(raw, MAX_UNPACKED_BYTES)
            if not unpacker.eof:
                raise ValueError("a compressed variable that is cut off or too large")
            kind, raw = next(_elements(unpacked, order), (0, b""))
        if kind != MATRIX:
            raise ValueError("an element that is not a variable")
        yield _variable(raw, order)


def _variable(raw: bytes, order: str) -> tuple[str, NDArray[np.float64] | None]:
    parts = _elements(raw, order)
    kinds, found = zip(*(next(parts, (0, b"")) for _ in range(3)), strict=True)
    if kinds != (UINT32, INT32, INT8):
        raise ValueError("a variable without size or name")
    flags = struct.unpack(f"{order}2I", found[0])[0]
    shape = struct.unpack(f"{order}{len(found[1]) // 4}i", found[1])
    name = found[2].decode("latin-1")
    if flags & 0xFF not in NUMERIC_CLASSES or flags & IS_COMPLEX or len(shape) != 2:
        return name, None
    kind, numbers = next(parts, (0, b""))
    if kind not in FORMS_5 or min(shape) < 0 or math.prod(shape) > len(numbers):
        raise ValueError("a matrix whose size is not that of its numbers")
    return name, _numbers(numbers, FORMS_5[kind], order, *shape)
