"""The 3-D U-Net of Greve et al. 2021 and its family."""

from typing import Any

from ..errors import ModelError
from ..image.box import Box
from .backend import keras
from .receptive_field import Extents, cuts
from .spec import BATCH_NORM_EPSILON, CONVOLUTIONS_PER_LEVEL, DEFAULT_CHANNELS, DEFAULT_FEATURES, KERNEL, LEVELS
from .weights import Weights


class _FrozenNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Normalises by its moving statistics whatever the network is called for; gamma and beta still learn.

    ``training=False`` in a functional graph is no way to it: calling the network with ``training=True`` wins.
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
    precision : str
        What the layers compute in: ``float32``, or Keras' ``mixed_bfloat16``.
        Weights, logits and posteriors are float32.
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
    inner = {"dtype": precision}
    space = {"data_format": "channels_last", **inner}
    norm = _FrozenNormalization if frozen_norm else layers.BatchNormalization

    def convolutions(x: Any, level: int, name: str) -> Any:
        for i in range(CONVOLUTIONS_PER_LEVEL):
            if extents and any(map(any, extents.pad[f"{name}_{i}"])):
                x = layers.ZeroPadding3D(extents.pad[f"{name}_{i}"], **space)(x)
            x = layers.Conv3D(
                features * 2**level,
                KERNEL,
                padding="valid" if extents else "same",
                activation="elu",
                name=f"{name}_{i}",
                **space,
            )(x)
        return x

    def cut(x: Any, have: Box, wanted: Box) -> Any:
        return x if have == wanted else layers.Cropping3D(cuts(have, wanted), **space)(x)

    x = image = keras.Input((None, None, None, channels), name="unet_input", dtype="float32")
    across = []
    for level in range(LEVELS):
        x = convolutions(x, level, f"unet_conv_downarm_{level}")
        across.append(cut(x, extents.down[level], extents.merged[level]) if extents and level < LEVELS - 1 else x)
        x = norm(name=f"unet_bn_down_{level}", epsilon=BATCH_NORM_EPSILON, **inner)(x)
        if level < LEVELS - 1:
            x = layers.MaxPooling3D(2, name=f"unet_maxpool_{level}", **space)(x)
    for up, level in enumerate(reversed(range(LEVELS - 1))):
        x = layers.UpSampling3D(2, name=f"unet_up_{LEVELS + up}", **space)(x)
        x = cut(x, extents.below[level].finer(2), extents.merged[level]) if extents else x
        x = layers.Concatenate(name=f"unet_merge_{LEVELS + up}", **inner)([across[level], x])
        x = convolutions(x, level, f"unet_conv_uparm_{LEVELS + up}")
        x = norm(name=f"unet_bn_up_{up}", epsilon=BATCH_NORM_EPSILON, **inner)(x)
    x = layers.Conv3D(labels, 1, name="unet_likelihood", data_format="channels_last", **exact)(x)
    return keras.Model(image, layers.Softmax(axis=-1, name="unet_prediction", **exact)(x), name="unet")


def fill_weights(network: Any, weights: Weights) -> None:
    """Put weights into a network, layer by layer by name.

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
