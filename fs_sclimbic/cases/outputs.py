"""Write the results of a case: all files together, whole or not at all."""

import os
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from ..errors import SclimbicError
from ..files.staging import StagedFiles, encode_text
from ..files.system import now
from ..image.labels import ColorTable, format_ctab
from ..image.transforms import format_lta, format_xfm
from ..image.volume import encode_volume
from ..registration.talairach import Registration
from ..segmentation.flag import Flag
from ..segmentation.options import Options
from ..segmentation.preset import STUDY_PRESET
from ..segmentation.segment import Segmentation
from .case import Case, Outputs
from .case_picture import is_older
from .file_names import check_file_names
from .head_size import HeadSize
from .record import Record, Settings, format_record, read_record, same_settings
from .run import Run
from .stats_files import format_qa_stats, format_stats


@dataclass(frozen=True, eq=False, kw_only=True)
class CaseResult:
    """All that is written of a case."""

    case: Case
    head: HeadSize
    segmentation: Segmentation
    settings: Settings
    warnings: tuple[str, ...]
    flags: tuple[Flag, ...] = ()
    options: Options
    run: Run
    picture: bytes | None = None
    """The file of the picture, if one was drawn."""


def check_names(case: Case) -> None:
    """Fail before anything is written if the name of an output is too long for its file system.

    Raises
    ------
    SclimbicError
        With the first such name.
    """
    outputs = case.outputs
    check_file_names((*outputs.written(), *([outputs.log] if outputs.log else [])))


def touch_older(outputs: Outputs, time_ns: int) -> None:
    """Set the times of a case's files to now if one is older than its inputs: make and others would run it again.

    Parameters
    ----------
    outputs : Outputs
        All files exist.
    time_ns : int
        When the last input was changed, nanoseconds.
    """
    with suppress(OSError):  # files of another user
        paths = outputs.written()
        if outputs.picture and not is_older(outputs.picture, outputs.segmentation):
            paths = (*paths, outputs.picture)
        if any(path.stat().st_mtime_ns < time_ns for path in paths):
            for path in paths:
                os.utime(path)


def check_writable(case: Case) -> None:
    """Fail before the network runs if an output could not be written after it.

    Raises
    ------
    SclimbicError
        With the first output whose folder cannot be written to.
    """
    for path in case.outputs.written():
        # Also a link that leads nowhere, in which no folder can be made.
        folder = next(parent for parent in path.absolute().parents if os.path.lexists(parent))
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            raise SclimbicError(f"{path}: {folder} cannot be written to; change its permissions or give another place")


def write_outputs(result: CaseResult) -> list[str]:
    """Write all files of a case, together: whole or not at all; the stats late, the record last.

    Returns
    -------
    list of str
        Warnings: the picture could not be written, which does not fail the case.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    outputs, segmentation, stats = result.case.outputs, result.segmentation, result.segmentation.stats
    provenance = provenance_lines(result)
    contents = {outputs.segmentation: encode_volume(segmentation.labels, outputs.segmentation, segmentation.colors)}
    if outputs.ctab:
        contents[outputs.ctab] = format_ctab(segmentation.colors).encode()
    if outputs.xfm and outputs.lta and (found := result.head.registration):
        contents[outputs.xfm] = format_xfm(found.ras2mni).encode()
        contents[outputs.lta] = format_lta(found.ras2mni).encode()
    if outputs.posteriors:
        contents[outputs.posteriors] = encode_volume(segmentation.posteriors, outputs.posteriors)
    if outputs.qa_stats:
        contents[outputs.qa_stats] = encode_text(_qa_stats_of(result, provenance))
    if outputs.stats:
        contents[outputs.stats] = encode_text(format_stats(stats, provenance))
    warnings = []
    with StagedFiles() as staged:
        staged.write(outputs.segmentation, contents[outputs.segmentation])
        picture = {}
        if outputs.picture and result.picture is not None:  # after the labels: one that is older is of an earlier run
            try:
                staged.write(outputs.picture, result.picture)
                picture = {outputs.picture: result.picture}
            except OSError as error:
                warnings.append(f"{outputs.picture}: picture cannot be written ({error.strerror or error})")
        for path, content in contents.items():
            if path != outputs.segmentation:
                staged.write(path, content)
        hashes = _hashes_of({**contents, **picture}, result)
        record = Record(result.settings, stats, result.warnings, hashes, tuple(provenance), result.flags)
        staged.write(outputs.record, encode_text(format_record(record)))
        # From here until the last rename the case counts as not done.
        outputs.record.unlink(missing_ok=True)
    return warnings


def _qa_stats_of(result: CaseResult, provenance: list[str]) -> str:
    colors = result.segmentation.colors
    flags = [replace(flag, reason=_header_prose(flag.reason, colors)) for flag in result.flags]
    return format_qa_stats(result.segmentation.stats, result.options.population, provenance, flags)


def _hashes_of(contents: dict[Path, bytes], result: CaseResult) -> dict[str, str]:
    """SHA-256 by file name, also of earlier files that were made with the same settings and are not asked for now."""
    hashes = {path.name: sha256(content).hexdigest() for path, content in contents.items()}
    # Read again: another job may have written this case since it was opened.
    before = read_record(result.case.outputs.record)
    if before is not None and same_settings(before, result.settings):
        return {**before.files, **hashes}
    return hashes


def provenance_lines(result: CaseResult) -> list[str]:
    """The header lines of this case's stats files."""
    case, head, options = result.case, result.head, result.options
    top = "the maximum" if options.percentile is None else f"percentile {options.percentile:g} of the non-zero voxels"
    bottom = "minimum" if options.low_percentile is None else f"percentile {options.low_percentile:g} of all voxels"
    return [
        f"subjectname {case.name}",
        f"CreationTime {now()}",
        *result.run.lines(),
        f"InputFile {case.t1.absolute()}",
        *([f"TransformFile {head.transform.absolute()}"] if head.transform else []),
        *([_how_registered(found)] if (found := head.registration) else []),
        *([f"Preset {options.preset}"] if options.preset == STUDY_PRESET else []),
        f"IntensityRange {bottom} to {top}",
        f"Region {result.segmentation.region}",
        *([f"Posteriors averaged over {options.average_shifts} starts"] if options.average_shifts > 1 else []),
        f"Volumes from {'voxel counts' if options.voxel_counts else 'posteriors'}",
        *(f"Warning {_header_prose(warning, result.segmentation.colors)}" for warning in result.warnings),
    ]


def _header_prose(text: str, colors: ColorTable) -> str:
    """A text without names of structures and without eTIV, which scripts look for to find rows and the Measure line."""
    ids = {structure.name: f"SegId {structure.index}" for structure in colors.foreground}
    names = "|".join(re.escape(name) for name in sorted(ids, key=len, reverse=True))
    text = re.sub(rf"(?<![\w.-])({names})(?![\w-])", lambda found: ids[found[1]], text)
    return re.sub(r"\beTIV\b", "intracranial volume", text)


def _how_registered(found: Registration) -> str:
    kind = "brain without a head: good to 10 % or so" if found.stripped else "whole head"
    return f"Transform computed from the image ({kind}), score {found.score:.3f}"
