"""The subjects of a harmonisation: rows of a table, the site of each, and the values whose effects are kept."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import DesignError, TableError
from ...notice import Notice
from ..design.covariates import AS_CLASSES, SUBJECT_COLUMN, columns_of, read_values
from ..design.design import Design
from ..design.model import fsgd_model
from ..design.people import describe_people, repeated_people
from ..name_matching import DEFAULT_RULE, NameRule, find_names
from ..text_files import listed
from ..text_table import GroupTable, etiv_column
from .kept_columns import KeptValues

ETIV = "eTIV"
"""Among kept columns: eTIV of the table, where the participants have no such column."""
CLASS = "class"
"""Kept column of the classes of an FSGD."""


@dataclass(frozen=True, kw_only=True)
class SiteRequest:
    """Where sites and kept values come from."""

    participants: str
    site_column: str
    keep: tuple[str, ...] = ()
    """Columns of ``participants``; ``C(NAME)`` takes numbers for labels, ``eTIV`` may be the table's."""
    subject_column: str = SUBJECT_COLUMN
    fsgd: str | None = None
    """Its classes and variables are kept too, and its subjects are those of the study."""
    drop_missing: bool = False
    """Leave out subjects who lack a value; else they are an error."""
    names: NameRule = DEFAULT_RULE


@dataclass(frozen=True, eq=False, kw_only=True)
class SiteSubjects:
    """n subjects."""

    rows: tuple[int, ...]
    """Of the table, in its order."""
    sites: tuple[str, ...]
    """Of each subject."""
    kept_names: tuple[str, ...]
    values: KeptValues
    notices: tuple[Notice, ...]


def read_site_subjects(table: GroupTable, missing: Sequence[bool], request: SiteRequest) -> SiteSubjects:
    """Find the rows of a table among participants.

    Parameters
    ----------
    table : GroupTable
    missing : sequence of bool
        Rows that lack a value, which are left out.
    request : SiteRequest

    Returns
    -------
    SiteSubjects

    Raises
    ------
    DesignError
        If a subject has no participant or no value, or a person stands in several rows.
    TableError
        If eTIV is to be kept and is not there.
    """
    design = fsgd_model(request.fsgd).design if request.fsgd else None
    as_labels = [found["name"].strip() for word in request.keep if (found := AS_CLASSES.fullmatch(word))]
    keep = [found["name"].strip() if (found := AS_CLASSES.fullmatch(word)) else word for word in request.keep]
    if request.site_column in keep:
        raise DesignError(f"'{request.site_column}' cannot be the site and be kept; take it out of --keep")
    from_table = [name for name in keep if name == ETIV and ETIV not in columns_of(request.participants)]
    columns = [name for name in keep if name not in from_table]
    people = read_values(request.participants, (), subject_column=request.subject_column).subjects
    wanted = people if design is None else design.subjects
    sought = find_names(wanted, table.subjects, request.names, "the table")
    if sought.problems:
        raise DesignError("\n".join(sought.problems))
    person_of = {row: name for name, row in sought.found.items()}
    absent = [name for name in table.subjects if name not in person_of]
    lost = [name for name in wanted if name not in sought.found] if design else []
    notices = [Notice("note", text) for text in sought.notices]
    if (absent and design is None) or lost:
        names = lost or absent
        text = f"{request.fsgd} names" if lost else f"{request.participants} lacks"
        where = ", whom the table lacks" if lost else " of the table"
        if not request.drop_missing:
            raise DesignError(
                f"{text} {len(names)} subject(s){where}: {listed(names)}; mend it, or give --missing drop"
            )
        notices.append(Notice("warning", f"left out: {text} {listed(names)}{where}"))
    chosen = [name for name, gone in zip(table.subjects, missing, strict=True) if name in person_of and not gone]
    repeated = repeated_people(chosen)
    if repeated:
        raise DesignError(
            f"people stand in several rows: {describe_people(repeated)}; ComBat takes rows for different people: keep "
            "one row a person, as --session does"
        )
    read = read_values(
        request.participants,
        [request.site_column, *columns],
        subject_column=request.subject_column,
        subjects=[person_of[name] for name in chosen],
        drop_missing=request.drop_missing,
        as_labels=[request.site_column, *as_labels],
    )
    notices += [notice for notice in read.notices if "not asked for" not in notice.text]
    place = {name: row for row, name in enumerate(table.subjects)}
    row_of = {person: place[row] for row, person in person_of.items()}
    rows = tuple(row_of[name] for name in read.subjects)
    labels: dict[str, Sequence[str]] = {name: read.labels[name] for name in columns if name in read.labels}
    numbers = {name: read.numbers[name] for name in columns if name in read.numbers}
    if from_table:
        numbers[ETIV] = _head_sizes(table, rows)
    names = list(keep)
    if design is not None:
        names += _add_design(design, read.subjects, labels, numbers)
    return SiteSubjects(
        rows=rows,
        sites=read.labels[request.site_column],
        kept_names=tuple(dict.fromkeys(names)),
        values=KeptValues(labels, numbers),
        notices=tuple(notices),
    )


def _head_sizes(table: GroupTable, rows: Sequence[int]) -> NDArray[np.float64]:
    column = etiv_column(table)
    if column is None:
        raise TableError("there is no eTIV to keep: neither the table nor the participants have such a column")
    return np.asarray(table.values[list(rows), column])


def _add_design(
    design: Design,
    subjects: Sequence[str],
    labels: dict[str, Sequence[str]],
    numbers: dict[str, NDArray[np.float64]],
) -> list[str]:
    """Classes and variables of an FSGD among the kept values, and their names."""
    place = {name: row for row, name in enumerate(design.subjects)}
    rows = [place[name] for name in subjects]
    names = list[str]()
    if len(design.classes) > 1:
        labels[CLASS] = tuple(design.classes[design.class_of[row]].name for row in rows)
        names.append(CLASS)
    for index, name in enumerate(design.variables):
        numbers[name] = design.values[rows, index]
        names.append(name)
    return names
