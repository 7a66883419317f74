"""A finished case, as it lies on disk: made by this tool, or by FreeSurfer's own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..image.labels import ColorTable, read_ctab
from ..segmentation.flag import CaseVerdict
from ..segmentation.measure import SegStats


@dataclass(frozen=True, kw_only=True)
class FinishedCase:
    """A finished case: where its files lie, and its numbers."""

    name: str
    segmentation: Path
    t1: Path | None = None
    """The image that was segmented; None if it is no longer there."""
    posteriors: Path | None = None
    stats_file: Path | None = None
    record_file: Path | None = None
    """None for cases that FreeSurfer's own tool made."""
    transform: Path | None = None
    """To MNI305, if one was used or computed."""
    stats: SegStats
    """Numbers of all structures, from the record, the stats file, or measured again in the segmentation."""
    colors: ColorTable = field(default_factory=read_ctab)
    """All labels of the segmentation, also those that are left out of the numbers."""
    provenance: Mapping[str, str] = field(default_factory=dict)
    """Weights, settings, version, date: by their names in the header of a stats file."""
    warnings: tuple[str, ...] = ()
    """What was said when the case was made."""
    problem: str | None = None
    """Why its files cannot be read, in one line; its numbers are then empty, and its verdict is bad."""
    verdict: CaseVerdict
