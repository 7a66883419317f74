"""Read and write weight files (.h5) in the published layer naming, without a neural-network library."""

import hashlib
import io
from collections.abc import Mapping
from os import PathLike

import h5py
import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..files.content import ContentError, read_small_file
from ..files.staging import write_atomically
from .architecture import FIRST_LAYER, LIKELIHOOD_LAYER, network_weights
from .hdf5 import ArrayHandle, Hdf5Error, open_arrays
from .spec import ModelSpec

ZIP_MAGIC = b"PK\x03\x04"
MAX_FILE_BYTES = 1 << 32
# x, y, z, from, to.
KERNEL_AXES = 5
# A message names at most so many weights.
MAX_NAMES = 4

Weights = dict[str, dict[str, NDArray[np.float32]]]
"""``{layer: {weight: array}}``, for instance ``weights["unet_likelihood"]["bias"]``."""


def read_weights(spec: ModelSpec) -> Weights:
    """Read all weights that the network of a model needs.

    Parameters
    ----------
    spec : ModelSpec
        The file, and the geometry that its weights must have. The file may hold other layers too
        (published files hold those of the training graph); they are not read.

    Returns
    -------
    Weights
        float32 arrays, finite, in the order from input to output.

    Raises
    ------
    ModelError
        If the file is no HDF5 file, has changed since ``spec`` was made, lacks a weight, or a shape does not fit the
        colour table, ``features`` or ``channels``; the message says which.
    """
    expected = network_weights(len(spec.colors), spec.features, spec.channels)
    content = _read_file(spec.weights)
    if spec.sha256 and hashlib.sha256(content).hexdigest() != spec.sha256:
        raise ModelError(f"{spec.weights}: weight file has changed since the run began; give the command again")
    try:
        found = open_arrays(content, expected)
    except Hdf5Error as error:
        raise ModelError(f"{spec.weights}: weights {error}; expected a Keras .h5 file") from error
    missing = [
        f"{layer}/{weight}" for layer in expected for weight in expected[layer] if weight not in found.get(layer, {})
    ]
    if missing:
        raise ModelError(
            f"{spec.weights}: the network needs {len(missing)} weight(s) that the file lacks: "
            f"{', '.join(missing[:MAX_NAMES])}{' ...' if len(missing) > MAX_NAMES else ''}; is it a model of this "
            "family?"
        )
    _check_geometry(spec, found)
    weights: Weights = {}
    for layer, shapes in expected.items():
        for weight, shape in shapes.items():
            try:
                array = found[layer][weight].read(shape)
            except Hdf5Error as error:
                raise ModelError(f"{spec.weights}: {layer}/{weight} {error}; is it a model of this family?") from error
            if not np.isfinite(array).all():
                raise ModelError(
                    f"{spec.weights}: {layer}/{weight} holds values that are not finite; the training of this model "
                    "failed"
                )
            weights.setdefault(layer, {})[weight] = array
    return weights


def read_sizes(path: str | PathLike[str]) -> tuple[int, int]:
    """Features of the first level of a network, and its labels (background included), from its weight file.

    Raises
    ------
    ModelError
        If the file is no HDF5 file, or lacks the first or the last convolution.
    """
    try:
        found = open_arrays(_read_file(path), dict.fromkeys((FIRST_LAYER, LIKELIHOOD_LAYER)))
        shapes = {layer: found[layer]["kernel"].shape for layer in (FIRST_LAYER, LIKELIHOOD_LAYER)}
    except Hdf5Error as error:
        raise ModelError(f"{path}: weights {error}; expected a Keras .h5 file") from error
    except KeyError as error:
        raise ModelError(
            f"{path}: holds no kernel of {FIRST_LAYER} or {LIKELIHOOD_LAYER}; is it a model of this family?"
        ) from error
    for layer, shape in shapes.items():
        if len(shape) != KERNEL_AXES:
            raise ModelError(f"{path}: {layer}/kernel has shape {shape}; is it a model of this family?")
    return shapes[FIRST_LAYER][-1], shapes[LIKELIHOOD_LAYER][-1]


def _read_file(path: str | PathLike[str]) -> bytes:
    """The content of a weight file, or an error that says what the path is instead."""
    try:
        content = read_small_file(path, noun="weight file", max_bytes=MAX_FILE_BYTES)
    except ContentError as error:
        raise ModelError(f"{path}: {error}") from error
    if content.startswith(ZIP_MAGIC):
        raise ModelError(
            f"{path}: is a model of PyTorch (.pth, .pt) or Keras 3 (.keras), which is not read here; give FreeSurfer's "
            ".h5 file (7.3 and later have it), or leave it out"
        )
    return content


def _check_geometry(spec: ModelSpec, found: Mapping[str, Mapping[str, ArrayHandle]]) -> None:
    """Say in the user's words which of the table, --features and --nchannels does not fit."""
    first, last = found[FIRST_LAYER]["kernel"].shape, found[LIKELIHOOD_LAYER]["kernel"].shape
    if len(first) == KERNEL_AXES and first[-1] != spec.features:
        raise ModelError(
            f"{spec.weights}: the weights have {first[-1]} features, --features is {spec.features}; "
            f"give --features {first[-1]}"
        )
    if len(first) == KERNEL_AXES and first[-2] != spec.channels:
        raise ModelError(
            f"{spec.weights}: the weights take {first[-2]} input channel(s), --nchannels is "
            f"{spec.channels}; give --nchannels {first[-2]}"
        )
    if len(last) == KERNEL_AXES and last[-1] != len(spec.colors):
        raise ModelError(
            f"{spec.weights}: the weights give {last[-1]} labels (background included), the colour table has "
            f"{len(spec.colors)}; give the model's own table with --ctab"
        )


def write_weights(path: str | PathLike[str], weights: Mapping[str, Mapping[str, NDArray[np.float32]]]) -> None:
    """Write weights in the layout of the published files, which Keras reads by layer name; whole or not at all.

    Parameters
    ----------
    path : path-like
        The .h5 file to write.
    weights : mapping
        ``{layer: {weight: array}}`` as `read_weights` gives it.
    """
    # In memory first: a full disk in the middle of an HDF5 file ends the process without a word.
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        # Keras' reader of old files asks for these; without a version it rearranges kernels.
        file.attrs["backend"], file.attrs["keras_version"] = b"tensorflow", b"2.3.1"
        file.attrs["layer_names"] = np.array([layer.encode() for layer in weights])
        for layer, arrays in weights.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = np.array([f"{layer}/{name}:0".encode() for name in arrays])
            for name, array in arrays.items():
                group.create_dataset(f"{layer}/{name}:0", data=np.asarray(array, np.float32))
    write_atomically(path, content.getvalue())
