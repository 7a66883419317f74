"""Averages of heads in MNI305 space: how bright a head is at a place, and how probable brain is there."""

from dataclasses import dataclass
from os import PathLike

import numpy as np

from ..image.grid import Volume
from ..image.volume import read_volume


@dataclass(frozen=True, eq=False)
class Average:
    """An average of heads on an upright grid in MNI305 space."""

    brightness: Volume
    """Mean T1 intensity, float32, 0 to 255."""
    probability: Volume
    """How probable brain is, float32, 0 to 255 (255 = 1)."""


def read_average(path: str | PathLike[str]) -> Average:
    """Read an average from an image of two frames, uint8: brightness, and probability of brain."""
    return split_frames(read_volume(path, frames=True))


def split_frames(image: Volume) -> Average:
    """The average that an image of two frames holds."""
    return Average(*(Volume(image.data[..., frame].astype(np.float32), image.grid) for frame in (0, 1)))
