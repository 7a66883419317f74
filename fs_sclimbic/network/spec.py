"""What a model is: a weight file, the labels it gives, and the geometry of its network."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..image.labels import ColorTable
from .architecture import FOV_MULTIPLE, LEVELS

if TYPE_CHECKING:  # NumPy and nibabel behind it would slow --help
    from .structure_prior import StructurePrior

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
