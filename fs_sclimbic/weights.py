"""Read and write weight files (.h5) in the published layer naming, without a neural-network library."""

import io
from collections.abc import Mapping
from os import PathLike

import h5py
import numpy as np
from numpy.typing import NDArray

from .errors import ModelError
from .model import ModelSpec, network_weights
from .staging import write_atomically

FIRST_LAYER, LAST_LAYER = "unet_conv_downarm_0_0", "unet_likelihood"
Weights = dict[str, dict[str, NDArray[np.float32]]]
"""``{layer: {weight: array}}``, for instance ``weights["unet_likelihood"]["bias"]``."""


def read_weights(spec: ModelSpec) -> Weights:
    """Read all weights that the network of a model needs.

    Parameters
    ----------
    spec : ModelSpec
        The file, and the geometry that its weights must have. The file may hold other layers too
        (published files hold those of the training graph).

    Returns
    -------
    Weights
        float32 arrays, finite, in the order from input to output.

    Raises
    ------
    ModelError
        If the file is no HDF5 file, lacks a weight, or a shape does not fit the colour table,
        ``features`` or ``channels``; the message says which.
    """
    expected = network_weights(len(spec.colors), spec.features, spec.channels)
    try:
        with h5py.File(spec.weights, "r") as file:
            found = _all_weights(file.get("model_weights", file))
    except OSError as error:
        raise ModelError(
            f"{spec.weights}: weights cannot be read as HDF5 ({str(error)[:100]}); expected a Keras .h5 file"
        ) from error

    missing = [
        f"{layer}/{weight}" for layer in expected for weight in expected[layer] if weight not in found.get(layer, {})
    ]
    if missing:
        raise ModelError(
            f"{spec.weights}: the network needs {len(missing)} weight(s) that the file lacks: "
            f"{', '.join(missing[:4])}{' ...' if len(missing) > 4 else ''}; is it a model of this family?"
        )
    _check_shapes(spec, expected, found)
    weights = {
        layer: {weight: np.asarray(found[layer][weight], np.float32) for weight in shapes}
        for layer, shapes in expected.items()
    }
    broken = [
        f"{layer}/{weight}"
        for layer, arrays in weights.items()
        for weight, a in arrays.items()
        if not np.isfinite(a).all()
    ]
    if broken:
        raise ModelError(
            f"{spec.weights}: {broken[0]} holds values that are not finite; the training of this model failed"
        )
    return weights


def read_sizes(path: str | PathLike[str]) -> tuple[int, int]:
    """Features of the first level of a network, and its labels (background included), from its weight file.

    Raises
    ------
    ModelError
        If the file is no HDF5 file, or lacks the first or the last convolution.
    """
    try:
        with h5py.File(path, "r") as file:
            found = _all_weights(file.get("model_weights", file))
            first, last = found[FIRST_LAYER]["kernel"], found[LAST_LAYER]["kernel"]
    except OSError as error:
        raise ModelError(
            f"{path}: weights cannot be read as HDF5 ({str(error)[:100]}); expected a Keras .h5 file"
        ) from error
    except KeyError as error:
        raise ModelError(f"{path}: holds no layer {error}; is it a model of this family?") from error
    return int(first.shape[-1]), int(last.shape[-1])


def _all_weights(file: h5py.Group) -> dict[str, dict[str, NDArray[np.float32]]]:
    """Every array of the file as layer -> weight name without its ':0'."""
    found: dict[str, dict[str, NDArray[np.float32]]] = {}
    for layer, group in file.items():
        if isinstance(group, h5py.Group):

            def collect(name: str, item: object, layer: str = layer) -> None:
                if isinstance(item, h5py.Dataset):
                    found.setdefault(layer, {})[name.split("/")[-1].split(":")[0]] = item[()]

            group.visititems(collect)
    return found


def _check_shapes(
    spec: ModelSpec,
    expected: dict[str, dict[str, tuple[int, ...]]],
    found: Mapping[str, Mapping[str, NDArray[np.float32]]],
) -> None:
    """Say in the user's words which of the table, --features and --nchannels does not fit."""
    shape = {layer: {name: found[layer][name].shape for name in names} for layer, names in expected.items()}
    first, last = shape[FIRST_LAYER]["kernel"], shape[LAST_LAYER]["kernel"]
    if len(first) == 5 and first[-1] != spec.features:
        raise ModelError(
            f"{spec.weights}: the weights have {first[-1]} features, --features is {spec.features}; "
            f"give --features {first[-1]}"
        )
    if len(first) == 5 and first[-2] != spec.channels:
        raise ModelError(
            f"{spec.weights}: the weights take {first[-2]} input channel(s), --nchannels is "
            f"{spec.channels}; give --nchannels {first[-2]}"
        )
    if len(last) == 5 and last[-1] != len(spec.colors):
        raise ModelError(
            f"{spec.weights}: the weights give {last[-1]} labels (background included), the colour table has "
            f"{len(spec.colors)}; give the model's own table with --ctab"
        )
    for layer, names in expected.items():
        for name, wanted in names.items():
            if shape[layer][name] != wanted:
                raise ModelError(
                    f"{spec.weights}: {layer}/{name} has shape {shape[layer][name]}, the network needs {wanted}; "
                    "is it a model of this family?"
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
