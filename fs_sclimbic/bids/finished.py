"""Find the finished cases among BIDS derivatives of this tool, for pages and pictures of quality control."""

import os
from collections.abc import Collection
from pathlib import Path

from ..cases.case import DEFAULT_BASE
from ..cases.record import Record
from ..errors import UsageError
from ..qc.find_cases import ReadCase, read_cases
from ..qc.finished_case import FinishedCase
from ..qc.read_case import CaseFiles, provenance_of, read_finished_case
from .cases import SUBJECTS_FOLDER, case_outputs
from .entities import parse_case_name
from .group_level import read_finished


def holds_bids_results(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder holds BIDS derivatives of this tool.

    Parameters
    ----------
    folder : path-like

    Returns
    -------
    bool
    """
    return os.path.isdir(Path(folder) / SUBJECTS_FOLDER)


def find_finished_in_bids(
    out: str | os.PathLike[str],
    *,
    base: str = DEFAULT_BASE,
    participants: Collection[str] = (),
    read: ReadCase = read_finished_case,
) -> list[FinishedCase]:
    """Find the finished cases of `fs_sclimbic bids`.

    Parameters
    ----------
    out : path-like
        Folder of the derivatives.
    base : str
        As the cases were run with.
    participants : collection of str
        Labels, without ``sub-``; empty: everybody.
    read : callable
        Reads a case from its files; several threads call it.

    Returns
    -------
    list of FinishedCase
        By name. A case whose files cannot be read has a problem, and none of its numbers.

    Raises
    ------
    UsageError
        If the folder holds no such results.
    """
    folder = Path(out)
    if not holds_bids_results(folder):
        raise UsageError(f"{folder}: holds no results of fs_sclimbic bids (no {SUBJECTS_FOLDER})")
    cases = read_finished(folder, base=base, participants=participants)
    return read_cases([_files_of(folder, case.name, case.record, base) for case in cases], read)


def _files_of(out: Path, name: str, record: Record, base: str) -> CaseFiles:
    parts = parse_case_name(name)
    if parts is None:  # such names are not read
        raise ValueError(name)
    _, outputs = case_outputs(out, parts.entities, base=base)
    said = provenance_of(record.provenance)
    image, transform = (Path(said[key]) if key in said else None for key in ("InputFile", "TransformFile"))
    return CaseFiles(
        name=name,
        segmentation=outputs.segmentation,
        t1=image if image and image.is_file() else None,
        posteriors=_if_there(outputs.posteriors),
        stats_file=_if_there(outputs.stats),
        record_file=outputs.record,
        transform=_if_there(outputs.xfm) or _if_there(transform),
    )


def _if_there(path: Path | None) -> Path | None:
    return path if path is not None and path.is_file() else None
