"""Whether an image fills the intensity range that the network sees, or a few voxels stretch the range.

The published range runs from the darkest to the brightest voxel. One voxel that is colder or hotter than all others
squeezes the rest, and volumes change; so does padding far below the air. An image whose intensities are all moved or
scaled is the same to the network, so negative voxels alone are no fault. The limits are measured:
docs/repeatability.md.
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
MAX_PADDING_SHARE = 0.05
"""Share of the range below the air, taken by negative padding, from which structures change by 2 %."""
PADDING_BAND = 0.02
"""Voxels within this lowest share of the content's range may be padding."""
AIR_PERCENTILES = LOW_PERCENTILE, 1, 20
"""Percentiles of the voxels above padding: the latter two are air in a padded image; the first, too, where padding ends
sharply."""
MAX_AIR_WIDTH = 0.03
"""Share of the content between the latter two: up to 0.01 in padded images, 0.07 and more in heads without padding."""
MIN_BACKGROUND_SHARE = 0.5
"""Share of the voxels that are exactly 0 in a brain without its head."""
MAX_BACKGROUND_POSITION = 0.1
"""Share of the content below 0, above which a background of 0 looks like tissue."""
MAX_SATURATED_SHARE = 0.004
"""Share of the non-zero voxels with the greatest value from which structures change by 2 %."""
MIN_CONTENT_SHARE = 0.08
"""Share of the range that the content fills, below which a head loses nine tenths of its structures, and more."""

SAMPLED_STEP = 7
"""Odd, so that the sample runs through all columns of an image."""
MAX_UNSAMPLED_VOXELS = 1_000_000
BLOCK_VOXELS = 4096

ADVICE = "--preset study leaves such voxels out of the range"
OFF_BY = "off by more than 2 %"
"""Every warning of intensities says it; readers of stats files know them by it."""
OFF = f"volumes are {OFF_BY}"
HOT_ADVICE = f"{ADVICE}, --percentile 99.9 does so at the top"


@dataclass(frozen=True)
class IntensityProfile:
    """The extremes of an image's intensities, and where its content lies between them."""

    darkest: float
    low: float
    """Where the content begins: low percentile of all voxels, or the air above padding."""
    high: float
    """Where the content ends: high percentile of the voxels that are neither 0 nor the darkest."""
    fifth_brightest: float
    brightest: float
    saturated_share: float
    """Share of the voxels that have the greatest value, of those that are neither 0 nor the darkest."""
    zero_share: float
    """Share of the voxels that are exactly 0."""
    is_padded: bool
    """Whether many voxels lie together below the air."""
    is_padding_sharp: bool
    """Whether hardly a voxel lies between padding and air, so that raising all below the air loses no tissue."""


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
    darkest = float(voxels.min())
    fifth, brightest = _brightest(voxels, HOT_VOXELS)
    content = some[(some != 0) & (some > darkest)]
    high = float(np.percentile(content, HIGH_PERCENTILE)) if content.size else float(brightest)
    air = _air_above_padding(some, darkest, high)
    n_content = int(np.count_nonzero((voxels != 0) & (voxels > darkest)))
    return IntensityProfile(
        darkest=darkest,
        low=float(np.percentile(some, LOW_PERCENTILE)) if air is None else air[0],
        high=high,
        fifth_brightest=float(fifth),
        brightest=float(brightest),
        saturated_share=int(np.count_nonzero(voxels == brightest)) / max(n_content, 1),
        zero_share=float(np.mean(some == 0)),
        is_padded=air is not None,
        is_padding_sharp=air is not None and air[1],
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
            f"intensities from {bottom:g} to {top:g}, but the head lies between {profile.low:g} and {profile.high:g}, "
            f"{100 * share:.0f} % of that range: the structures cannot be found so. {_cold_advice(profile)}"
        )


def intensity_warnings(
    profile: IntensityProfile, intensities: IntensityRange, *, robust_top: bool, robust_bottom: bool
) -> list[str]:
    """Warnings of intensities that put volumes off by more than 2 %, one line each, with what to do.

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
    share_below = (profile.low - bottom) / (top - bottom)
    zero_position = -profile.low / (profile.high - profile.low) if profile.high > profile.low else 0.0
    if profile.zero_share > MIN_BACKGROUND_SHARE and zero_position > MAX_BACKGROUND_POSITION:
        warnings.append(
            f"the background, 0, lies amid the brain's intensities, which begin at {profile.low:g}: volumes can be "
            f"{OFF_BY}. Take the image as it was before it was normalised"
        )
    elif profile.is_padded and share_below > MAX_PADDING_SHARE:
        warnings.append(f"many voxels, of {profile.darkest:g}, lie far below the air: {OFF}. {_cold_advice(profile)}")
    elif not (profile.is_padded or robust_bottom) and share_below > MAX_COLD_SHARE:
        warnings.append(
            f"intensities begin at {profile.darkest:g}, 99.9 % of the voxels lie above {profile.low:g}: {OFF}. "
            f"{_cold_advice(profile)}"
        )
    if robust_top:
        return warnings
    hot_ratio = _over(profile.brightest, profile.fifth_brightest, profile.low)
    tail_ratio = _over(profile.brightest, profile.high, profile.low)
    if hot_ratio > MAX_HOT_RATIO:
        warnings.append(
            f"the brightest voxel ({profile.brightest:g}) is {hot_ratio:.2f} times the fifth brightest: {OFF}. "
            f"{HOT_ADVICE}"
        )
    elif tail_ratio > MAX_TAIL_RATIO:
        warnings.append(
            f"the brightest voxel ({profile.brightest:g}) is {tail_ratio:.1f} times the 99.9th percentile: {OFF}. "
            f"{HOT_ADVICE}"
        )
    if profile.saturated_share > MAX_SATURATED_SHARE:
        warnings.append(
            f"{100 * profile.saturated_share:.1f} % of the voxels have the greatest value, {profile.brightest:g}: the "
            f"image is saturated, {OFF}. Take the image as it was before it was clipped"
        )
    return warnings


def _cold_advice(profile: IntensityProfile) -> str:
    """What to do about voxels below the content."""
    if not profile.is_padded:
        return ADVICE
    if profile.is_padding_sharp:  # a percentile does not see it; nearly nothing of the head lies below its air
        return f"Raise them to the air first: fslmaths IN -max {profile.low:g} OUT"
    return "Take the image as it was before it was padded or normalised"


def _air_above_padding(some: NDArray[np.float32], darkest: float, high: float) -> tuple[float, bool] | None:
    """Where the air above negative padding begins, and whether sharply; None without padding.

    The lowest band holds the air of an ordinary image and the padding of a padded one. Above it lies tissue, which is
    spread widely, or air, which is not.
    """
    above = some[some > darkest + PADDING_BAND * (high - darkest)]
    padding_share = 1 - above.size / some.size
    if darkest >= 0 or not above.size or padding_share < LOW_PERCENTILE / 100:
        return None
    lowest, air, air_end = (float(value) for value in np.percentile(above, AIR_PERCENTILES))
    width = MAX_AIR_WIDTH * (high - air)
    if air_end - air > width:
        return None
    is_sharp = air - lowest <= width
    return (lowest if is_sharp else air), is_sharp


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
