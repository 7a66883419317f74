"""Find the flags of a finished case in its files, where no record holds them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..cases.head_size import DOUBTFUL_ETIV, etiv_flag
from ..cases.record import Record
from ..errors import ModelError, SclimbicError, TransformError
from ..image.intensity import intensity_range
from ..image.labels import ColorTable
from ..image.transforms import read_transform
from ..image.volume import Volume, read_volume
from ..network.spec import DEFAULT_FOV_MM
from ..network.store import NO_FOLDER, PUBLISHED_NAME, PUBLISHED_SHA256, find_prior
from ..network.structure_prior import StructurePrior
from ..registration.plausibility import find_transform_doubts, why_implausible
from ..segmentation.case_flags import SeenImage, find_flags
from ..segmentation.flag import Flag
from ..segmentation.intensity_check import profile_intensities
from ..segmentation.measure import SegStats
from ..segmentation.population import Norm, Population, read_population

SAME_GRID_TOLERANCE_MM = 0.1
BEYOND_WORDS = "beyond the network's box"
"""In the provenance of a case whose structures were looked for there."""


def judge_case(
    labels: Volume,
    stats: SegStats,
    colors: ColorTable,
    *,
    t1: Path | None = None,
    transform: Path | None = None,
    record: Record | None = None,
) -> tuple[Flag, ...]:
    """Find the flags of a finished case.

    Parameters
    ----------
    labels : Volume
        Its segmentation.
    stats : SegStats
    colors : ColorTable
        All labels.
    t1 : Path, optional
        The image that was segmented; without it, and if it cannot be read, nothing is said about it.
    transform : Path, optional
        To MNI305.
    record : Record, optional
        Says how it was made; without it the published tool's defaults are assumed.

    Returns
    -------
    tuple of Flag
    """
    settings: Mapping[str, Any] = record.settings if record else {}
    lines = record.provenance if record else ()
    found = find_flags(
        stats,
        _population_of(settings),
        labels,
        colors,
        seen=_seen_image(t1, labels, settings) if t1 else None,
        prior=_prior_of(settings, colors),
        box_mm=settings.get("fov", DEFAULT_FOV_MM),
        is_beyond=any(line.startswith("Region ") and BEYOND_WORDS in line for line in lines),
    )
    return (*found, *_etiv_flags(stats, transform, record.warnings if record else ()))


def _etiv_flags(stats: SegStats, transform: Path | None, warnings: Sequence[str]) -> list[Flag]:
    """Doubts about eTIV: those that were told when it was computed, else those that the transform gives reason for."""
    if stats.etiv_mm3 is None:
        return []
    told = [warning.removeprefix(DOUBTFUL_ETIV) for warning in warnings if warning.startswith(DOUBTFUL_ETIV)]
    doubts = told or [problem for problem in [why_implausible(stats.etiv_mm3)] if problem]
    if not doubts and transform is not None:
        try:
            doubts = list(find_transform_doubts(read_transform(transform)))
        except TransformError as error:
            doubts = [str(error)]
    return [etiv_flag("; ".join(doubts), stats.etiv_mm3)] if doubts else []


def _seen_image(t1: Path, labels: Volume, settings: Mapping[str, Any]) -> SeenImage | None:
    """The image as the network saw it; None if it cannot be read, or is not the one that was segmented."""
    try:
        image = read_volume(t1)
        intensities = intensity_range(image.data, settings.get("percentile"), settings.get("low_percentile"))
    except SclimbicError:
        return None
    if not image.grid.matches(labels.grid, SAME_GRID_TOLERANCE_MM):
        return None
    return SeenImage(image=image, profile=profile_intensities(image.data), intensities=intensities)


def _prior_of(settings: Mapping[str, Any], colors: ColorTable) -> StructurePrior | None:
    """Where the structures lie in an average head, by the weights."""
    try:
        return find_prior(NO_FOLDER / PUBLISHED_NAME, settings.get("weights_sha256", PUBLISHED_SHA256), colors)
    except ModelError:
        return None


def _population_of(settings: Mapping[str, Any]) -> Population:
    """The norms that a case was run with; by default the shipped ones."""
    try:
        rows = settings["population"].items()
        return {name: Norm(float(mean), float(std), minimum) for name, (mean, std, minimum) in rows}
    except (KeyError, AttributeError, TypeError, ValueError):  # settings of a record are any json
        return read_population()
