"""Reads the arrays of an HDF5 file by name; does not trust what the file says of itself.

A file of a few kilobytes may ask for gigabytes, lead to other files by links, or be damaged. Arrays are looked for by
name, and their shape and type are compared with what is expected before any of their values are read.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ..files.arrays import DAMAGE_ERRORS

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
# The weights of a whole Keras model lie one group deeper than weights alone.
WHOLE_MODEL_GROUP = "model_weights"
MAX_DEPTH = 8
MAX_OBJECTS = 100_000
MAX_CHUNK_BYTES = 1 << 28
MAX_FLOAT_BYTES = 8


class Hdf5Error(Exception):
    """Why a file's arrays cannot be read, without the file's name: the reader adds it."""


@dataclass(frozen=True)
class ArrayHandle:
    """An array in an open file: its shape is known, its values are not read."""

    dataset: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """As the file says."""
        return tuple(int(n) for n in self.dataset.shape)

    def read(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Read the values.

        Parameters
        ----------
        shape : tuple of int
            What is expected.

        Returns
        -------
        ndarray
            float32, of this shape.

        Raises
        ------
        Hdf5Error
            If the array has another shape, does not hold floating-point numbers, or does not lie in the file itself.
        """
        try:
            dataset = self.dataset
            if self.shape != shape:
                raise Hdf5Error(f"has shape {self.shape}, expected {shape}")
            if dataset.dtype.kind != "f" or dataset.dtype.itemsize > MAX_FLOAT_BYTES:
                raise Hdf5Error(f"holds {dataset.dtype}, expected floating-point numbers")
            if dataset.is_virtual or dataset.external:
                raise Hdf5Error("lies in another file")
            if dataset.chunks and np.prod(dataset.chunks, dtype=float) * dataset.dtype.itemsize > MAX_CHUNK_BYTES:
                raise Hdf5Error("is stored in pieces that are too large")
            return np.asarray(dataset[()], np.float32)
        except DAMAGE_ERRORS as error:
            raise Hdf5Error(f"is damaged ({_first_line(error)})") from error


def open_arrays(content: bytes, layers: Mapping[str, Any]) -> dict[str, dict[str, ArrayHandle]]:
    """Find the arrays of layers, without reading their values.

    Parameters
    ----------
    content : bytes
        Of the whole file.
    layers : mapping
        Its keys are the names of the wanted layers.

    Returns
    -------
    dict
        ``{layer: {weight: array}}``; a weight's name is the last part of its path, without ``:0``.

    Raises
    ------
    Hdf5Error
        If the content is not HDF5, or is damaged.
    """
    try:
        file = h5py.File(io.BytesIO(content), "r")
        root = _child(file, WHOLE_MODEL_GROUP)
        root = root if isinstance(root, h5py.Group) else file
        found: dict[str, dict[str, ArrayHandle]] = {}
        for layer in layers:
            group = _child(root, layer)
            if isinstance(group, h5py.Group):
                for path, dataset in _datasets(group):
                    found.setdefault(layer, {})[path.split("/")[-1].split(":")[0]] = ArrayHandle(dataset)
        return found
    except DAMAGE_ERRORS as error:
        raise Hdf5Error(f"cannot be read as HDF5 ({_first_line(error)})") from error


def _child(group: h5py.Group, name: str) -> Any:
    """What a group holds under a name; links that lead elsewhere are not followed."""
    link = group.get(name, getlink=True) if name in group.keys() else None  # noqa: SIM118 - `in group` follows links
    return group[name] if isinstance(link, h5py.HardLink) else None


def _datasets(group: h5py.Group) -> Iterator[tuple[str, h5py.Dataset]]:
    """All arrays below a group, by path; groups that hold themselves end at a depth."""
    waiting, seen = [(group, "", 0)], 0
    while waiting:
        parent, path, depth = waiting.pop()
        for name in parent.keys():  # noqa: SIM118 - names only
            seen += 1
            if seen > MAX_OBJECTS:
                raise ValueError("too many objects")
            child = _child(parent, name)
            if isinstance(child, h5py.Dataset):
                yield f"{path}/{name}", child
            elif isinstance(child, h5py.Group) and depth < MAX_DEPTH:
                waiting.append((child, f"{path}/{name}", depth + 1))


def _first_line(error: BaseException) -> str:
    """What a library says, in one short line."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return "".join(sign for sign in text[:100] if sign.isprintable())
