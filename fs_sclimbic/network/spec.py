"""What a model is: a weight file, the labels it gives, and the geometry of its network."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..image.labels import ColorTable

if TYPE_CHECKING:  # NumPy and nibabel behind it would slow --help
    from .structure_prior import StructurePrior

LEVELS = 3
CONVOLUTIONS_PER_LEVEL = 2
KERNEL = 3
BATCH_NORM_EPSILON = 1e-3
# Two poolings by two: only boxes that divide by four come back at their own size.
FOV_MULTIPLE = 2 ** (LEVELS - 1)
# How far the network sees: 22 voxels from a voxel to the last one of the image on which its posteriors depend,
# and 2 more to begin at a multiple of 4.
REACH = 24

DEFAULT_FOV_MM = 160
DEFAULT_FEATURES = 24
DEFAULT_CHANNELS = 1

# How many starts of the box posteriors can be averaged over.
MOST_STARTS = 7

AUTO, TENSORFLOW, OPENVINO = "auto", "tensorflow", "openvino"
ENGINES = (AUTO, TENSORFLOW, OPENVINO)
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class ModelSpec:
    """A weight file and all that is needed to build its network."""

    weights: Path
    """The .h5 file."""
    sha256: str
    """SHA-256 of the weight file, hexadecimal."""
    colors: ColorTable
    """One row per output channel of the network, background first."""
    origin: str = "--model"
    """Where the weights were found, in words for the log."""
    fov: int = DEFAULT_FOV_MM
    """Edge of the network's cubic input, in voxels of 1 mm."""
    features: int = DEFAULT_FEATURES
    """Features of the first level; they double with each level."""
    channels: int = DEFAULT_CHANNELS
    """Input channels."""
    prior: "StructurePrior | None" = None
    """Where the structures lie in a head, if it is known: the network need not look at all of it."""

    def __post_init__(self) -> None:
        if self.fov < FOV_MULTIPLE or self.fov % FOV_MULTIPLE:
            raise UsageError(
                f"--fov {self.fov}: the network halves its box {LEVELS - 1} times; give a multiple of {FOV_MULTIPLE}"
            )
        if self.features < 1:
            raise UsageError(f"--features {self.features}: give a positive number")
        if self.channels != DEFAULT_CHANNELS:
            raise UsageError(
                f"--nchannels {self.channels}: one T1-weighted image is read per case, so 1 is the only "
                "number of input channels that can be filled"
            )

    @property
    def name(self) -> str:
        """File name of the weights."""
        return self.weights.name


def network_weights(labels: int, features: int, channels: int) -> dict[str, dict[str, tuple[int, ...]]]:
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
    layers: dict[str, dict[str, tuple[int, ...]]] = {}

    def convolution(name: str, size: int, inputs: int, outputs: int) -> None:
        layers[name] = {"kernel": (size, size, size, inputs, outputs), "bias": (outputs,)}

    def batch_norm(name: str, width: int) -> None:
        layers[name] = dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), (width,))

    width = channels
    for level in range(LEVELS):
        for i in range(CONVOLUTIONS_PER_LEVEL):
            convolution(f"unet_conv_downarm_{level}_{i}", KERNEL, width, features * 2**level)
            width = features * 2**level
        batch_norm(f"unet_bn_down_{level}", width)
    for up, level in enumerate(reversed(range(LEVELS - 1))):
        width += features * 2**level
        for i in range(CONVOLUTIONS_PER_LEVEL):
            convolution(f"unet_conv_uparm_{LEVELS + up}_{i}", KERNEL, width, features * 2**level)
            width = features * 2**level
        batch_norm(f"unet_bn_up_{up}", width)
    convolution("unet_likelihood", 1, width, labels)
    return layers
