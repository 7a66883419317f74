"""The architecture of the published 3-D U-Net: its levels, the names of its layers, the shapes of its weights."""

from dataclasses import dataclass

LEVELS = 3
CONVOLUTIONS_PER_LEVEL = 2
KERNEL = 3
BATCH_NORM_EPSILON = 1e-3
# Two poolings by two: only boxes that divide by four come back at their own size.
FOV_MULTIPLE = 2 ** (LEVELS - 1)
# How far the network sees: 22 voxels from a voxel to the last one of the image on which its posteriors depend,
# and 2 more to begin at a multiple of 4.
REACH = 24

ENCODER_LEVELS = tuple(range(LEVELS))
"""From the finest level to the coarsest."""
DECODER_LEVELS = tuple(reversed(range(LEVELS - 1)))
"""From the coarsest level that is decoded to the finest."""

INPUT_LAYER = "unet_input"
LIKELIHOOD_LAYER = "unet_likelihood"
"""The 1x1x1 convolution that gives the logits."""
PREDICTION_LAYER = "unet_prediction"

WeightShapes = dict[str, dict[str, tuple[int, ...]]]
"""``{layer: {weight: shape}}``."""


@dataclass(frozen=True)
class LevelLayers:
    """Names of the layers of one level, on the way down or up."""

    convolutions: tuple[str, ...]
    """In the order in which they are applied."""
    norm: str
    """The batch norm after the convolutions."""
    resampling: str
    """Down: the pooling after the batch norm. Up: the up-sampling before the convolutions."""
    merge: str = ""
    """Up: the concatenation of the up-sampled maps with those of the encoder."""


def encoder_layers(level: int) -> LevelLayers:
    """Published names of the layers of an encoder's level; the finest is 0."""
    return LevelLayers(
        convolutions=tuple(f"unet_conv_downarm_{level}_{i}" for i in range(CONVOLUTIONS_PER_LEVEL)),
        norm=f"unet_bn_down_{level}",
        resampling=f"unet_maxpool_{level}",
    )


def decoder_layers(level: int) -> LevelLayers:
    """Published names of the layers of a decoder's level; the finest is 0, and the names count from the coarsest."""
    step = DECODER_LEVELS.index(level)
    return LevelLayers(
        convolutions=tuple(f"unet_conv_uparm_{LEVELS + step}_{i}" for i in range(CONVOLUTIONS_PER_LEVEL)),
        norm=f"unet_bn_up_{step}",
        resampling=f"unet_up_{LEVELS + step}",
        merge=f"unet_merge_{LEVELS + step}",
    )


FIRST_LAYER = encoder_layers(0).convolutions[0]


def network_weights(labels: int, features: int, channels: int) -> WeightShapes:
    """Names and shapes of all weights of a network, in the published naming.

    Parameters
    ----------
    labels : int
        Output channels, background included.
    features : int
        Features of the first level.
    channels : int
        Input channels.

    Returns
    -------
    dict
        ``{layer: {weight: shape}}`` from input to output, for instance
        ``{"unet_conv_downarm_0_0": {"kernel": (3, 3, 3, 1, 24), "bias": (24,)}, ...}``.
    """
    shapes: WeightShapes = {}

    def add_level(layers: LevelLayers, inputs: int, outputs: int) -> None:
        for name in layers.convolutions:
            shapes[name] = _convolution_shapes(KERNEL, inputs, outputs)
            inputs = outputs
        shapes[layers.norm] = dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), (outputs,))

    width = channels
    for level in ENCODER_LEVELS:
        add_level(encoder_layers(level), width, features * 2**level)
        width = features * 2**level
    for level in DECODER_LEVELS:
        add_level(decoder_layers(level), width + features * 2**level, features * 2**level)
        width = features * 2**level
    shapes[LIKELIHOOD_LAYER] = _convolution_shapes(1, width, labels)
    return shapes


def _convolution_shapes(size: int, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {"kernel": (size, size, size, inputs, outputs), "bias": (outputs,)}
