"""The table of flags: one row a case, with its verdict, the reasons, and the kinds of flags of each structure."""

import csv
import io
import logging
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from ..files.staging import encode_text, write_atomically
from ..segmentation.flag import CaseVerdict
from ..segmentation.measure import SegStats
from ..segmentation.population import Population
from .kept_rows import read_rows_to_keep
from .pipeline import Outcome
from .stats_files import kinds_of
from .tables import (
    LOCK_TIMEOUT_S,
    Numbers,
    Table,
    case_names,
    locked_table,
    merge_rows,
    write_tables,
)
from .verdicts import FAILED, verdict_of, worst_first

logger = logging.getLogger(__name__)

FIRST_COLUMNS = ("case", "verdict", "n_flags", "reasons", "whole_case")
FLAGS = Table("qa_flags_all.csv", lambda _row, _population: None)
"""Its cells are no numbers: it is written here, not by `write_tables`."""
NONE, NOT_MEASURED = "-", "NA"


def format_flag_table(rows: Sequence[tuple[CaseVerdict, SegStats | None]]) -> str:
    """The text of the table of flags: one row a case, and one column a structure, named as in the table of volumes.

    Parameters
    ----------
    rows : sequence of (CaseVerdict, SegStats or None)
        Verdicts with the numbers of the case, None for one that failed. At least one has numbers; all have the same
        structures, since they come from one model.

    Returns
    -------
    str
        ``case,verdict,n_flags,reasons,whole_case,<StructName ...>``. The last columns hold the kinds of the flags,
        separated by blanks, or ``-``; of a case that failed ``NA``.
    """
    measured = next(stats for _, stats in rows if stats is not None)
    names = [row.structure.name for row in measured.structures]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*FIRST_COLUMNS, *names])
    for verdict, stats in rows:
        flags = verdict.flags
        cells = [" ".join(kinds_of(flags, name)) or NONE for name in names]
        writer.writerow(
            [
                verdict.case,
                verdict.verdict,
                len(flags),
                "; ".join(" ".join(flag.reason.split()) for flag in worst_first(flags)) or NONE,
                " ".join(kinds_of(flags, None)) or NONE,
                *(cells if stats is not None else [NOT_MEASURED] * len(names)),
            ]
        )
    return text.getvalue()


def write_all_tables(
    files: Sequence[tuple[Path, Table]],
    outcomes: Sequence[Outcome],
    population: Population,
    *,
    others: Numbers | None = None,
    lock_timeout_s: float = LOCK_TIMEOUT_S,
    warn: Callable[[str], None] = logger.warning,
    note: Callable[[str], None] = logger.info,
) -> list[Path]:
    """Write the tables of a cohort, that of flags among them; none is written without a case that is done.

    Parameters
    ----------
    files : sequence of (Path, Table)
    outcomes : sequence of Outcome
        The table of flags also holds those that failed.
    population, others, lock_timeout_s, warn, note
        See `write_tables`. In the table of flags, rows of other cases stay as they are.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    OSError
        If a table cannot be written.
    """
    numeric = [(path, table) for path, table in files if table is not FLAGS]
    of_flags = [path for path, table in files if table is FLAGS]
    written = write_tables(
        numeric, outcomes, population, others=others, lock_timeout_s=lock_timeout_s, warn=warn, note=note
    )
    rows = [  # a case that runs elsewhere has neither numbers nor failed
        (verdict_of(outcome), outcome.stats)
        for outcome in outcomes
        if outcome.stats is not None or outcome.status == "failed"
    ]
    if all(stats is None for _, stats in rows):
        return written
    for path in of_flags:
        write_flags(path, rows, others=others, lock_timeout_s=lock_timeout_s, warn=warn)
    return written + of_flags


def write_flags(
    path: Path,
    rows: Sequence[tuple[CaseVerdict, SegStats | None]],
    *,
    others: Numbers | None = None,
    lock_timeout_s: float = LOCK_TIMEOUT_S,
    warn: Callable[[str], None] = logger.warning,
) -> None:
    """Write one table of flags; rows of other cases are kept while they have results, or tell of a failure.

    Parameters
    ----------
    path : Path
    rows : sequence of (CaseVerdict, SegStats or None)
        See `format_flag_table`.
    others : callable, optional
        Gives the numbers of another case, None where it has no results; without it the table is written anew.
    lock_timeout_s : float
        How long to wait for another job that updates the same table, seconds.
    warn : callable
        Is given each warning, one line.

    Raises
    ------
    OSError
        If the table cannot be written.
    """
    text = format_flag_table(rows)
    if others is None:
        write_atomically(path, encode_text(text))
        return
    with locked_table(path, lock_timeout_s):
        old = read_rows_to_keep(path, warn)
        here = {verdict.case for verdict, _ in rows}
        gone = [name for name in case_names(old) if name not in here and others(name) is None]
        write_atomically(path, encode_text(merge_rows(_without_rows(old, gone), text)))


def _without_rows(text: str, names: Collection[str]) -> str:
    """A table without the rows of some cases; those that tell of a failure stay."""
    rows = list(csv.reader(io.StringIO(text)))
    kept = [row for number, row in enumerate(rows) if number == 0 or not row or row[0] not in names or FAILED in row]
    shorter = io.StringIO()
    csv.writer(shorter, lineterminator="\n").writerows(kept)
    return shorter.getvalue()
