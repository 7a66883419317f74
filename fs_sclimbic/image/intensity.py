"""The range of intensities that the network sees."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError


@dataclass(frozen=True)
class IntensityRange:
    """The intensities that become 0 and 1."""

    bottom: np.float32
    """The bottom of the range; all below it becomes 0."""
    top: np.float32
    """The top of the range; all above becomes 1."""

    def scale(self, data: NDArray[Any]) -> NDArray[np.float32]:
        """Stretch intensities to [0, 1]."""
        scaled = np.asarray(data, np.float32) - self.bottom
        scaled /= np.float32(self.top - self.bottom)
        return np.clip(scaled, 0, 1, out=scaled)


def intensity_range(
    data: NDArray[Any], percentile: float | None = None, low_percentile: float | None = None
) -> IntensityRange:
    """The range of intensities that the network is to see.

    Parameters
    ----------
    data : ndarray
        Voxels of any real type.
    percentile : float, optional
        The top of the range is this percentile of the non-zero voxels; by default the maximum.
    low_percentile : float, optional
        The bottom of the range is this percentile of all voxels; by default the minimum.

    Returns
    -------
    IntensityRange

    Raises
    ------
    ImageError
        If a voxel is not finite, or all have one value.
    """
    bottom, top = np.float32(data.min()), np.float32(data.max())  # NaN if there is one
    if not (np.isfinite(bottom) and np.isfinite(top)):
        count = int(data.size - np.count_nonzero(np.isfinite(data.astype(np.float32))))
        raise ImageError(
            f"{count} of {data.size} voxels are NaN or infinite; set them to a number first (fslmaths IN -nan OUT)"
        )
    if percentile is not None:
        values = np.asarray(data[data != 0], np.float32)
        top = np.float32(np.percentile(values, percentile, overwrite_input=True)) if values.size else bottom
    if low_percentile is not None:
        # All voxels: of the non-zero ones a brain without a head has none as dark as its background.
        bottom = np.float32(np.percentile(np.array(data, np.float32), low_percentile, overwrite_input=True))
    if not top > bottom:
        raise ImageError(f"the image is blank: its intensities end at {top:g} and begin at {bottom:g}")
    if float(top) - float(bottom) > float(np.finfo(np.float32).max):
        raise ImageError(f"intensities from {bottom:g} to {top:g} span too much; rescale the image")
    return IntensityRange(bottom, top)
