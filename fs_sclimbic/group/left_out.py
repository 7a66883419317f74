"""What ratings exclude, found in a table and in a design: whole subjects, and single structures of a subject."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import TableError
from ..qc.exclusion import Exclusion
from .name_matching import DEFAULT_RULE, NameRule, find_names
from .text_files import listed
from .text_table import ETIV_NAMES, GroupTable


@dataclass(frozen=True, kw_only=True, eq=False)
class MarkedTable:
    """A table in which what ratings exclude is nan."""

    table: GroupTable
    """The row of an excluded subject is nan; else its excluded structures."""
    subjects: tuple[str, ...]
    """Excluded subjects, by the names of their rows."""
    cells: tuple[tuple[str, str], ...]
    """Subject and structure of each excluded value of another subject."""
    said: tuple[str, ...]
    """What was left out, and what the table does not have, in words."""
    doubts: tuple[str, ...] = ()
    """Those of them that may mean that something stays in unnoticed."""


def mark_excluded(table: GroupTable, exclusion: Exclusion, where: str, rule: NameRule = DEFAULT_RULE) -> MarkedTable:
    """Find what ratings exclude in a table.

    Parameters
    ----------
    table : GroupTable
    exclusion : Exclusion
    where : str
        The table's name, for messages.
    rule : NameRule
        How cases are looked for among the subjects.

    Returns
    -------
    MarkedTable

    Raises
    ------
    TableError
        If it is in doubt whose row a case is.
    """
    wanted = (*exclusion.cases, *exclusion.structures)
    sought = find_names(wanted, table.subjects, rule, where)
    if sought.problems:
        raise TableError("\n".join(f"{exclusion.source}: {problem}" for problem in sought.problems))
    place = {name: row for row, name in enumerate(table.subjects)}
    column = {name: index for index, name in enumerate(table.columns)}
    values = np.array(table.values)
    subjects = tuple(sought.found[case] for case in exclusion.cases if case in sought.found)
    cells, foreign = [], set[str]()
    for case, structures in exclusion.structures.items():
        for structure in structures if case in sought.found else ():
            if structure in column and structure not in ETIV_NAMES:
                cells.append((sought.found[case], structure))
            else:
                foreign.add(structure)
    for name in subjects:
        values[place[name]] = np.nan
    for name, structure in cells:
        values[place[name], column[structure]] = np.nan
    lost = [case for case in wanted if case not in sought.found]
    words = " or ".join(exclusion.words)
    said = [
        *([f"{len(subjects)} subject(s): {listed(subjects)}"] if subjects else []),
        *([f"{len(cells)} value(s): {listed([f'{a} {b}' for a, b in cells])}"] if cells else []),
    ]
    lines = [f"left out, as {exclusion.source} rates {words}: {'; '.join(said) or 'nothing'}"]
    if exclusion.disputed:
        n_disputed = len(exclusion.disputed)
        lines.append(f"another rater rates {n_disputed} of them otherwise: {listed(exclusion.disputed)}")
    if lost:
        lines.append(f"{len(lost)} case(s) that {exclusion.source} rates {words} are not in {where}: {listed(lost)}")
    doubts = []
    if exclusion.rated and not find_names(exclusion.rated, table.subjects, rule, where).found:
        doubts.append(
            f"none of the {len(exclusion.rated)} case(s) that {exclusion.source} rates is in {where}, such as "
            f"{exclusion.rated[0]}: these are ratings of another study, or names are written in another way (or the "
            "table was made without them)"
        )
    if foreign:
        doubts.append(f"{exclusion.source} excludes structures that {where} does not have: {listed(sorted(foreign))}")
    return MarkedTable(
        table=replace(table, values=values),
        subjects=subjects,
        cells=tuple(cells),
        said=(*lines, *doubts, *sought.notices),
        doubts=tuple(doubts),
    )


def check_missing(table: GroupTable, marked: MarkedTable, where: str) -> None:
    """Fail for values that are missing for another reason.

    Parameters
    ----------
    table : GroupTable
        As it was read.
    marked : MarkedTable
        What ratings exclude in it.
    where : str
        The table's name, for the message.

    Raises
    ------
    TableError
        With the values that no rating excludes.
    """
    excluded = set(marked.cells)
    wrong = [
        f"{table.subjects[row]} {table.columns[column]}"
        for row, column in np.argwhere(np.isnan(table.values))
        if table.subjects[row] not in marked.subjects and (table.subjects[row], table.columns[column]) not in excluded
    ]
    if wrong:
        raise TableError(
            f"{where}: missing values that no rating excludes: {listed(wrong)}; fill them in, or rate them"
        )


def without_excluded(marked: MarkedTable) -> GroupTable:
    """The table without the rows of excluded subjects.

    Parameters
    ----------
    marked : MarkedTable

    Returns
    -------
    GroupTable
        Excluded structures of other subjects are nan.

    Raises
    ------
    TableError
        If no subject is left.
    """
    table = marked.table
    kept = [row for row, name in enumerate(table.subjects) if name not in marked.subjects]
    if not kept:
        raise TableError("ratings exclude every subject of the table")
    return replace(table, subjects=tuple(table.subjects[row] for row in kept), values=table.values[kept])


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedPart:
    """What of a table and of a design a fit can take."""

    table: GroupTable
    """Without columns that are not analysed and hold nan."""
    rows: tuple[int, ...]
    """Rows of the design to leave out, from 0."""
    partly: tuple[str, ...]
    """Subjects of the table that are left out because of single structures, while others are fitted too."""
    said: tuple[str, ...]
    """Why, where it is not said yet."""


def choose_fitted(
    marked: MarkedTable,
    names: Sequence[str] | None,
    exclusion: Exclusion,
    *,
    columns: Collection[str] = (),
    exclude_columns: Collection[str] = (),
    rule: NameRule = DEFAULT_RULE,
) -> FittedPart:
    """Leave out of a design who has an excluded value in one of the analysed structures.

    A fit has one set of subjects for all its structures, as in mri_glmfit: one design, one dof.

    Parameters
    ----------
    marked : MarkedTable
    names : sequence of str or None
        Subjects of the design; None: its rows are those of the table.
    exclusion : Exclusion
    columns : collection of str
        Structures that are analysed; empty: all.
    exclude_columns : collection of str
        Structures that are not.
    rule : NameRule

    Returns
    -------
    FittedPart
    """
    table = marked.table
    analysed = [
        index
        for index, name in enumerate(table.columns)
        if name not in exclude_columns and (not columns or name in columns)
    ]
    gone = set(marked.subjects) | {
        name for name, row in zip(table.subjects, table.values[:, analysed], strict=True) if np.isnan(row).any()
    }
    if names is None:
        rows = tuple(row for row, name in enumerate(table.subjects) if name in gone)
    else:
        there = find_names(names, table.subjects, rule, "the table").found
        absent = set(find_names(exclusion.cases, tuple(names), rule, "the design").found.values())
        rows = tuple(row for row, name in enumerate(names) if there.get(name) in gone or name in absent)
    partly = tuple(sorted(gone - set(marked.subjects))) if len(analysed) > 1 else ()
    said = (
        f"{len(partly)} subject(s) are left out of the fit of all structures because of single ones: {listed(partly)}"
    )
    kept = [name for name in table.subjects if name not in gone]
    return FittedPart(table=known_columns(table, kept), rows=rows, partly=partly, said=(said,) if partly else ())


def known_columns(table: GroupTable, subjects: Collection[str]) -> GroupTable:
    """The table without columns in which one of some subjects has no value.

    Parameters
    ----------
    table : GroupTable
    subjects : collection of str

    Returns
    -------
    GroupTable
        With all rows; the same object where nothing is missing.
    """
    if not np.isnan(table.values).any():
        return table
    wanted = set(subjects)
    rows = [row for row, name in enumerate(table.subjects) if name in wanted]
    whole = [index for index in range(len(table.columns)) if not np.isnan(table.values[rows, index]).any()]
    return replace(table, columns=tuple(table.columns[index] for index in whole), values=table.values[:, whole])
