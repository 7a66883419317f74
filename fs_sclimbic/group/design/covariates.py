"""Values of participants for a design: numbers as they are, text as labels, told apart by the column."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import DesignError
from ...notice import Notice
from ..text_files import DECIMAL_COMMA, finite_number, is_missing, read_cells
from .design import Design, GroupClass
from .odd_variables import impossible_values, label_doubt, variable_doubts
from .open_ranges import end_of_range
from .participants import DesignRequest, read_participants

Array = NDArray[np.float64]
SUBJECT_COLUMN = "participant_id"
AS_CLASSES = re.compile(r"C\((?P<name>[^()]+)\)")
"""A covariate written so has labels even where they are numbers."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PeopleValues:
    """Columns of a table of participants, for n subjects."""

    subjects: tuple[str, ...]
    labels: dict[str, tuple[str, ...]]
    """For each column of text n labels of one word."""
    numbers: dict[str, Array]
    """For each column of numbers (n,) values."""
    notices: tuple[Notice, ...]


def read_values(
    path: str | PathLike[str],
    columns: Sequence[str],
    *,
    subject_column: str = SUBJECT_COLUMN,
    subjects: Sequence[str] | None = None,
    drop_missing: bool = False,
    as_labels: Sequence[str] = (),
    how_to_drop: str = "take these subjects out of the design",
) -> PeopleValues:
    """Read columns of a table of participants.

    Parameters
    ----------
    path : path-like
        CSV or TSV, such as participants.tsv.
    columns : sequence of str
    subject_column : str
    subjects : sequence of str, optional
        Who is asked for, in this order; by default everybody.
    drop_missing : bool
        Leave out subjects who lack a value; else they are an error.
    as_labels : sequence of str
        Columns whose numbers stand for groups.
    how_to_drop : str
        What the user does to leave out subjects who lack a value, for messages.

    Returns
    -------
    PeopleValues
        A column of which most values that are not missing are numbers is one of numbers; then every value must be.

    Raises
    ------
    DesignError
        With all problems, one a line.
    """
    numeric = [name for name in columns if name not in as_labels and _is_numeric(path, name)]
    text = [name for name in columns if name not in numeric]
    request = DesignRequest(
        subject_column=subject_column,
        class_columns=tuple(text),
        variables=tuple(numeric),
        subjects=None if subjects is None else tuple(subjects),
        drop_missing=drop_missing,
        how_to_drop=how_to_drop,
        how_to_cap=f"a range; write its end for a number, or {how_to_drop}",
    )
    people = read_participants(path, request)
    names = tuple(people.rows)
    values = np.array(people.numbers, np.float64).reshape(len(names), len(numeric))
    checked = Design(
        title="", subjects=names, classes=(GroupClass("Main"),), class_of=(0,) * len(names), variables=tuple(numeric),
        values=values,
    )  # fmt: skip
    problems = impossible_values(checked)
    if problems:
        raise DesignError("\n".join(f"{path}: {problem}" for problem in problems))
    told = [text for text in people.notices if "not asked for" not in text]  # they are not, on purpose
    doubts = [text.replace("fsgd make --class-columns", "C(NAME)") for text in variable_doubts(checked)]
    labels = {name: tuple(_label(row[name][0]) for row in people.rows.values()) for name in text}
    doubts += [doubt for name, found in labels.items() if (doubt := label_doubt(name, found))]
    return PeopleValues(
        subjects=names,
        labels=labels,
        numbers=dict(zip(numeric, values.T, strict=True)),
        notices=(*(Notice("note", text) for text in told), *(Notice("warning", text) for text in doubts)),
    )


def columns_of(path: str | PathLike[str]) -> tuple[str, ...]:
    """The header of a table of participants; empty for an empty file."""
    rows = read_cells(Path(path))
    return rows[0].cells if rows else ()


def _is_numeric(path: str | PathLike[str], column: str) -> bool:
    """Whether most cells of a column that hold a value are numbers."""
    header = columns_of(path)
    if column not in header:
        return False
    place = header.index(column)
    cells = [row.cells[place] for row in read_cells(Path(path))[1:] if len(row.cells) > place]
    cells = [cell for cell in cells if not is_missing(cell)]
    return sum(map(_is_meant_as_number, cells)) * 2 > len(cells)


def _is_meant_as_number(cell: str) -> bool:
    """Also ``24,5`` and ``89+``, which are told as errors then; as labels each would have a column of its own."""
    return finite_number(cell) is not None or bool(DECIMAL_COMMA.fullmatch(cell) or end_of_range(cell))


def _label(cell: str) -> str:
    """A label as one word, a number without the zeros at its end."""
    number = finite_number(cell)
    return repr(number).removesuffix(".0") if number is not None else re.sub(r"[\s,;]+", "_", cell.strip())


def covariate_columns(values: PeopleValues, columns: Sequence[str]) -> tuple[tuple[str, ...], Array]:
    """Columns of a design that adjust for covariates, each centred on its mean.

    Parameters
    ----------
    values : PeopleValues
        Of n subjects.
    columns : sequence of str
        Which of them, in this order.

    Returns
    -------
    names : tuple of str
        A number has its own name; of labels each but the first has one, as ``sex[M]``.
    matrix : (n, k) array
        Centred, so that the other columns of a design keep their meaning: the average subject.

    Raises
    ------
    DesignError
        If a covariate is the same for everybody.
    """
    names, parts = list[str](), list[Array]()
    for name in columns:
        if name in values.numbers:
            found = [(name, values.numbers[name])]
        else:
            labels = np.array(values.labels[name])
            found = [
                (f"{name}[{level}]", (labels == level).astype(float)) for level in sorted(set(labels.tolist()))[1:]
            ]
        if not found or np.ptp(found[0][1]) == 0:
            raise DesignError(f"covariate '{name}' is the same for every subject and tells nothing; leave it out")
        for column, part in found:
            names.append(column)
            parts.append(part - part.mean())
    return tuple(names), np.column_stack(parts) if parts else np.zeros((len(values.subjects), 0))
