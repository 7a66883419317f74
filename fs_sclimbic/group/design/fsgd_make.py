"""Designs from a table of participants, such as BIDS' participants.tsv."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import numpy as np

from ...errors import DesignError
from ..text_table import DECIMAL_COMMA, MISSING, TextRow, finite_number, listed, read_cells
from .design import Design, GroupClass, Method

NO_CLASS = frozenset(("", "n/a", "na", "nan", "#n/a", "<na>", "null"))
"""Missing labels, in lower case. ``none`` is a label: a diagnosis may be none."""
ONE_CLASS = "Main"
"""The class of everybody, where no column tells classes apart."""
MANY_CLASSES = 10
MOST_LISTED = 10


@dataclass(frozen=True)
class Wanted:
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
    drop_missing: bool = False
    """Leave subjects out who lack a value; else they are an error."""
    title: str = ""
    demean: bool = False
    method: Method | None = None
    """Written into the FSGD as a tag; None: left to the command that reads it."""


def design_from_table(path: str | PathLike[str], wanted: Wanted) -> tuple[Design, tuple[str, ...]]:
    """Make a design from a table with a header and one row a subject.

    Parameters
    ----------
    path : path-like
        CSV, TSV or text with blanks. An empty cell, ``n/a``, ``NA`` or ``nan`` is a missing value.
    wanted : Wanted

    Returns
    -------
    Design
    tuple of str
        What was changed, left out or looks odd.

    Raises
    ------
    DesignError
        With all problems, one a line.
    """
    file = Path(path)
    rows = read_cells(file)
    header = _header(file, rows, wanted)
    body = _rows_by_subject(file, rows[1:], header, wanted)
    body, notices = _chosen(file, body, wanted)
    body, lacking = _complete(file, body, wanted)
    numbers, wrong = _numbers(file, body, wanted)
    if lacking and not wanted.drop_missing:
        wrong = [*lacking, f"{len(lacking)} subject(s) lack values; fill them in, or give --missing drop", *wrong]
    _raise(wrong)
    if lacking:
        notices += [*(f"{text}: left out" for text in lacking), f"{len(lacking)} left out, {len(body)} subjects stay"]
    labels, more = _labels(body, wanted)
    notices += more
    names, more = _class_order(labels, wanted)
    variables = tuple(_one_word(name) for name in wanted.variables)
    notices += more + _odd_variables(wanted.variables, variables, numbers)
    place = {name: index for index, name in enumerate(names)}
    design = Design(
        title=wanted.title,
        subjects=tuple(body),
        classes=tuple(GroupClass(name) for name in names),
        class_of=tuple(place[label] for label in labels),
        variables=variables,
        values=np.array(numbers, np.float64).reshape(len(body), len(variables)),
        method=wanted.method or "dods",
        demean=wanted.demean,
        method_in_file=wanted.method is not None,
    )
    if wanted.method:
        problems = design.size_problems()
        if problems:
            raise DesignError("\n".join(f"{file}: {text}" for text in problems.values()))
    elif replace(design, method="dods").size_problems():
        notices.append("a class is too small for dods, a slope in each class; fit it with doss, or give --method doss")
    return design, tuple(notices)


Row = dict[str, tuple[str, int]]
"""By column the cell, and the number of its line."""


def _header(file: Path, rows: Sequence[TextRow], wanted: Wanted) -> tuple[str, ...]:
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
        f"{file}:{row.line}: expected {len(header)} cells as in the header, found {len(row.cells)}"
        for row in rows[1:]
        if len(row.cells) != len(header)
    ]
    _raise(problems)
    return header


def _rows_by_subject(file: Path, rows: Iterable[TextRow], header: Sequence[str], wanted: Wanted) -> dict[str, Row]:
    """Rows by the names of the subjects; each is there, once and one word."""
    body: dict[str, Row] = {}
    lines: dict[str, int] = {}
    problems = []
    for row in rows:
        cells = dict(zip(header, row.cells, strict=True))
        name = cells[wanted.subject_column]
        if name.lower() in NO_CLASS:
            problems.append(f"{file}:{row.line}: no subject in column '{wanted.subject_column}', found '{name}'")
            continue
        if len(name.split()) > 1:
            problems.append(f"{file}:{row.line}: subject '{name}' holds a blank, which an FSGD cannot; rename it")
        name = name if name.startswith(wanted.subject_prefix) else f"{wanted.subject_prefix}{name}"
        if name in body:
            problems.append(
                f"{file}:{row.line}: subject '{name}' stands twice, first in line {lines[name]}; keep one row a subject"
            )
        lines.setdefault(name, row.line)
        body[name] = {column: (cell, row.line) for column, cell in cells.items()}
    _raise(problems)
    return body


def _chosen(file: Path, body: dict[str, Row], wanted: Wanted) -> tuple[dict[str, Row], list[str]]:
    """The subjects asked for, in that order."""
    if wanted.subjects is None:
        return body, []
    problems = [f"{file}: no subject '{name}', which is asked for" for name in wanted.subjects if name not in body]
    problems += [
        f"subject '{name}' is asked for {count} times" for name, count in Counter(wanted.subjects).items() if count > 1
    ]
    _raise(problems)
    others = len(body) - len(wanted.subjects)
    return {name: body[name] for name in wanted.subjects}, (
        [f"{others} subject(s) of {file} are not asked for and left out"] if others else []
    )


def _complete(file: Path, body: dict[str, Row], wanted: Wanted) -> tuple[dict[str, Row], list[str]]:
    """The subjects who have a value in every column that is used, and one line for each of the others."""
    told, kept = [], {}
    for name, row in body.items():
        missing = [column for column in wanted.class_columns if row[column][0].lower() in NO_CLASS]
        missing += [column for column in wanted.variables if row[column][0].lower() in MISSING | {""}]
        if missing:
            line = row[wanted.subject_column][1]
            told.append(f"{file}:{line}: subject '{name}' has no value of {', '.join(missing)}")
        else:
            kept[name] = row
    if not kept:
        used = ", ".join((*wanted.class_columns, *wanted.variables))
        raise DesignError(f"{file}: every subject lacks a value of {used}")
    return kept, told


def _numbers(file: Path, body: dict[str, Row], wanted: Wanted) -> tuple[list[list[float]], list[str]]:
    """Values of the variables, subjects x variables; and what is none."""
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
            problems.append(
                f"{file}:{line}: subject '{name}', variable '{column}': expected a number, found '{text[:40]}'{point}"
            )
    if problems:
        return [], problems
    return [[float(row[column][0]) for column in wanted.variables] for row in body.values()], []


def _labels(body: dict[str, Row], wanted: Wanted) -> tuple[list[str], list[str]]:
    """The class of each subject, and notices of labels that were changed or look odd."""
    if not wanted.class_columns:
        return [ONE_CLASS] * len(body), []
    notices: list[str] = []
    parts: list[list[str]] = []
    for column in wanted.class_columns:
        cells = [row[column][0] for row in body.values()]
        numbers = [finite_number(cell) for cell in cells]
        if all(number is not None for number in numbers):
            # A class called 1 makes a contrast like '2*1' unreadable; and 1.0 is 1.
            labels = [
                f"{_one_word(column)}{repr(number).removesuffix('.0')}" for number in numbers if number is not None
            ]
            levels = len(set(labels))
            notices.append(
                f"class column '{column}' holds numbers: {levels} classes, called {_some(labels)}"
                + ("; is it a variable?" if levels > MANY_CLASSES else "")
            )
        else:
            labels = [_one_word(cell) for cell in cells]
            changed = [f"'{old}' to '{new}'" for old, new in zip(cells, labels, strict=True) if old != new]
            if changed:
                notices.append(f"class column '{column}': blanks, commas and semicolons replaced, {_some(changed)}")
        notices += _nearly_the_same(column, labels)
        parts.append(labels)
    combined = ["_".join(labels) for labels in zip(*parts, strict=True)]
    origins: dict[str, set[tuple[str, ...]]] = {}
    for label, row in zip(combined, body.values(), strict=True):
        origins.setdefault(label, set()).add(tuple(row[column][0] for column in wanted.class_columns))
    _raise(
        f"class '{label}' would stand for {' and '.join('/'.join(cells) for cells in sorted(cells_of))}; rename one"
        for label, cells_of in origins.items()
        if len(cells_of) > 1 and not _are_equal_numbers(cells_of)
    )
    return combined, notices


def _are_equal_numbers(rows: Iterable[tuple[str, ...]]) -> bool:
    """Whether rows of cells differ only in how they write a number, 1 and 1.0."""
    return len({tuple(str(finite_number(cell) or cell) for cell in row) for row in rows}) == 1


def _nearly_the_same(column: str, labels: Sequence[str]) -> list[str]:
    alike: dict[str, list[str]] = {}
    for label in sorted(set(labels)):
        alike.setdefault(label.lower(), []).append(label)
    return [
        f"class column '{column}': {' and '.join(names)} differ in case only and are different classes"
        for names in alike.values()
        if len(names) > 1
    ]


def _class_order(labels: Sequence[str], wanted: Wanted) -> tuple[list[str], list[str]]:
    names = sorted(
        set(labels), key=lambda label: [(len(x), x) if x.isdigit() else (0, x) for x in re.split(r"(\d+)", label)]
    )
    if not wanted.class_order:
        return names, []
    order = list(dict.fromkeys(name if name in names else _one_word(name) for name in wanted.class_order))
    _raise(
        f"--class-order: no subject is in class '{name}'; the classes are {_some(names)}"
        for name in order
        if name not in names
    )
    _raise(
        f"--class-order: class '{name}' is not named; the classes are {_some(names)}"
        for name in names
        if name not in order
    )
    return order, []


def _odd_variables(columns: Sequence[str], names: Sequence[str], numbers: Sequence[Sequence[float]]) -> list[str]:
    notices = [f"variable '{old}' is called '{new}'" for old, new in zip(columns, names, strict=True) if old != new]
    for name, values in zip(names, zip(*numbers, strict=True), strict=False):
        levels = sorted(set(values))
        if len(levels) == 2:
            notices.append(
                f"variable '{name}' has two values, {levels[0]:g} and {levels[1]:g}; if they stand for groups, give it "
                "to --class-columns"
            )
    return notices


def _one_word(text: str) -> str:
    """A label as one word; commas and semicolons part names on command lines and rows of contrasts."""
    return re.sub(r"[\s,;]+", "_", text.strip())


def _some(texts: Sequence[str]) -> str:
    return listed(list(dict.fromkeys(texts)), MOST_LISTED)


def _raise(problems: Iterable[str]) -> None:
    found = list(problems)
    if found:
        raise DesignError("\n".join(found))
