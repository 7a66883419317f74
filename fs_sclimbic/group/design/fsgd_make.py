"""Designs from a table of participants, such as BIDS' participants.tsv."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from os import PathLike

import numpy as np

from ...errors import DesignError
from ..text_files import finite_number, listed
from .design import Design, GroupClass, variable_hints
from .fsgd import format_fsgd, parse_fsgd
from .odd_variables import class_doubts, impossible_values, variable_doubts
from .participants import DesignRequest, Row, raise_design_problems, read_participants
from .people import repetition_problem

ONE_CLASS_NAME = "Main"
"""The class of everybody, where no column tells classes apart."""
MAX_LIKELY_CLASSES = 10
MAX_LISTED = 10


@dataclass(frozen=True, eq=False)
class MadeFsgd:
    """An FSGD before it is written."""

    design: Design
    text: str
    notices: tuple[str, ...]
    """What was changed, left out or looks odd."""


def make_fsgd(path: str | PathLike[str], wanted: DesignRequest, name: str) -> MadeFsgd:
    """Make an FSGD from a table with a header and one row a subject.

    Parameters
    ----------
    path : path-like
        The table; see `design_from_table`.
    wanted : DesignRequest
    name : str
        The file that the text is for, for messages.

    Returns
    -------
    MadeFsgd

    Raises
    ------
    DesignError
        With all problems, one a line.
    """
    design, notices = design_from_table(path, wanted)
    text = format_fsgd(design)
    # Read as doss where no method is chosen: `design_from_table` says already what only dods forbids.
    _, warnings = parse_fsgd(text, name, wanted.method or "doss")
    repeated = repetition_problem(design.subjects, design.matrix)
    doubts = [*impossible_values(design), *class_doubts(design), *variable_doubts(design), *filter(None, [repeated])]
    return MadeFsgd(design, text, (*notices, *warnings, *variable_hints(design), *doubts))


def design_from_table(path: str | PathLike[str], wanted: DesignRequest) -> tuple[Design, tuple[str, ...]]:
    """Make a design from a table with a header and one row a subject.

    Parameters
    ----------
    path : path-like
        CSV, TSV or text with blanks. An empty cell, ``n/a``, ``NA`` or ``nan`` is a missing value.
    wanted : DesignRequest

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
    people = read_participants(path, wanted)
    body, numbers, notices = people.rows, people.numbers, list(people.notices)
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
            raise DesignError("\n".join(f"{path}: {text}" for text in problems.values()))
    elif replace(design, method="dods").size_problems():
        notices.append("a class is too small for dods, a slope in each class; fit it with doss, or give --method doss")
    return design, tuple(notices)


def _labels(body: dict[str, Row], wanted: DesignRequest) -> tuple[list[str], list[str]]:
    """The class of each subject, and notices of labels that were changed or look odd."""
    if not wanted.class_columns:
        return [ONE_CLASS_NAME] * len(body), []
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
                + ("; is it a variable?" if levels > MAX_LIKELY_CLASSES else "")
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
    raise_design_problems(
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


def _class_order(labels: Sequence[str], wanted: DesignRequest) -> tuple[list[str], list[str]]:
    names = sorted(
        set(labels), key=lambda label: [(len(x), x) if x.isdigit() else (0, x) for x in re.split(r"(\d+)", label)]
    )
    if not wanted.class_order:
        return names, []
    order = list(dict.fromkeys(name if name in names else _one_word(name) for name in wanted.class_order))
    raise_design_problems(
        f"--class-order: no subject is in class '{name}'; the classes are {_some(names)}"
        for name in order
        if name not in names
    )
    raise_design_problems(
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
    """A label as one word, also without commas and semicolons: these separate names and rows of contrasts."""
    return re.sub(r"[\s,;]+", "_", text.strip())


def _some(texts: Sequence[str]) -> str:
    return listed(list(dict.fromkeys(texts)), MAX_LISTED)
