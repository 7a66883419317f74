"""Cohort tables: one row a case, one column a structure, as CSV."""

import csv
import errno
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..files.locks import LockedError, locked
from ..files.staging import encode_text, write_atomically
from ..segmentation.measure import SegStats, StructureStats
from ..segmentation.population import Population, z_score
from .pipeline import Outcome

LOCK_TIMEOUT_S = 60.0

Value = Callable[[StructureStats, Population], float | None]


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
    writer.writerow(["case", *(first.structures[i].structure.name for i in columns), *(["eTIV"] if with_etiv else [])])
    for name, stats in cases:
        values = [table.value(stats.structures[i], population) for i in columns] + (
            [stats.etiv_mm3] if with_etiv else []
        )
        writer.writerow([name, *("" if value is None else f"{value:.4f}" for value in values)])
    return text.getvalue()


def merge_rows(old: str, new: str) -> str:
    """Put the rows of an old table behind those of a new one, which replace rows of the same cases.

    Parameters
    ----------
    old, new : str
        Texts of tables. Rows of an old table with other columns keep their cells: columns that the new table lacks
        stand behind its own, and cells that a row lacks are empty.

    Returns
    -------
    str
    """
    new_rows = list(csv.reader(io.StringIO(new)))
    try:
        old_rows = list(csv.reader(io.StringIO(old)))
    except csv.Error:  # a cell of more than 100 kB, for instance
        return new
    old_header = old_rows[0] if old_rows else []
    if old_header[:1] != ["case"] or len(set(old_header)) < len(old_header):  # no table of ours
        return new
    header = new_rows[0] + [name for name in old_header if name not in new_rows[0]]
    here = {row[0] for row in new_rows[1:]}
    kept = {row[0]: dict(zip(old_header, row, strict=False)) for row in old_rows[1:] if row and row[0] not in here}
    rows = [dict(zip(new_rows[0], row, strict=True)) for row in new_rows[1:]] + list(kept.values())
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
    update: bool = False,
    lock_timeout_s: float = LOCK_TIMEOUT_S,
) -> list[Path]:
    """Write the tables of a cohort; they hold the cases that are done, and none is written without one.

    Parameters
    ----------
    files : sequence of (Path, Table)
    outcomes : sequence of Outcome
    population : Population
        Norms for the z scores.
    update : bool
        Keep the rows of other cases that a table holds already: array jobs of one subject each fill it together.
    lock_timeout_s : float
        How long to wait for another job that updates the same table, seconds.

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
    if not rows:
        return []
    for path, table in files:
        text = format_table(table, rows, population)
        if not update:
            write_atomically(path, encode_text(text))
            continue
        try:
            with locked(lock_file_of(path), lock_timeout_s):
                write_atomically(path, encode_text(merge_rows(_read_table(path), text)))
        except LockedError as error:
            raise OSError(errno.EAGAIN, f"locked by another job for {lock_timeout_s:g} s", str(path)) from error
    return [path for path, _ in files]


def lock_file_of(table: Path) -> Path:
    """The file that a job locks while it updates a table."""
    return table.with_name(f".{table.name}.lock")


def _read_table(path: Path) -> str:
    try:
        return path.read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""
