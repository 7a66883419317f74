"""A table of participants, such as BIDS' participants.tsv: who is in a study, with which values."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from ...errors import DesignError
from ..name_matching import DEFAULT_RULE, NameRule, find_names
from ..text_files import (
    DECIMAL_COMMA,
    MISSING_VALUES,
    TextRow,
    displayable,
    finite_number,
    listed,
    read_cells,
    shortened,
)
from .design import Method
from .open_ranges import end_of_range
from .sessions import SESSION_COLUMN, rows_of_session

MISSING_LABELS = frozenset(("", "n/a", "na", "nan", "#n/a", "<na>", "null"))
"""Missing labels, in lower case. ``none`` is a label: a diagnosis may be none."""


@dataclass(frozen=True)
class DesignRequest:
    """Which columns of the table make the design, and how."""

    subject_column: str
    class_columns: tuple[str, ...] = ()
    """Their labels joined by ``_`` make the classes; none: all subjects are in one class."""
    variables: tuple[str, ...] = ()
    class_order: tuple[str, ...] = ()
    """Names of the classes in the order of the columns of X; empty: sorted."""
    subjects: tuple[str, ...] | None = None
    """Who is in the design, in this order; None: everybody, in the order of the table."""
    subject_prefix: str = ""
    """Put before each name that does not begin with it, such as ``sub-``."""
    session: str | None = None
    """Only values of this session; put behind each name, as ``_ses-1``. Without ``ses-``."""
    names: NameRule = DEFAULT_RULE
    """How ``subjects`` are found in the table."""
    drop_missing: bool = False
    """Leave out subjects who lack a value; else they are an error."""
    how_to_drop: str = "give --missing drop"
    """What the user does to leave out subjects who lack a value, for messages."""
    how_to_cap: str = "a range; give --missing cap to take its end, or --missing drop to leave the subject out"
    """What a cell like ``89+`` is, and what the user does about it, for messages."""
    cap_ranges: bool = False
    """Take 89 for ``89+``; else such a cell is an error, or with ``drop_missing`` a missing value."""
    title: str = ""
    demean: bool = False
    method: Method | None = None
    """Written into the FSGD as a tag; None: left to the command that reads it."""


Row = dict[str, tuple[str, int]]
"""For each column the cell and the number of its line."""


@dataclass(frozen=True)
class Participants:
    """The subjects of a design, with every value that it needs."""

    rows: dict[str, Row]
    """By the subject's name, in the order of the design."""
    numbers: list[list[float]]
    """Values of the variables, subjects x variables."""
    notices: tuple[str, ...]
    """Who was left out."""


def read_participants(path: str | PathLike[str], wanted: DesignRequest) -> Participants:
    """Read the subjects and values of a design from a table with a header and one row a subject.

    Parameters
    ----------
    path : path-like
        CSV, TSV or text with blanks.
    wanted : DesignRequest

    Returns
    -------
    Participants

    Raises
    ------
    DesignError
        With all problems, one a line.
    """
    file = Path(path)
    rows, notices = _decoded(file, read_cells(file))
    if wanted.session is not None:
        used = (*wanted.class_columns, *wanted.variables)
        rows, more = rows_of_session(file, rows, wanted.session, wanted.subject_column, used)
        notices += more
    header = _header(file, rows, wanted)
    body = _rows_by_subject(file, rows[1:], header, wanted)
    body, more = _chosen(file, body, wanted)
    notices += more
    body, more = _capped(file, body, wanted)
    notices += more
    body, lacking = _complete(file, body, wanted)
    numbers, wrong = _numbers(file, body, wanted)
    if lacking and not wanted.drop_missing:
        wrong = [*lacking, f"{len(lacking)} subject(s) lack values; fill them in, or {wanted.how_to_drop}", *wrong]
    raise_design_problems(wrong)
    if lacking:
        notices += [*(f"{text}: left out" for text in lacking), f"{len(lacking)} left out, {len(body)} subjects stay"]
    return Participants(body, numbers, tuple(notices))


def _decoded(file: Path, rows: Sequence[TextRow]) -> tuple[list[TextRow], list[str]]:
    """Rows of a file that is not UTF-8 as Windows-1252, which spreadsheets write, and what to say about it."""
    decoded = [TextRow(row.line, tuple(map(displayable, row.cells))) for row in rows]
    pairs = [
        (new.line, before, cell)
        for old, new in zip(rows, decoded, strict=True)
        for before, cell in zip(old.cells, new.cells, strict=True)
        if before != cell
    ]
    raise_design_problems(
        f"{file}:{line}: '{shortened(cell)}' is neither UTF-8 nor Windows-1252; save the table as CSV (UTF-8)"
        for line, before, cell in pairs
        if cell.count("?") > before.count("?")
    )
    if not pairs:
        return decoded, []
    line, _, cell = pairs[0]
    return decoded, [
        f"{file}: is not UTF-8; it is read as Windows-1252, with '{shortened(cell)}' in line {line}; save the table as "
        "CSV (UTF-8) if that is wrong"
    ]


def raise_design_problems(problems: Iterable[str]) -> None:
    """Raise a DesignError of all problems, one a line; nothing without one."""
    found = list(problems)
    if found:
        raise DesignError("\n".join(found))


def _header(file: Path, rows: Sequence[TextRow], wanted: DesignRequest) -> tuple[str, ...]:
    if len(rows) < 2:
        raise DesignError(f"{file}: expected a header and one row a subject, found {len(rows)} line(s)")
    header = rows[0].cells
    asked = (wanted.subject_column, *wanted.class_columns, *wanted.variables)
    problems = [
        f"{file}:{rows[0].line}: no column '{name}'; the columns are {', '.join(header)}"
        + ("; name that of the subjects with --subject-column" if name == wanted.subject_column else "")
        for name in dict.fromkeys(asked)
        if name not in header
    ]
    problems += [
        f"{file}:{rows[0].line}: column '{name}' stands twice; rename one"
        for name in dict.fromkeys(asked)
        if header.count(name) > 1
    ]
    problems += [
        f"column '{name}' is asked for more than once; give it as subject, class or variable"
        for name, count in Counter(asked).items()
        if count > 1
    ]
    problems += [
        f"{file}:{row.line}: expected {len(header)} cells as in the header, found {len(row.cells)}{_blanks(row)}"
        for row in rows[1:]
        if len(row.cells) != len(header)
    ]
    raise_design_problems(problems)
    return header


def _blanks(row: TextRow) -> str:
    """A hint, if a cell holds blanks that may stand for a delimiter."""
    cell = next((cell for cell in row.cells if "  " in cell), "")
    return f"; '{shortened(cell)}' holds blanks, is a delimiter missing?" if cell else ""


def _rows_by_subject(
    file: Path, rows: Iterable[TextRow], header: Sequence[str], wanted: DesignRequest
) -> dict[str, Row]:
    """Rows by the names of the subjects; each is there, once and one word."""
    body: dict[str, Row] = {}
    lines: dict[str, int] = {}
    problems = []
    for row in rows:
        cells = dict(zip(header, row.cells, strict=True))
        name = cells[wanted.subject_column]
        if name.lower() in MISSING_LABELS:
            problems.append(f"{file}:{row.line}: no subject in column '{wanted.subject_column}', found '{name}'")
            continue
        if len(name.split()) > 1:
            problems.append(f"{file}:{row.line}: subject '{name}' holds a blank, which an FSGD cannot; rename it")
        name = name if name.startswith(wanted.subject_prefix) else f"{wanted.subject_prefix}{name}"
        if wanted.session is not None:
            name = f"{name}_ses-{wanted.session}"
        if name in body:
            hint = ", or choose a session with --session" if SESSION_COLUMN in header and wanted.session is None else ""
            problems.append(
                f"{file}:{row.line}: subject '{name}' stands twice, first in line {lines[name]}; keep one row a "
                f"subject{hint}"
            )
        lines.setdefault(name, row.line)
        body[name] = {column: (cell, row.line) for column, cell in cells.items()}
    raise_design_problems(problems)
    return body


def _chosen(file: Path, body: dict[str, Row], wanted: DesignRequest) -> tuple[dict[str, Row], list[str]]:
    """The subjects asked for, in that order."""
    if wanted.subjects is None:
        return body, []
    sought = find_names(wanted.subjects, list(body), wanted.names, str(file))
    found = sought.found
    raise_design_problems(sought.problems)
    problems = [f"{file}: no subject '{name}', which is asked for" for name in wanted.subjects if name not in found]
    problems += [
        f"subject '{name}' is asked for {count} times" for name, count in Counter(wanted.subjects).items() if count > 1
    ]
    raise_design_problems(problems)
    others = len(body) - len(wanted.subjects)
    notices = [f"{others} subject(s) of {file} are not asked for and left out"] if others else []
    notices += sought.notices
    return {name: body[found[name]] for name in wanted.subjects}, notices


def _capped(file: Path, body: dict[str, Row], wanted: DesignRequest) -> tuple[dict[str, Row], list[str]]:
    """Rows with the ends of open ranges for their values, where that is asked for, and a line on each variable."""
    if not wanted.cap_ranges:
        return body, []
    notices, changed = [], {name: dict(row) for name, row in body.items()}
    for column in wanted.variables:
        ends = {name: end for name, row in body.items() if (end := end_of_range(row[column][0]))}
        for name, end in ends.items():
            changed[name][column] = (end, body[name][column][1])
        if ends:
            cells = [f"{name} ({body[name][column][0]})" for name in ends]
            notices.append(
                f"{file}: variable '{column}' is capped, so that its slope is doubtful there: {listed(cells)}"
            )
    return changed, notices


def _complete(file: Path, body: dict[str, Row], wanted: DesignRequest) -> tuple[dict[str, Row], list[str]]:
    """The subjects who have a value in every column that is used, and one line for each of the others."""
    told, kept = [], {}
    for name, row in body.items():
        missing = [column for column in wanted.class_columns if row[column][0].lower() in MISSING_LABELS]
        missing += [column for column in wanted.variables if row[column][0].lower() in MISSING_VALUES | {""}]
        if wanted.drop_missing:
            missing += [f"{column} ({row[column][0]})" for column in wanted.variables if end_of_range(row[column][0])]
        if missing:
            line = row[wanted.subject_column][1]
            told.append(f"{file}:{line}: subject '{name}' has no value of {', '.join(missing)}")
        else:
            kept[name] = row
    if not kept:
        used = ", ".join((*wanted.class_columns, *wanted.variables))
        raise DesignError(f"{file}: every subject lacks a value of {used}")
    return kept, told


def _numbers(file: Path, body: dict[str, Row], wanted: DesignRequest) -> tuple[list[list[float]], list[str]]:
    """Values of the variables, subjects x variables; and problems with cells that are not numbers."""
    problems = []
    for column in wanted.variables:
        cells = [(name, *row[column]) for name, row in body.items()]
        wrong = [cell for cell in cells if finite_number(cell[1]) is None]
        words = [cell for cell in wrong if not re.match(r"[+-]?[\d.]", cell[1])]
        if len(words) * 2 > len(cells):
            texts = ", ".join(f"'{text}'" for text in list(dict.fromkeys(text for _, text, _ in words))[:3])
            problems.append(
                f"{file}:{words[0][2]}: variable '{column}' holds text ({texts}); give it to --class-columns instead"
            )
            continue
        for name, text, line in wrong:
            point = "; write it with a decimal point" if DECIMAL_COMMA.fullmatch(text) else ""
            point = f", {wanted.how_to_cap}" if end_of_range(text) else point
            problems.append(
                f"{file}:{line}: subject '{name}', variable '{column}': expected a number, found '{text[:40]}'{point}"
            )
    if problems:
        return [], problems
    return [[float(row[column][0]) for column in wanted.variables] for row in body.values()], []
