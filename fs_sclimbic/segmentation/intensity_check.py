"""Whether an image fills the intensity range that the network sees, or a few voxels stretch the range.

The published range runs from the darkest to the brightest voxel. One voxel that is colder or hotter than all others
squeezes the rest, and volumes change. The limits below are measured: docs/repeatability.md.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError
from ..image.intensity import IntensityRange

LOW_PERCENTILE, HIGH_PERCENTILE = 0.1, 99.9
"""Where an image's content begins (of all voxels) and ends (of the non-zero voxels)."""
HOT_VOXELS = 5
"""So few voxels make no structure: they are an artefact, or a vessel that another position does not show."""
MAX_HOT_RATIO = 1.1
"""Brightest voxel over the fifth brightest, both above the darkest, from which structures change by 2 %."""
MAX_TAIL_RATIO = 2.0
"""Brightest voxel over the high percentile, both above the darkest, from which structures change by 7 %."""
MAX_COLD_SHARE = 0.02
"""Share of the range below the low percentile from which structures change by 2 %."""
MAX_SATURATED_SHARE = 0.004
"""Share of the non-zero voxels with the greatest value from which structures change by 2 %."""
MIN_CONTENT_SHARE = 0.08
"""Share of the range that the content fills, below which a head loses nine tenths of its structures, and more."""

SAMPLED_STEP = 7
"""Odd, so that the sample runs through all columns of an image."""
MAX_UNSAMPLED_VOXELS = 1_000_000
BLOCK_VOXELS = 4096

ADVICE = "--preset study leaves such voxels out of the range"


@dataclass(frozen=True)
class IntensityProfile:
    """The extremes of an image's intensities, and where its content lies between them."""

    darkest: float
    low: float
    """Low percentile of all voxels."""
    high: float
    """High percentile of the non-zero voxels."""
    fifth_brightest: float
    brightest: float
    saturated_share: float
    """Share of the non-zero voxels that have the greatest value."""


def profile_intensities(data: NDArray[Any]) -> IntensityProfile:
    """Measure the extremes of an image's intensities.

    Parameters
    ----------
    data : ndarray
        Voxels of any real type, all finite.

    Returns
    -------
    IntensityProfile
    """
    voxels = data.ravel(order="K")  # in the order of memory: no copy
    # Every seventh voxel of a large image gives the percentiles well enough for a warning.
    some = np.asarray(voxels[:: SAMPLED_STEP if voxels.size > MAX_UNSAMPLED_VOXELS else 1], np.float32)
    content = some[some != 0]
    fifth, brightest = _brightest(voxels, HOT_VOXELS)
    return IntensityProfile(
        darkest=float(voxels.min()),
        low=float(np.percentile(some, LOW_PERCENTILE)),
        high=float(np.percentile(content, HIGH_PERCENTILE)) if content.size else 0.0,
        fifth_brightest=float(fifth),
        brightest=float(brightest),
        saturated_share=int(np.count_nonzero(voxels == brightest)) / max(int(np.count_nonzero(voxels)), 1),
    )


def check_content(profile: IntensityProfile, intensities: IntensityRange) -> None:
    """Refuse an image whose content fills so little of the range that nothing can be found in it.

    Parameters
    ----------
    profile : IntensityProfile
    intensities : IntensityRange
        The range that the network is to see.

    Raises
    ------
    ImageError
        With the range and the part of it that the image fills.
    """
    bottom, top = float(intensities.bottom), float(intensities.top)
    share = (profile.high - profile.low) / (top - bottom)
    if share < MIN_CONTENT_SHARE:
        raise ImageError(
            f"intensities from {bottom:g} to {top:g}, but 99.8 % of the voxels lie between {profile.low:g} and "
            f"{profile.high:g}, {100 * share:.0f} % of that range: the structures cannot be found so. {ADVICE}; or set "
            "them to 0 first"
        )


def intensity_warnings(
    profile: IntensityProfile, intensities: IntensityRange, *, robust_top: bool, robust_bottom: bool
) -> list[str]:
    """Warnings of intensities that change volumes by more than 2 %, one line each, with what to do.

    Parameters
    ----------
    profile : IntensityProfile
    intensities : IntensityRange
        The range that the network is to see.
    robust_top, robust_bottom : bool
        Whether this end of the range is a percentile.

    Returns
    -------
    list of str
    """
    warnings = []
    bottom, top = float(intensities.bottom), float(intensities.top)
    cold_share = (profile.low - bottom) / (top - bottom)
    negative_share = -min(profile.low, 0.0) / (top - bottom)
    if negative_share > MAX_COLD_SHARE:
        warnings.append(
            f"more than 0.1 % of the voxels are negative, down to {profile.darkest:g}: they take "
            f"{100 * negative_share:.0f} % of the intensity range, and volumes change by more than 2 %. A T1 has no "
            "negative voxels: set them to 0 first (fslmaths IN -thr 0 OUT)"
        )
    elif not robust_bottom and cold_share > MAX_COLD_SHARE:
        warnings.append(
            f"intensities begin at {profile.darkest:g}, but 99.9 % of the voxels lie above {profile.low:g}: the few "
            f"below take {100 * cold_share:.0f} % of the intensity range, and volumes change by more than 2 %. {ADVICE}"
        )
    if robust_top:
        return warnings
    hot_ratio = _over(profile.brightest, profile.fifth_brightest, profile.low)
    tail_ratio = _over(profile.brightest, profile.high, profile.low)
    if hot_ratio > MAX_HOT_RATIO:
        warnings.append(
            f"the brightest voxel ({profile.brightest:g}) is {hot_ratio:.2f} times the fifth brightest and sets the "
            f"top of the intensity range: volumes change by more than 2 %. {ADVICE}, --percentile 99.9 at the top"
        )
    elif tail_ratio > MAX_TAIL_RATIO:
        warnings.append(
            f"the brightest voxel ({profile.brightest:g}) is {tail_ratio:.1f} times the 99.9th percentile and sets the "
            f"top of the intensity range: volumes differ by 7 % and more from those with a robust range. {ADVICE}, "
            "--percentile 99.9 at the top"
        )
    if profile.saturated_share > MAX_SATURATED_SHARE:
        warnings.append(
            f"{100 * profile.saturated_share:.1f} % of the voxels have the greatest value, {profile.brightest:g}: the "
            "image is saturated, and volumes change by more than 2 %; take the image as it was before it was clipped"
        )
    return warnings


def _brightest(voxels: NDArray[Any], n: int) -> tuple[Any, Any]:
    """The n-th greatest value, or the least of fewer voxels, and the greatest value."""
    # At least n values reach the n-th greatest maximum of blocks: only those are sorted.
    maxima = np.sort(np.maximum.reduceat(voxels, np.arange(0, voxels.size, BLOCK_VOXELS)))
    candidates = voxels[voxels >= maxima[-n]] if maxima.size >= n else voxels
    values = np.sort(candidates)
    return values[-min(n, values.size)], values[-1]


def _over(value: float, reference: float, bottom: float) -> float:
    """How many times higher above the bottom; 1 where the reference does not lie above it."""
    return (value - bottom) / (reference - bottom) if reference > bottom else 1.0
