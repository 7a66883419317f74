"""The 3-D U-Net of Greve et al. 2021 and its family."""

from typing import Any

from ..errors import ModelError
from ..model import CONVOLUTIONS_PER_LEVEL, DEFAULT_CHANNELS, DEFAULT_FEATURES, KERNEL, LEVELS
from ..weights import Weights
from .backend import keras


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
    fov: int | None = None,
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
    fov : int, optional
        Edge of the input box, voxels; without it, boxes of any shape that divides by 4.
    precision : str
        What the layers compute in: ``float32``, or Keras' ``mixed_bfloat16`` for training.
        Weights, logits and posteriors are float32.
    frozen_norm : bool
        Normalise by the moving statistics in training too, as in inference.

    Returns
    -------
    keras.Model
        From (batch, fov, fov, fov, channels) to softmax posteriors (batch, fov, fov, fov, labels);
        layers carry the published names. The logits are the output of layer ``unet_likelihood``.
    """
    layers = keras.layers
    # Said to each layer: a user's keras.json must not change the network.
    exact = {"dtype": "float32"}
    inner = {"dtype": precision}
    space = {"data_format": "channels_last", **inner}
    norm = _FrozenNormalization if frozen_norm else layers.BatchNormalization

    def convolutions(x: Any, level: int, name: str) -> Any:
        for i in range(CONVOLUTIONS_PER_LEVEL):
            x = layers.Conv3D(
                features * 2**level, KERNEL, padding="same", activation="elu", name=f"{name}_{i}", **space
            )(x)
        return x

    x = image = keras.Input((fov, fov, fov, channels), name="unet_input", dtype="float32")
    across = []
    for level in range(LEVELS):
        x = convolutions(x, level, f"unet_conv_downarm_{level}")
        across.append(x)
        x = norm(name=f"unet_bn_down_{level}", **inner)(x)
        if level < LEVELS - 1:
            x = layers.MaxPooling3D(2, name=f"unet_maxpool_{level}", **space)(x)
    for up, level in enumerate(reversed(range(LEVELS - 1))):
        x = layers.UpSampling3D(2, name=f"unet_up_{LEVELS + up}", **space)(x)
        x = layers.Concatenate(name=f"unet_merge_{LEVELS + up}", **inner)([across[level], x])
        x = convolutions(x, level, f"unet_conv_uparm_{LEVELS + up}")
        x = norm(name=f"unet_bn_up_{up}", **inner)(x)
    x = layers.Conv3D(labels, 1, name="unet_likelihood", data_format="channels_last", **exact)(x)
    return keras.Model(image, layers.Softmax(axis=-1, name="unet_prediction", **exact)(x), name="unet")


def split_at_last_level(network: Any) -> tuple[Any, Any]:
    """Cut a network before the decoder's last level, whose full-resolution maps take most of the memory.

    Parameters
    ----------
    network : keras.Model
        From `build_unet`. The parts share its layers and weights.

    Returns
    -------
    before : keras.Model
        From the image to what the last level needs: the first level's maps, and the level below at half size.
    last : keras.Model
        From those two to posteriors; it takes slabs of any thickness along the first axis.
    """
    layer = network.get_layer
    top, bottom = layer("unet_conv_downarm_0_1").output, layer(f"unet_bn_up_{LEVELS - 3}").output
    before = keras.Model(network.input, [top, bottom])
    top_slab, bottom_slab = (keras.Input((None, *maps.shape[2:]), dtype="float32") for maps in (top, bottom))
    level = 2 * LEVELS - 2
    x = layer(f"unet_merge_{level}")([top_slab, layer(f"unet_up_{level}")(bottom_slab)])
    for i in range(CONVOLUTIONS_PER_LEVEL):
        x = layer(f"unet_conv_uparm_{level}_{i}")(x)
    for name in (f"unet_bn_up_{LEVELS - 2}", "unet_likelihood", "unet_prediction"):
        x = layer(name)(x)
    return before, keras.Model([top_slab, bottom_slab], x)


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
