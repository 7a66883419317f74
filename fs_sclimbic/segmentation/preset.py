"""Named settings of the computation: the published tool's, and those recommended for new studies."""

from dataclasses import dataclass

PUBLISHED_PRESET, STUDY_PRESET = "published", "study"


@dataclass(frozen=True)
class Preset:
    """Settings that belong together."""

    percentile: float | None = None
    """Top of the intensity range, as a percentile of the non-zero voxels; None: the maximum."""
    low_percentile: float | None = None
    """Bottom of the intensity range, as a percentile of all voxels; None: the minimum."""
    average_shifts: int = 1
    """Starts of the network's box that posteriors are averaged over."""
    size_tolerance_voxels: float = 0.0
    """An image so much larger than a whole number of voxels has that number, not one more."""


PRESETS: dict[str, Preset] = {
    PUBLISHED_PRESET: Preset(),
    # Measured: docs/repeatability.md.
    STUDY_PRESET: Preset(percentile=99.9, low_percentile=0.1, average_shifts=4, size_tolerance_voxels=0.01),
}
