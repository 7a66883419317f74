"""Group tables: one row a subject, one column a structure, as asegstats2table, this package or a spreadsheet writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import TableError
from .entity_columns import join_entity_columns
from .text_files import (
    DECIMAL_COMMA,
    TextRow,
    finite_number,
    is_missing,
    raise_problems,
    read_cells,
    shortened,
)

ETIV_NAMES = ("EstimatedTotalIntraCranialVol", "eTIV")
"""Names of the eTIV column: asegstats2table's and mri_sclimbic_seg's; upper and lower case count, as in mri_glmfit."""

DELIMITERS = {"tab": "\t", "comma": ",", "space": " ", "semicolon": ";"}


@dataclass(frozen=True)
class GroupTable:
    """Values of subjects, for a group analysis."""

    measure: str
    """First cell of the header, such as ``Measure:volume`` or ``case``."""
    subjects: tuple[str, ...]
    """Names of the rows."""
    columns: tuple[str, ...]
    """Names of the structures, and of eTIV where there is one."""
    values: NDArray[np.float64]
    """Shape (subjects, columns); mm^3 for volumes."""


def read_group_table(path: str | PathLike[str], *, missing_ok: bool = False) -> GroupTable:
    """Read a table of subjects x structures.

    Tabs, commas, semicolons or blanks between the cells are told apart by content, not by the file's ending.
    Quotes, blanks beside a delimiter, CRLF and blank lines are fine. Numbers are read as float64.

    Parameters
    ----------
    path : path-like
        Of ``asegstats2table``, ``fs_sclimbic table``, ``sclimbic_volumes_all.csv`` or a spreadsheet's CSV or TSV. A
        table of BIDS with the columns participant_id, session_id ... has rows called ``sub-01_ses-1``.
    missing_ok : bool
        Take an empty cell, ``n/a`` and the like for nan.

    Returns
    -------
    GroupTable
        With rows and columns in the order of the file.

    Raises
    ------
    TableError
        With file and line, one line a problem: a cell that is missing, too many or no finite number, a name that
        is missing or stands twice, no row, no column, structures in the rows. A column without any number is one
        problem.
    """
    file = Path(path)
    rows = join_entity_columns(read_cells(file))
    if not rows:
        raise TableError(f"{file}: the table is empty; expected a header 'Measure:volume NAME ...' and a row a subject")
    header, body = rows[0], rows[1:]
    if len(header.cells) < 2:
        raise TableError(
            f"{file}:{header.line}: expected a header 'Measure:volume NAME ...' with a column a structure, "
            f"found '{shortened(header.cells[0])}'"
        )
    if not body:
        raise TableError(f"{file}: holds a header and no subject; expected one row a subject")
    if all(len(row.cells) == len(header.cells) + 1 for row in body):  # R's write.table does that
        raise TableError(
            f"{file}:{header.line}: the header has {len(header.cells)} cells and each row {len(header.cells) + 1}; "
            "put a name for the first column in front, such as 'Measure:volume'"
        )
    columns, subjects = header.cells[1:], tuple(row.cells[0] for row in body)
    problems = _name_problems(file, "column", [(header.line, name) for name in columns])
    if not problems and _is_transposed(subjects, columns):
        raise TableError(
            f"{file}:{body[0].line}: the rows are structures ('{subjects[0]}' ...) and the columns subjects; expected "
            "a row a subject: make the table without --transpose, which also rounds to 6 digits"
        )
    problems += _name_problems(file, "subject", [(row.line, row.cells[0]) for row in body])
    values = np.zeros((len(body), len(columns)))
    without, lines = _without_numbers(file, columns, body)
    problems += lines
    for number, row in enumerate(body):
        if len(row.cells) != len(header.cells):
            problems.append(
                f"{file}:{row.line}: expected {len(header.cells)} cells as in the header (name and "
                f"{len(columns)} values), found {len(row.cells)} for '{shortened(row.cells[0])}'"
            )
            continue
        for column, cell in enumerate(row.cells[1:]):
            value = finite_number(cell)
            if value is None and missing_ok and is_missing(cell):
                value = np.nan
            if value is None and column in without:
                continue
            if value is None:
                where = f"{file}:{row.line}: subject '{shortened(row.cells[0])}', column '{columns[column]}'"
                problems.append(f"{where}: {_why_not_a_number(cell)}")
            else:
                values[number, column] = value
    raise_problems(problems)
    return GroupTable(header.cells[0] or "subject", subjects, columns, values)


def _without_numbers(file: Path, columns: Sequence[str], rows: Sequence[TextRow]) -> tuple[set[int], list[str]]:
    """Columns of which no cell is a number, and one line on each; of a single row its cell says enough."""
    whole = [row for row in rows if len(row.cells) == len(columns) + 1]
    found: set[int] = set()
    problems = []
    for index, name in enumerate(columns):
        if len(whole) < 2 or any(finite_number(row.cells[index + 1]) is not None for row in whole):
            continue
        cells = [(row.line, row.cells[index + 1]) for row in whole]
        line, cell = next(((line, cell) for line, cell in cells if not is_missing(cell)), cells[0])
        sample = f"'{shortened(cell)}' in line {line} ..."
        if is_missing(cell):
            problem = f"holds no number: {sample}; leave the column out or fill it in"
        elif DECIMAL_COMMA.fullmatch(cell):
            problem = f"holds no number: {sample}; write numbers with a decimal point"
        else:
            problem = f"holds text: {sample}; this does not look like a table of volumes"
        found.add(index)
        problems.append(f"{file}: column '{shortened(name)}' {problem}")
    return found, problems


def _why_not_a_number(cell: str) -> str:
    if not cell:
        found = "found an empty cell"
    elif is_missing(cell):
        found = f"found '{cell}', a missing value"
    elif DECIMAL_COMMA.fullmatch(cell):
        found = f"found '{cell}'; write it with a decimal point"
    else:
        return f"expected a finite number, found '{shortened(cell)}'"
    return f"expected a finite number, {found}" + ("" if "," in cell else "; leave the subject out or fill it in")


def _name_problems(file: Path, kind: str, names: Sequence[tuple[int, str]]) -> list[str]:
    """What is wrong with names: each is there, and once."""
    first: dict[str, int] = {}
    problems = []
    for number, (line, name) in enumerate(names, 1):
        if not name:
            problems.append(f"{file}:{line}: {kind} {number} has no name")
        elif name in first:
            where = "" if first[name] == line else f", first in line {first[name]}"
            problems.append(f"{file}:{line}: {kind} '{name}' stands twice{where}; remove or rename one")
        first.setdefault(name, line)
    return problems


def _is_transposed(rows: Sequence[str], columns: Sequence[str]) -> bool:
    """Whether structures stand in the rows: eTIV does, or both sides of one, and none in the columns."""

    def of_structures(names: Sequence[str]) -> bool:
        known = set(names)
        return bool(known & set(ETIV_NAMES)) or any(
            name.startswith("Left-") and f"Right-{name[5:]}" in known for name in names
        )

    return of_structures(rows) and not of_structures(columns)


def etiv_column(table: GroupTable) -> int | None:
    """Index of the eTIV column, wherever it stands; None without one.

    Raises
    ------
    TableError
        If there are two.
    """
    found = [index for index, name in enumerate(table.columns) if name in ETIV_NAMES]
    if len(found) > 1:
        raise TableError(
            f"the table has {len(found)} columns of eTIV ({', '.join(table.columns[index] for index in found)}); "
            "keep one of them"
        )
    return found[0] if found else None


def holds_volumes(table: GroupTable) -> bool:
    """Whether the values may be volumes: the header names no other measure."""
    return not table.measure.startswith("Measure:") or table.measure == "Measure:volume"


def format_group_table(
    table: GroupTable, delimiter: str = "tab", *, transpose: bool = False, missing: str = "nan"
) -> str:
    r"""The text of a table as asegstats2table writes it.

    Parameters
    ----------
    table : GroupTable
    delimiter : {'tab', 'comma', 'space', 'semicolon'}
    transpose : bool
        Structures in rows, with 6 digits a value: to look at, not for an analysis.
    missing : str
        What stands where a value is nan.

    Returns
    -------
    str
        Values as the shortest text that gives the same float64 again (transposed: ``%g``).

    Raises
    ------
    TableError
        If a name is empty or holds the delimiter, a quote or a line break.

    Examples
    --------
    >>> table = GroupTable("Measure:volume", ("bert",), ("A", "eTIV"), np.array([[412.0, 1640017.851257]]))
    >>> format_group_table(table, "comma")
    'Measure:volume,A,eTIV\nbert,412.0,1640017.851257\n'
    """
    sign = DELIMITERS[delimiter]
    # Without a sign that cannot stand in a name, a comma in the header would be taken for the delimiter.
    reserved = set('\t,; \n\r"' if delimiter == "space" else f'{sign}\n\r"')
    for name in (table.measure, *table.columns, *table.subjects):
        if not name or reserved & set(name):
            raise TableError(
                f"name '{shortened(name)}' cannot stand in a table with {delimiter} as delimiter; choose another "
                "delimiter, or rename it"
            )
    if transpose:
        heads, names, cells = table.subjects, table.columns, table.values.T.tolist()
        lines = [
            [name, *(f"{value:g}" if value == value else missing for value in row)]
            for name, row in zip(names, cells, strict=True)
        ]
    else:
        heads, names, cells = table.columns, table.subjects, table.values.tolist()
        lines = [
            [name, *(repr(value) if value == value else missing for value in row)]
            for name, row in zip(names, cells, strict=True)
        ]
    return "".join(f"{sign.join(line)}\n" for line in [[table.measure, *heads], *lines])


def notes_for_readers(table: GroupTable, path: str, delimiter: str) -> list[str]:
    """What will keep mri_glmfit from reading a table.

    Parameters
    ----------
    table : GroupTable
    path : str
        File that the table is written to.
    delimiter : {'tab', 'comma', 'space', 'semicolon'}

    Returns
    -------
    list of str
    """
    notes = []
    fitting = ("comma",) if path.lower().endswith(".csv") else ("tab", "space")
    if delimiter not in fitting:
        notes.append(
            f"{path} has {delimiter} as delimiter: mri_glmfit expects {' or '.join(fitting)} in a file "
            "of this name, and refuses it; fs_sclimbic glm takes it"
        )
    if any(len(name.split()) != 1 for name in (*table.subjects, *table.columns)):
        notes.append("a name holds a blank: mri_glmfit cannot read such a table")
    if np.isnan(table.values).any():
        notes.append("values are missing: mri_glmfit does not read such a table")
    return notes
