"""The cases of a study that failed: they have no result, and only the table of flags tells of them."""

import csv
import io
from collections.abc import Collection
from pathlib import Path

from ..cases.flag_table import FLAGS
from ..cases.kept_rows import is_table
from ..cases.tables import table_files
from ..cases.verdicts import FAILED
from ..files.content import ContentError, read_small_file
from ..segmentation.flag import CaseVerdict, Flag
from .finished_case import FinishedCase
from .read_case import NO_NUMBERS

CASE, REASONS, WHOLE_CASE = "case", "reasons", "whole_case"


def read_failed_cases(tables_start: Path, known: Collection[str]) -> list[FinishedCase]:
    """Read which cases of a study failed, in its table of flags.

    Parameters
    ----------
    tables_start : Path
        What the names of the study's tables begin with, such as ``results/sclimbic``.
    known : collection of str
        Cases that have a result; they are left out.

    Returns
    -------
    list of FinishedCase
        With the reason as their problem, and without numbers; none where there is no table.
    """
    ((path, _),) = table_files(tables_start, "_", [FLAGS])
    try:
        text = read_small_file(path, noun="table of flags").decode("utf-8-sig", "surrogateescape")
    except (ContentError, OSError):
        return []
    if not is_table(text):
        return []
    rows = csv.DictReader(io.StringIO(text))
    return [
        _failed(row[CASE], row.get(REASONS) or "", tables_start)
        for row in rows
        if FAILED in (row.get(WHOLE_CASE) or "").split() and row[CASE] not in known
    ]


def _failed(name: str, reason: str, tables_start: Path) -> FinishedCase:
    problem = f"failed, has no result: {reason}"
    verdict = CaseVerdict(case=name, flags=(Flag(kind=FAILED, severity="bad", reason=problem),))
    return FinishedCase(
        name=name,
        segmentation=tables_start,  # there is none
        stats=NO_NUMBERS,
        problem=problem,
        verdict=verdict,
    )
