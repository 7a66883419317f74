"""The network under OpenVINO: on processors, quick to start, small in memory, and without TensorFlow."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..image.box import Box, three
from .architecture import (
    BATCH_NORM_EPSILON,
    DECODER_LEVELS,
    ENCODER_LEVELS,
    KERNEL,
    LEVELS,
    LIKELIHOOD_LAYER,
    decoder_layers,
    encoder_layers,
)
from .libraries import import_openvino
from .receptive_field import Extents, Pads
from .weights import Weights

openvino: Any = import_openvino()
ops = openvino.opset14

UNPADDED: Pads = ((0, 0), (0, 0), (0, 0))
OPENVINO_PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}


class OpenvinoEngine:
    """Runs a network whose weights are given, for any box.

    A network is compiled for each shape of box (50 ms). One is kept: its maps take hundreds of megabytes.

    Parameters
    ----------
    weights : Weights
    threads : int, optional
        Processor threads; by default all that the process may use.
    precision : {"float32", "bfloat16"}
        What the layers compute in.
    core : openvino.Core, optional
        What compiles and runs graphs; by default a new one.

    Raises
    ------
    ModelError
        If the processor does not compute in this precision.
    """

    def __init__(
        self, weights: Weights, threads: int | None = None, precision: str = "float32", *, core: Any = None
    ) -> None:
        self._weights = weights
        self._core = openvino.Core() if core is None else core
        # Asked in any case: it loads what runs on the processor, which shows here whether it can be loaded.
        abilities = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        if precision == "bfloat16" and "BF16" not in abilities:
            raise ModelError("this processor does not compute in bfloat16 (AVX-512 BF16 or AMX); leave --precision out")
        # Pinned threads of two jobs on one machine would share cores while others idle.
        self._settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": OPENVINO_PRECISIONS[precision],
            "ENABLE_CPU_PINNING": False,
            **({"INFERENCE_NUM_THREADS": threads} if threads else {}),
        }
        self._compiled: tuple[Extents, Any] | None = None

    def __call__(self, image: NDArray[np.float32], extents: Extents) -> NDArray[np.float32]:
        """Posteriors of a box.

        Parameters
        ----------
        image : ndarray, shape ``extents.image.shape``
            float32 intensities from 0 to 1.
        extents : Extents
            What is wanted.

        Returns
        -------
        ndarray, shape (*extents.wanted.shape, labels)
        """
        if self._compiled is None or self._compiled[0] != extents:
            self._compiled = None  # frees its maps before the next ones are made
            model = self._core.compile_model(build_graph(self._weights, extents), "CPU", self._settings)
            self._compiled = extents, model.create_infer_request()
        posteriors = self._compiled[1].infer([np.ascontiguousarray(image)[np.newaxis, np.newaxis]])[0]
        return np.ascontiguousarray(np.moveaxis(posteriors[0], 0, -1))


def build_graph(weights: Weights, extents: Extents) -> Any:
    """The U-Net of `fs_sclimbic.network.unet`, cut to what is wanted, as a graph of OpenVINO.

    Parameters
    ----------
    weights : Weights
    extents : Extents
        The needed part of each map.

    Returns
    -------
    openvino.Model
        From (1, 1, x, y, z), the shape of ``extents.image``, to softmax posteriors (1, labels, x, y, z), the shape of
        ``extents.wanted``.

    Notes
    -----
    Three things are computed in another way, with the same result up to rounding. The batch norms, an affine function
    of each channel, come after the poolings, where there is an eighth of the voxels; the one after the last level is
    part of the 1x1x1 convolution. A convolution of up-sampled maps, where voxels come in eights, is a transposed
    convolution of the maps themselves: 8 products a voxel instead of 27.
    """
    image = ops.parameter([1, 1, *extents.image.shape], np.float32)
    across, x = [], image
    for level in ENCODER_LEVELS:
        names = encoder_layers(level)
        for name in names.convolutions:
            x = _elu(_convolution(x, weights[name]["kernel"], extents.pad[name]), weights[name]["bias"])
        across.append(x)
        affine = _batch_norm(weights[names.norm])
        if level == LEVELS - 1:
            x = _scaled(x, affine)
        elif (affine[0] >= 0).all():
            x = _scaled(_pooled(x), affine)
        else:  # the largest value is another one after a negative factor
            x = _pooled(_scaled(x, affine))
    for level in DECODER_LEVELS:
        names = decoder_layers(level)
        first, *others = names.convolutions
        handed = _cropped(across[level], extents.down[level], extents.merged[level])
        x = _elu(_merged_convolution(handed, x, weights, first, extents, level), weights[first]["bias"])
        for name in others:
            x = _elu(_convolution(x, weights[name]["kernel"], extents.pad[name]), weights[name]["bias"])
        if level:
            x = _scaled(x, _batch_norm(weights[names.norm]))
    scale, offset = _batch_norm(weights[decoder_layers(0).norm])
    last, kernel = weights[LIKELIHOOD_LAYER]["bias"], weights[LIKELIHOOD_LAYER]["kernel"].astype(np.float64)
    logits = ops.add(
        _convolution(x, kernel * scale[:, np.newaxis], UNPADDED), _channels(last + offset @ kernel[0, 0, 0])
    )
    return openvino.Model([ops.result(ops.softmax(logits, 1))], [image], "unet")


def _constant(array: NDArray[Any]) -> Any:
    return ops.constant(np.ascontiguousarray(array, np.float32))


def _channels(values: NDArray[Any]) -> Any:
    """One number a channel, to be added or multiplied."""
    return _constant(values.reshape(1, -1, 1, 1, 1))


def _convolution(x: Any, kernel: NDArray[Any], pads: Pads) -> Any:
    """Convolve; the kernel is Keras', (x, y, z, from, to)."""
    begin, end = zip(*pads, strict=True)
    return ops.convolution(x, _constant(kernel.transpose(4, 3, 0, 1, 2)), [1] * 3, list(begin), list(end), [1] * 3)


def _elu(x: Any, bias: NDArray[Any]) -> Any:
    return ops.elu(ops.add(x, _channels(bias)), 1.0)


def _pooled(x: Any) -> Any:
    return ops.max_pool(x, [2] * 3, [1] * 3, [0] * 3, [0] * 3, [2] * 3).output(0)


def _batch_norm(weights: Mapping[str, NDArray[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A batch norm as factor and offset of each channel."""
    arrays = {name: array.astype(np.float64) for name, array in weights.items()}
    scale = arrays["gamma"] / np.sqrt(arrays["moving_variance"] + BATCH_NORM_EPSILON)
    return scale, arrays["beta"] - arrays["moving_mean"] * scale


def _scaled(x: Any, affine: tuple[NDArray[np.float64], NDArray[np.float64]]) -> Any:
    scale, offset = affine
    return ops.add(ops.multiply(x, _channels(scale)), _channels(offset))


def _cropped(x: Any, have: Box, wanted: Box) -> Any:
    if have == wanted:
        return x
    inside = wanted.seen_from(have)
    start, stop, step, axes = (
        ops.constant(np.array(values, np.int64)) for values in (inside.low, inside.high, (1, 1, 1), (2, 3, 4))
    )
    return ops.slice(x, start, stop, step, axes)


def _merged_convolution(handed: Any, lower: Any, weights: Weights, name: str, extents: Extents, level: int) -> Any:
    """Convolve what is handed across, and the up-sampled maps of the level below, as if they were concatenated."""
    kernel, pads = weights[name]["kernel"], extents.pad[name]
    channels = kernel.shape[-1]  # handed across: as many as the level has
    below, merged = extents.below[level], extents.merged[level]
    # Where the convolution's output lies; the transposed one gives a voxel more than the up-sampled maps on each side.
    output = Box(
        three(low + 1 - pad for low, (pad, _) in zip(merged.low, pads, strict=True)),
        three(high - 1 + pad for high, (_, pad) in zip(merged.high, pads, strict=True)),
    )
    full = below.finer(2).grown(1)
    begin = [want - have for want, have in zip(output.low, full.low, strict=True)]
    end = [have - want for want, have in zip(output.high, full.high, strict=True)]
    raised = ops.convolution_backprop_data(
        lower,
        _constant(_upsampling_kernel(kernel[..., channels:, :]).transpose(3, 4, 0, 1, 2)),
        [2] * 3,
        pads_begin=begin,
        pads_end=end,
        dilations=[1] * 3,
        auto_pad="explicit",
    )
    return ops.add(_convolution(handed, kernel[..., :channels, :], pads), raised)


def _upsampling_kernel(kernel: NDArray[np.float32]) -> NDArray[np.float64]:
    """The kernel of a transposed convolution of stride 2 that up-samples by 2 (nearest) and convolves.

    A low voxel i becomes voxels 2 i + s, s = 0 or 1; element t of the kernel takes voxel o + t - 1 to output o; so the
    low voxel reaches o = 2 i + s - t + 1, from 2 i - 1 to 2 i + 2.
    """
    merged = np.zeros((KERNEL + 1,) * 3 + kernel.shape[3:])
    for s in product(range(2), repeat=3):
        for t in product(range(KERNEL), repeat=3):
            x, y, z = (a - b + KERNEL - 1 for a, b in zip(s, t, strict=True))
            merged[x, y, z] += kernel[t]
    return merged
