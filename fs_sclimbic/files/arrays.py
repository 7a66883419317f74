"""Reads the arrays of an .npz file; does not trust what the file says of their size."""

import io
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .content import MAX_DEFLATE_RATIO, ContentError, read_small_file

MAX_FILE_BYTES = 1 << 32
ARRAY_SUFFIX = ".npy"
DAMAGE_ERRORS = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    IndexError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    SyntaxError,
    SystemError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What zipfile, NumPy, HDF5 and h5py raise at damaged files."""


@dataclass(frozen=True)
class ArrayFile:
    """The content of an .npz file, whose arrays are read one by one."""

    archive: zipfile.ZipFile

    @property
    def names(self) -> list[str]:
        """Of all arrays, in the file's order."""
        return [name.removesuffix(ARRAY_SUFFIX) for name in self.archive.namelist()]

    def read(self, name: str) -> NDArray[Any]:
        """Read an array.

        Raises
        ------
        ContentError
            If there is none of this name, or it is damaged.
        """
        try:
            entry = self.archive.getinfo(name + ARRAY_SUFFIX)
            if entry.file_size > MAX_DEFLATE_RATIO * max(entry.compress_size, 1):
                raise ContentError(f"array {name} is damaged: it claims {entry.file_size} bytes")
            with self.archive.open(entry) as stream:
                content = stream.read(entry.file_size)
            shape, dtype = _header(io.BytesIO(content))
            if np.prod(shape, dtype=float) * dtype.itemsize > len(content):
                raise ContentError(f"array {name} is damaged: it claims shape {shape}, and ends before it")
            array: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
            return array
        except KeyError as error:
            raise ContentError(f"holds no array {name}") from error
        except DAMAGE_ERRORS as error:
            raise ContentError(f"array {name} is damaged ({type(error).__name__})") from error


def read_arrays(path: str | PathLike[str], *, noun: str) -> ArrayFile:
    """Open an .npz file.

    Parameters
    ----------
    path : path-like
    noun : str
        What is expected there, for the message.

    Returns
    -------
    ArrayFile

    Raises
    ------
    ContentError
        If the path is not an .npz file.
    """
    content = read_small_file(path, noun=noun, max_bytes=MAX_FILE_BYTES)
    try:
        return ArrayFile(zipfile.ZipFile(io.BytesIO(content)))
    except DAMAGE_ERRORS as error:
        raise ContentError(f"is not an .npz file, or is damaged ({type(error).__name__})") from error


def _header(stream: io.BytesIO) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    """Shape and type that an array's header claims."""
    readers: dict[tuple[int, int], Callable[..., tuple[tuple[int, ...], bool, np.dtype[np.generic]]]] = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    version = np.lib.format.read_magic(stream)
    if version not in readers:
        raise ValueError(f"version {version}")
    shape, _, dtype = readers[version](stream)
    return shape, dtype
