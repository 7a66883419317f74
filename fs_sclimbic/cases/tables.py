"""Cohort tables: one row a case, one column a structure, as CSV."""

import csv
import errno
import io
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..files.locks import LockedError, locked
from ..files.staging import encode_text, write_atomically
from ..segmentation.measure import SegStats, StructureStats
from ..segmentation.population import Population, z_score
from .kept_rows import read_rows_to_keep, write_copy
from .pipeline import Outcome

logger = logging.getLogger(__name__)

LOCK_TIMEOUT_S = 60.0

ETIV = "eTIV"
MAX_NAMES = 5
"""A message names no more cases than this."""

Value = Callable[[StructureStats, Population], float | None]
Numbers = Callable[[str], SegStats | None]
"""The numbers of a case by its name; None where there are none."""


@dataclass(frozen=True)
class Table:
    """One table: its file name after the base, and the value in its cells."""

    ending: str
    value: Value
    with_etiv: bool = False
    """Whether eTIV stands in the last column, where group tools expect it."""


VOLUMES = Table("volumes_all.csv", lambda row, _: row.volume_mm3, with_etiv=True)
Z_SCORES = Table("zqa_scores_all.csv", z_score)
CONFIDENCES = Table("confidences_all.csv", lambda row, _: row.confidence)
# The manual names the confidence table in the singular, the published tool writes the plural.
CONFIDENCE = Table("confidence_all.csv", CONFIDENCES.value)


def format_table(table: Table, cases: Sequence[tuple[str, SegStats]], population: Population) -> str:
    """The text of a table.

    Parameters
    ----------
    table : Table
    cases : sequence of (name, SegStats)
        In the order of the rows. All have the same structures, since they come from one model.
    population : Population
        Norms for the z scores; a structure that it lacks has no column there.

    Returns
    -------
    str
        ``case,<StructName ...>[,eTIV]``, four decimals.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    first = cases[0][1]
    columns = [i for i, row in enumerate(first.structures) if table.value(row, population) is not None]
    with_etiv = table.with_etiv and any(stats.etiv_mm3 is not None for _, stats in cases)
    writer.writerow(["case", *(first.structures[i].structure.name for i in columns), *([ETIV] if with_etiv else [])])
    for name, stats in cases:
        values = [table.value(stats.structures[i], population) for i in columns] + (
            [stats.etiv_mm3] if with_etiv else []
        )
        writer.writerow([name, *("" if value is None else f"{value:.4f}" for value in values)])
    return text.getvalue()


def format_rows(table: Table, rows: Sequence[tuple[str, SegStats]], population: Population) -> str:
    """The text of a table of cases that may have different structures.

    Parameters
    ----------
    table : Table
    rows : sequence of (name, SegStats)
        At least one.
    population : Population

    Returns
    -------
    str
        As `format_table`; each value stands under the name of its structure, and a cell without one is empty. Rows of
        the same structures stand together.
    """
    first, *groups = _by_columns(rows, population, table)  # rows of one model: a single group
    text = format_table(table, first, population)
    for group in groups:
        text = merge_rows(format_table(table, group, population), text)
    return text


def merge_rows(old: str, new: str) -> str:
    """Put the rows of an old table behind those of a new one, which replace rows of the same cases.

    Parameters
    ----------
    old, new : str
        Texts of tables, see `kept_rows.is_table`. Rows of an old table with other columns keep their cells: columns
        that the new table lacks stand behind its own, and cells that a row lacks are empty.

    Returns
    -------
    str
    """
    new_rows = list(csv.reader(io.StringIO(new)))
    old_header, *old_rows = list(csv.reader(io.StringIO(old))) or [[]]
    header = new_rows[0] + [name for name in old_header if name not in new_rows[0]]
    header.sort(key=lambda name: name == ETIV)  # group tools scale the columns left of it
    here = {row[0] for row in new_rows[1:]}
    kept = [dict(zip(old_header, row, strict=False)) for row in old_rows if row and row[0] not in here]
    rows = [dict(zip(new_rows[0], row, strict=True)) for row in new_rows[1:]] + kept
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *([row.get(name, "") for name in header] for row in rows)])
    return text.getvalue()


def cases_with_other_columns(text: str) -> list[str]:
    """Cases of a table that have no value in some column: they were made with other structures or flags."""
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    return [row[0] for row in rows[1:] if "" in row or len(row) != len(rows[0])]


def case_names(text: str) -> list[str]:
    """The cases that a table has rows of."""
    return [row[0] for row in list(csv.reader(io.StringIO(text)))[1:] if row]


def table_files(start: Path, separator: str, tables: Sequence[Table]) -> list[tuple[Path, Table]]:
    """The file of each table.

    Parameters
    ----------
    start : Path
        What the names begin with: ``OUT/sclimbic``, or a single image's ``OUT/name``.
    separator : {"_", "."}
        Stands between this and the table's own ending.
    tables : sequence of Table

    Returns
    -------
    list of (Path, Table)
    """
    return [(start.with_name(f"{start.name}{separator}{table.ending}"), table) for table in tables]


def write_tables(
    files: Sequence[tuple[Path, Table]],
    outcomes: Sequence[Outcome],
    population: Population,
    *,
    others: Numbers | None = None,
    lock_timeout_s: float = LOCK_TIMEOUT_S,
    warn: Callable[[str], None] = logger.warning,
    note: Callable[[str], None] = logger.info,
) -> list[Path]:
    """Write the tables of a cohort; they hold the cases that are done, and none is written without one.

    Parameters
    ----------
    files : sequence of (Path, Table)
    outcomes : sequence of Outcome
    population : Population
        Norms for the z scores.
    others : callable, optional
        See `write_rows`.
    lock_timeout_s : float
        How long to wait for another job that updates the same table, seconds.
    warn, note : callable
        Are given each warning and each note, one line.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    OSError
        If a table cannot be written.
    """
    rows = [(outcome.case.name, outcome.stats) for outcome in outcomes if outcome.stats is not None]
    failed = {outcome.case.name for outcome in outcomes if outcome.status == "failed"}
    return write_rows(
        files, rows, population, without=failed, others=others, lock_timeout_s=lock_timeout_s, warn=warn, note=note
    )


def write_rows(
    files: Sequence[tuple[Path, Table]],
    rows: Sequence[tuple[str, SegStats]],
    population: Population,
    *,
    without: Collection[str] = (),
    others: Numbers | None = None,
    lock_timeout_s: float = LOCK_TIMEOUT_S,
    warn: Callable[[str], None] = logger.warning,
    note: Callable[[str], None] = logger.info,
) -> list[Path]:
    """Write tables that hold the given rows first, and those of other cases behind them.

    A file that is no table of this tool, or holds rows without results, stays under another name, with a warning.

    Parameters
    ----------
    files : sequence of (Path, Table)
    rows : sequence of (name, SegStats)
        Without one, nothing is written.
    population : Population
        Norms for the z scores.
    without : collection of str
        Cases that get no row, whatever a table holds now.
    others : callable, optional
        Gives the numbers of another case that a table has a row of; None where it has no valid results any more.
        Without this function a table is written anew.
    lock_timeout_s : float
        How long to wait for another job that updates the same table, seconds.
    warn, note : callable
        Are given each warning and each note, one line.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    OSError
        If a table cannot be written.
    """
    if not rows:
        return []
    for number, (path, table) in enumerate(files):
        text = format_rows(table, rows, population)
        if others is None:
            write_atomically(path, encode_text(text))
            continue
        with locked_table(path, lock_timeout_s):
            old = read_rows_to_keep(path, warn)
            here = {name for name, _ in rows}
            names = [name for name in dict.fromkeys(case_names(old)) if name not in here and name not in without]
            kept = [(name, stats) for name in names if (stats := others(name)) is not None]
            lost = [name for name in names if name not in {name for name, _ in kept}]
            if lost:
                warn(_tell_lost_rows(path, lost, write_copy(path, path.read_bytes())))
            for group in _by_columns(kept, population, table):
                text = merge_rows(format_table(table, group, population), text)
            write_atomically(path, encode_text(text))
        if names and number == 0:
            note(f"{path}: had {len(case_names(old))} rows; now {len(rows)} of this run, {len(kept)} kept")
    return [path for path, _ in files]


def _by_columns(
    kept: Sequence[tuple[str, SegStats]], population: Population, table: Table
) -> Iterable[list[tuple[str, SegStats]]]:
    """Rows with the same columns together: those of one table have the same structures."""
    groups: dict[tuple[str, ...], list[tuple[str, SegStats]]] = {}
    for name, stats in kept:
        columns = (row.structure.name for row in stats.structures if table.value(row, population) is not None)
        groups.setdefault(tuple(columns), []).append((name, stats))
    return groups.values()


def _tell_lost_rows(path: Path, lost: Sequence[str], copy: Path) -> str:
    names = ", ".join(lost[:MAX_NAMES]) + (" ..." if len(lost) > MAX_NAMES else "")
    return (
        f"{path}: {len(lost)} of its rows are not kept: these cases have no results of this tool any more, or were not "
        f"asked for ({names}); the table as it was is {copy}"
    )


@contextmanager
def locked_table(path: Path, timeout_s: float) -> Iterator[None]:
    """Let only one job at a time update a table.

    Parameters
    ----------
    path : Path
        Of the table.
    timeout_s : float
        How long to wait for another job, seconds.

    Raises
    ------
    OSError
        If the other job does not end in time.
    """
    try:
        with locked(lock_file_of(path), timeout_s):
            yield
    except LockedError as error:
        which = f" ({error})" if str(error) else ""
        reason = f"locked by another job for {timeout_s:g} s{which}"
        raise OSError(errno.EAGAIN, reason, str(path)) from error


def lock_file_of(table: Path) -> Path:
    """The file that a job locks while it updates a table."""
    return table.with_name(f".{table.name}.lock")
