"""Read the numbers of a finished case: from its record, from its stats file and posteriors, or from the labels."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..cases.record import Record, read_record
from ..cases.stats_files import read_stats
from ..errors import ImageError, SclimbicError, describe_memory_error, describe_system_error
from ..files.content import find_problem
from ..files.hashing import sha256_of
from ..image.labels import OPAQUE, ColorTable, Structure, read_ctab
from ..image.volume import Volume, read_volume
from ..segmentation.case_flags import crop_labels
from ..segmentation.flag import CaseVerdict, Flag
from ..segmentation.measure import SegStats, StructureStats, count_detached
from ..segmentation.options import ANTERIOR_COMMISSURE_ID
from .finished_case import FinishedCase
from .judge_case import judge_case

NO_NUMBERS = SegStats((), math.nan)
NO_PROVENANCE = frozenset({"Subcortical", "Created", "Warning", "Measure", "NRows", "NTableCols", "ColHeaders"})
"""First words of header lines that say nothing about how a case was made."""
UNKNOWN_RGBA = (255, 255, 0, OPAQUE)
CHANGED = Flag(
    kind="CHANGED",
    severity="look",
    reason="the segmentation was changed since it was measured: the numbers are those of before",
)
HEADER_LINE = re.compile(r"# (\w+) (.+)")


@dataclass(frozen=True, kw_only=True)
class CaseFiles:
    """Where the files of a finished case lie; None for those that are not there."""

    name: str
    segmentation: Path
    t1: Path | None = None
    posteriors: Path | None = None
    stats_file: Path | None = None
    record_file: Path | None = None
    transform: Path | None = None
    ctab: Path | None = None


def read_finished_case(files: CaseFiles) -> FinishedCase:
    """Read the numbers of a finished case, and judge it.

    Parameters
    ----------
    files : CaseFiles

    Returns
    -------
    FinishedCase
        With a problem, and without numbers, if its files cannot be read.
    """
    try:
        return _read(files)
    except SclimbicError as error:
        return _unreadable(files, str(error))
    except OSError as error:
        return _unreadable(files, describe_system_error(error))
    except MemoryError as error:
        return _unreadable(files, f"{files.segmentation}: {describe_memory_error(error)}")


def provenance_of(lines: Sequence[str]) -> dict[str, str]:
    """The provenance of a case by name, from the lines of a stats header without their ``#``.

    Parameters
    ----------
    lines : sequence of str
        Such as ``InputFile /data/head.nii.gz``.

    Returns
    -------
    dict of str to str
        Warnings and the description of the columns are left out.
    """
    pairs = (line.partition(" ") for line in lines)
    return {name: value.strip() for name, _, value in pairs if value and name not in NO_PROVENANCE}


def _read(files: CaseFiles) -> FinishedCase:
    if problem := find_problem(files.segmentation, "segmentation"):
        raise ImageError(problem)
    record = read_record(files.record_file) if files.record_file else None
    if record is None:
        return _read_without_record(replace(files, record_file=None))
    colors, flags = _colors_of(record), record.flags
    is_changed = _is_changed(files.segmentation, record)
    if flags is None or is_changed:
        labels = read_volume(files.segmentation)  # a damaged one is a problem
        if flags is None:
            flags = judge_case(labels, record.stats, colors, t1=files.t1, transform=files.transform, record=record)
    verdict = CaseVerdict(case=files.name, flags=(*flags, *([CHANGED] if is_changed else [])))
    return _finished(files, record.stats, verdict, colors, lines=record.provenance, warnings=record.warnings)


def _is_changed(segmentation: Path, record: Record) -> bool:
    """Whether somebody edited or replaced the labels since they were measured."""
    written = record.files.get(segmentation.name)
    return written is not None and sha256_of(segmentation) != written


def _read_without_record(files: CaseFiles) -> FinishedCase:
    """A case of the published tool, or one whose record was edited: measure what its files do not say."""
    segmentation = read_volume(files.segmentation)
    labels = crop_labels(segmentation)
    written = read_stats(files.stats_file) if files.stats_file else None
    channels = read_ctab(files.ctab)
    colors = _with_unknown(channels, labels, written)
    stats = _stats_of_labels(labels, colors)
    lines: list[str] = []
    if files.stats_file and written:
        stats = _joined(written, stats)
        lines = _header_of(files.stats_file)
    else:
        rows = tuple(row for row in stats.structures if row.structure.index != ANTERIOR_COMMISSURE_ID)
        stats = replace(stats, structures=rows)
    if files.posteriors:
        stats = _with_confidences(stats, read_volume(files.posteriors, frames=True), channels)
    flags = judge_case(segmentation, stats, colors, t1=files.t1, transform=files.transform)
    return _finished(files, stats, CaseVerdict(case=files.name, flags=flags), colors, lines=lines)


def _with_unknown(colors: ColorTable, labels: Volume, written: SegStats | None) -> ColorTable:
    """A colour table with rows for labels that it lacks: the case may be of another model."""
    rows = {structure.index: structure for structure in colors}
    for row in written.structures if written else ():
        rows.setdefault(row.structure.index, replace(row.structure, rgba=UNKNOWN_RGBA))
    for index in np.unique(labels.data):
        rows.setdefault(int(index), Structure(int(index), f"SegId-{index}", UNKNOWN_RGBA))
    return ColorTable(tuple(rows.values()))


def _stats_of_labels(labels: Volume, colors: ColorTable) -> SegStats:
    """Numbers of a segmentation alone: volumes are counts, and confidences are not known."""
    voxel_mm3 = labels.grid.voxel_volume_mm3
    rows = []
    for structure in colors.foreground:
        inside = labels.data == structure.index
        count = int(np.count_nonzero(inside))
        rows.append(StructureStats(structure, count, count * voxel_mm3, math.nan, count_detached(inside)))
    return SegStats(tuple(rows), voxel_mm3)


def _joined(file: SegStats, measured: SegStats) -> SegStats:
    """Numbers of a stats file, with what it does not hold from the segmentation."""
    seen = {row.structure.index: row for row in measured.structures}
    rows = tuple(
        replace(
            row,
            structure=seen[row.structure.index].structure,
            detached_voxels=seen[row.structure.index].detached_voxels,
        )
        if row.structure.index in seen
        else row
        for row in file.structures
    )
    return SegStats(rows, measured.voxel_volume_mm3, file.etiv_mm3)


def _with_confidences(stats: SegStats, posteriors: Volume, colors: ColorTable) -> SegStats:
    """The same numbers with the mean posterior inside each label, as far as frames and labels go together."""
    if posteriors.data.ndim != 4 or posteriors.data.shape[3] != len(colors):
        return stats
    winner = posteriors.data.argmax(-1)
    channels = {structure.index: channel for channel, structure in enumerate(colors)}

    def confidence(row: StructureStats) -> float:
        channel = channels.get(row.structure.index)
        if channel is None:
            return math.nan
        inside = winner == channel
        return float(posteriors.data[..., channel][inside].mean(dtype=np.float64)) if inside.any() else 0.0

    return replace(stats, structures=tuple(replace(row, confidence=confidence(row)) for row in stats.structures))


def _header_of(stats_file: Path) -> list[str]:
    lines = stats_file.read_text("utf-8", "surrogateescape").splitlines()
    return [f"{found[1]} {found[2]}" for line in lines if (found := HEADER_LINE.fullmatch(line))]


def _colors_of(record: Record) -> ColorTable:
    """All labels of a case, from its record."""
    try:
        rows = tuple(
            Structure(int(index), str(name), tuple(int(part) for part in rgba))  # type: ignore[arg-type]
            for index, name, rgba in record.settings["colors"]
        )
        if not rows or any(len(row.rgba) != 4 for row in rows):
            raise ValueError("no colour table")
    except (KeyError, TypeError, ValueError):  # settings of a record are any json
        return read_ctab()
    return ColorTable(rows)


def _unreadable(files: CaseFiles, problem: str) -> FinishedCase:
    flag = Flag(kind="UNREADABLE", severity="bad", reason=problem)
    verdict = CaseVerdict(case=files.name, flags=(flag,))
    return replace(_finished(files, NO_NUMBERS, verdict, read_ctab()), problem=problem)


def _finished(
    files: CaseFiles,
    stats: SegStats,
    verdict: CaseVerdict,
    colors: ColorTable,
    *,
    lines: Sequence[str] = (),
    warnings: Sequence[str] = (),
) -> FinishedCase:
    return FinishedCase(
        name=files.name,
        segmentation=files.segmentation,
        t1=files.t1,
        posteriors=files.posteriors,
        stats_file=files.stats_file,
        record_file=files.record_file,
        transform=files.transform,
        stats=stats,
        colors=colors,
        provenance=provenance_of(lines),
        warnings=tuple(warnings),
        verdict=verdict,
    )
