"""The 3-D U-Net of Greve et al. 2021 and its family."""

from typing import Any

import keras

from ..errors import ModelError
from ..image.box import Box
from .architecture import (
    BATCH_NORM_EPSILON,
    DECODER_LEVELS,
    ENCODER_LEVELS,
    INPUT_LAYER,
    KERNEL,
    LEVELS,
    LIKELIHOOD_LAYER,
    PREDICTION_LAYER,
    decoder_layers,
    encoder_layers,
)
from .receptive_field import Extents, cuts
from .spec import DEFAULT_CHANNELS, DEFAULT_FEATURES
from .weights import Weights

# Keras' words for what layers compute in.
KERAS_POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


class _FrozenNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Normalises by its moving statistics, in training too; gamma and beta still learn.

    ``training=False`` in a functional graph does not do it: a call of the network with ``training=True`` wins.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        return super().call(inputs, training=False, mask=mask)


def build_unet(
    labels: int,
    features: int = DEFAULT_FEATURES,
    channels: int = DEFAULT_CHANNELS,
    *,
    extents: Extents | None = None,
    precision: str = "float32",
    frozen_norm: bool = False,
) -> Any:
    """Build the network of a model, without its weights.

    Three levels of two 3x3x3 ELU convolutions and a batch norm; max-pooling by 2 down, nearest up-sampling
    and concatenation up. What is handed across is the level's last convolution before its batch norm.

    Parameters
    ----------
    labels : int
        Output channels, background included.
    features : int
        Features of the first level; they double with each level.
    channels : int
        Input channels.
    extents : Extents, optional
        Cut every map to these; without it the network takes whole boxes of any shape that divides by 4.
    precision : {"float32", "bfloat16"}
        What the layers compute in. Weights, logits and posteriors are float32.
    frozen_norm : bool
        Normalise by the moving statistics in training too, as in inference.

    Returns
    -------
    keras.Model
        From (batch, x, y, z, channels) to softmax posteriors (batch, x, y, z, labels), or those of
        ``extents.wanted``; layers carry the published names. The logits are the output of layer ``unet_likelihood``.
    """
    layers = keras.layers
    # Said to each layer: a user's keras.json must not change the network.
    exact = {"dtype": "float32"}
    inner = {"dtype": KERAS_POLICIES[precision]}
    space = {"data_format": "channels_last", **inner}
    norm = _FrozenNormalization if frozen_norm else layers.BatchNormalization

    def convolutions(x: Any, level: int, names: tuple[str, ...]) -> Any:
        for name in names:
            if extents and any(map(any, extents.pad[name])):
                x = layers.ZeroPadding3D(extents.pad[name], **space)(x)
            x = layers.Conv3D(
                features * 2**level,
                KERNEL,
                padding="valid" if extents else "same",
                activation="elu",
                name=name,
                **space,
            )(x)
        return x

    def cut(x: Any, have: Box, wanted: Box) -> Any:
        return x if have == wanted else layers.Cropping3D(cuts(have, wanted), **space)(x)

    x = image = keras.Input((None, None, None, channels), name=INPUT_LAYER, dtype="float32")
    across = []
    for level in ENCODER_LEVELS:
        names = encoder_layers(level)
        x = convolutions(x, level, names.convolutions)
        across.append(cut(x, extents.down[level], extents.merged[level]) if extents and level < LEVELS - 1 else x)
        x = norm(name=names.norm, epsilon=BATCH_NORM_EPSILON, **inner)(x)
        if level < LEVELS - 1:
            x = layers.MaxPooling3D(2, name=names.resampling, **space)(x)
    for level in DECODER_LEVELS:
        names = decoder_layers(level)
        x = layers.UpSampling3D(2, name=names.resampling, **space)(x)
        x = cut(x, extents.below[level].finer(2), extents.merged[level]) if extents else x
        x = layers.Concatenate(name=names.merge, **inner)([across[level], x])
        x = convolutions(x, level, names.convolutions)
        x = norm(name=names.norm, epsilon=BATCH_NORM_EPSILON, **inner)(x)
    x = layers.Conv3D(labels, 1, name=LIKELIHOOD_LAYER, data_format="channels_last", **exact)(x)
    return keras.Model(image, layers.Softmax(axis=-1, name=PREDICTION_LAYER, **exact)(x), name="unet")


def fill_weights(network: Any, weights: Weights) -> None:
    """Put weights into a network, layer by layer by name.

    Parameters
    ----------
    network : keras.Model
    weights : Weights

    Raises
    ------
    ModelError
        If the network has a weight that ``weights`` lacks, or the other way round.
    """
    wanted = {variable.path for layer in network.layers for variable in layer.weights}
    given = {f"{layer}/{name}" for layer, arrays in weights.items() for name in arrays}
    if wanted != given:
        raise ModelError(f"weights and network differ in {', '.join(sorted(wanted ^ given)[:4])}")
    for layer, arrays in weights.items():
        for variable in network.get_layer(layer).weights:
            variable.assign(arrays[variable.name])


def weights_of(network: Any) -> Weights:
    """Copy a network's weights, layer by layer by name, as `fill_weights` takes them."""
    return {
        layer.name: {variable.name: keras.ops.convert_to_numpy(variable.value) for variable in layer.weights}
        for layer in network.layers
        if layer.weights
    }
