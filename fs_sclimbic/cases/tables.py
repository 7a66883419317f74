"""Cohort tables: one row a case, one column a structure, as CSV."""

import csv
import errno
import io
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..files.locks import LockedError, locked
from ..files.staging import encode_text, write_atomically, write_new
from ..segmentation.measure import SegStats, StructureStats
from ..segmentation.population import Population, z_score
from .pipeline import Outcome
from .verdicts import FlagTable, format_flag_table

logger = logging.getLogger(__name__)

LOCK_TIMEOUT_S = 60.0

Value = Callable[[StructureStats, Population], float | None]


@dataclass(frozen=True)
class Table:
    """One table: its file name after the base, and the value in its cells."""

    ending: str
    value: Value
    with_etiv: bool = False
    """Whether eTIV stands in the last column, where group tools expect it."""


AnyTable = Table | FlagTable


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


def is_table(text: str) -> bool:
    """Whether a text is a table of this tool, or holds nothing, so that rows can be added without loss.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool
        False for other separators, column names that occur twice, and rows with more cells than there are columns.
    """
    if not text.strip():
        return True
    try:
        header, *rows = csv.reader(io.StringIO(text))
    except csv.Error:  # a cell of more than 100 kB, for instance
        return False
    is_ours = header[:1] == ["case"] and len(set(header)) == len(header)
    return is_ours and all(len(row) <= len(header) for row in rows)


def merge_rows(old: str, new: str) -> str:
    """Put the rows of an old table behind those of a new one, which replace rows of the same cases.

    Parameters
    ----------
    old, new : str
        Texts of tables, see `is_table`. Rows of an old table with other columns keep their cells: columns that the new
        table lacks stand behind its own, and cells that a row lacks are empty.

    Returns
    -------
    str
    """
    new_rows = list(csv.reader(io.StringIO(new)))
    old_header, *old_rows = list(csv.reader(io.StringIO(old))) or [[]]
    header = new_rows[0] + [name for name in old_header if name not in new_rows[0]]
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


def table_files(start: Path, separator: str, tables: Sequence[AnyTable]) -> list[tuple[Path, AnyTable]]:
    """The file of each table.

    Parameters
    ----------
    start : Path
        What the names begin with: ``OUT/sclimbic``, or a single image's ``OUT/name``.
    separator : {"_", "."}
        Stands between this and the table's own ending.
    tables : sequence of Table or FlagTable

    Returns
    -------
    list of (Path, Table or FlagTable)
    """
    return [(start.with_name(f"{start.name}{separator}{table.ending}"), table) for table in tables]


def write_tables(
    files: Sequence[tuple[Path, AnyTable]],
    outcomes: Sequence[Outcome],
    population: Population,
    *,
    update: bool = False,
    lock_timeout_s: float = LOCK_TIMEOUT_S,
    warn: Callable[[str], None] = logger.warning,
) -> list[Path]:
    """Write the tables of a cohort; they hold the cases that are done, and none is written without one.

    The table of flags holds the cases that failed, too.

    A file that is to be updated and is no table of this tool stays under another name, with a warning.

    Parameters
    ----------
    files : sequence of (Path, Table or FlagTable)
    outcomes : sequence of Outcome
    population : Population
        Norms for the z scores.
    update : bool
        Keep the rows of other cases that a table holds already: array jobs of one subject each fill it together.
    lock_timeout_s : float
        How long to wait for another job that updates the same table, seconds.
    warn : callable
        Is given each warning, one line.

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
        text = format_flag_table(outcomes) if isinstance(table, FlagTable) else format_table(table, rows, population)
        if not update:
            write_atomically(path, encode_text(text))
            continue
        try:
            with locked(lock_file_of(path), lock_timeout_s):
                write_atomically(path, encode_text(merge_rows(_read_rows_to_keep(path, warn), text)))
        except LockedError as error:
            which = f" ({error})" if str(error) else ""
            reason = f"locked by another job for {lock_timeout_s:g} s{which}"
            raise OSError(errno.EAGAIN, reason, str(path)) from error
    return [path for path, _ in files]


def lock_file_of(table: Path) -> Path:
    """The file that a job locks while it updates a table."""
    return table.with_name(f".{table.name}.lock")


def _read_rows_to_keep(path: Path, warn: Callable[[str], None]) -> str:
    """The text of a table that is to be updated; empty if there is none. Another file's content is kept elsewhere."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ""
    # Spreadsheet programs put a mark before the first name, and end lines in their own ways.
    text = content.decode("utf-8-sig", "surrogateescape").replace("\r\n", "\n").replace("\r", "\n")
    if is_table(text):
        return text
    copy = _write_copy(path, content)
    warn(
        f"{path}: is no table of this tool (comma-separated, first column 'case', no column twice), so no row could be "
        f"added to it; it is kept as {copy}, and a new table was begun: put its rows there if they are needed"
    )
    return ""


def _write_copy(path: Path, content: bytes) -> Path:
    """Write ``<name>.old``, or ``.old2`` and so on where there are earlier ones."""
    number = 1
    while True:
        copy = path.with_name(f"{path.name}.old{number if number > 1 else ''}")
        try:
            write_new(copy, content)
        except FileExistsError:
            number += 1
        else:
            return copy
