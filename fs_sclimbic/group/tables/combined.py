"""Tables of both sides together: sums, differences of left and right, groups of structures."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import TableError
from ...notice import Notice
from ..text_files import listed, read_text
from ..text_table import ETIV_NAMES, GroupTable, holds_volumes

Array = NDArray[np.float64]
Way = Literal["bilateral", "laterality"]
WAYS: tuple[Way, ...] = ("bilateral", "laterality")
LATERALITY = "Measure:laterality"
"""First cell of a table of 2 (L - R) / (L + R), which has no unit."""
SUMMABLE = ("Measure:volume", "Measure:nvoxels")
SIDE = re.compile(r"(?P<before>|ctx-)(?P<side>Left|Right|lh|rh)(?P<sign>[-_.])(?P<name>.+)")
LEFT_SIDES = ("Left", "lh")


@dataclass(frozen=True)
class StructureGroup:
    """Structures whose values are added up."""

    name: str
    structures: tuple[str, ...]


def read_groups(path: str | PathLike[str]) -> tuple[StructureGroup, ...]:
    """Read groups of structures from a text file.

    Parameters
    ----------
    path : path-like
        A line a group, ``NAME = STRUCTURE + STRUCTURE ...``; lines that begin with # are comments.

    Returns
    -------
    tuple of StructureGroup

    Raises
    ------
    TableError
        With file and line, one line a problem.
    """
    file, groups, problems = Path(path), list[StructureGroup](), list[str]()
    for number, line in enumerate(read_text(file).split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, rest = (part.strip() for part in line.partition("="))
        parts = tuple(part.strip() for part in rest.split("+"))
        if not equals or not name or not all(parts) or len(name.split()) > 1:
            problems.append(
                f"{file}:{number}: expected 'NAME = STRUCTURE + STRUCTURE ...' with a name of one word, found "
                f"'{line.strip()[:60]}'"
            )
        elif len(set(parts)) < len(parts):
            problems.append(f"{file}:{number}: group '{name}' names a structure twice")
        elif name in [group.name for group in groups]:
            problems.append(f"{file}:{number}: a second group '{name}'; rename one")
        else:
            groups.append(StructureGroup(name, parts))
    if not groups and not problems:
        problems.append(f"{file}: holds no group; expected lines 'NAME = STRUCTURE + STRUCTURE ...'")
    if problems:
        raise TableError("\n".join(problems))
    return tuple(groups)


def combined_table(
    table: GroupTable, way: Way | None, groups_file: str | None
) -> tuple[GroupTable, tuple[Notice, ...]]:
    """A table with groups of structures added up, then both sides combined, as far as that is asked for.

    Parameters
    ----------
    table : GroupTable
    way : {'bilateral', 'laterality'}, optional
    groups_file : str, optional

    Returns
    -------
    GroupTable
    tuple of Notice
        What is left out, and what is doubtful.

    Raises
    ------
    TableError
        As `read_groups`, `add_up_groups` and `combine_sides`.
    """
    notes: tuple[Notice, ...] = ()
    if groups_file:
        table, notes = add_up_groups(table, read_groups(groups_file))
    if way:
        table, more = combine_sides(table, way)
        notes = (*notes, *more)
    return table, notes


def add_up_groups(table: GroupTable, groups: Sequence[StructureGroup]) -> tuple[GroupTable, tuple[Notice, ...]]:
    """A table of groups of structures; eTIV is kept.

    Parameters
    ----------
    table : GroupTable
        Of volumes or numbers of voxels.
    groups : sequence of StructureGroup

    Returns
    -------
    GroupTable
        A column a group, then eTIV.
    tuple of Notice
        What is left out.

    Raises
    ------
    TableError
        If a structure is not in the table, or its values cannot be added up.
    """
    _refuse_other_measures(table)
    unknown = [name for group in groups for name in group.structures if name not in table.columns]
    if unknown:
        raise TableError(
            f"groups name structures that the table lacks: {listed(list(dict.fromkeys(unknown)))}; it has "
            f"{listed(table.columns, 100)}"
        )
    place = {name: index for index, name in enumerate(table.columns)}
    kept = [name for name in table.columns if name in ETIV_NAMES]
    columns = [table.values[:, [place[name] for name in group.structures]].sum(axis=1) for group in groups]
    used = {name for group in groups for name in group.structures}
    left_out = [name for name in table.columns if name not in used and name not in kept]
    notes = [Notice("note", f"in no group and left out: {listed(left_out)}")] if left_out else []
    notes += _zeros(table, sorted(used, key=table.columns.index))
    names = (*(group.name for group in groups), *kept)
    values = np.column_stack([*columns, *(table.values[:, place[name]] for name in kept)])
    return replace(table, columns=names, values=values), tuple(notes)


def combine_sides(table: GroupTable, way: Way) -> tuple[GroupTable, tuple[Notice, ...]]:
    """A table of both sides of each structure; eTIV is kept.

    Parameters
    ----------
    table : GroupTable
        Of volumes or numbers of voxels, with columns such as ``Left-Fornix`` and ``Right-Fornix``.
    way : {'bilateral', 'laterality'}
        The sum of both sides, ``Bilateral-Fornix``, beside structures without a side; or 2 (L - R) / (L + R),
        ``Laterality-Fornix``: above 0 where the left side is larger, between -2 and 2.

    Returns
    -------
    GroupTable
    tuple of Notice
        What is left out, and what is combined from a structure that was not found.

    Raises
    ------
    TableError
        If no structure has two sides, the values cannot be added up, or both sides are 0.
    """
    _refuse_other_measures(table)
    sides = {name: found for name in table.columns if (found := SIDE.fullmatch(name))}
    by_key: dict[str, dict[bool, str]] = {}
    for name, found in sides.items():
        key = found["before"] + found["name"]
        by_key.setdefault(key, {})[found["side"] in LEFT_SIDES] = name
    pairs = {key: (both[True], both[False]) for key, both in by_key.items() if len(both) == 2}
    if not pairs:
        raise TableError(f"no structure has a left and a right side; the table has {listed(table.columns, 100)}")
    place = {name: index for index, name in enumerate(table.columns)}
    of_left = {left: (key, right) for key, (left, right) in pairs.items()}
    of_right = {right for _, right in pairs.values()}
    names, columns, left_out = list[str](), list[Array](), list[str]()
    for name in table.columns:
        if name in of_left:
            key, right = of_left[name]
            names.append(f"{way.capitalize()}-{key}")
            columns.append(_combined(table, place[name], place[right], way))
        elif name in ETIV_NAMES or (name not in sides and way == "bilateral"):
            names.append(name)
            columns.append(table.values[:, place[name]])
        elif name not in of_right:
            left_out.append(name)
    notes = [Notice("note", f"without two sides and left out: {listed(left_out)}")] if left_out else []
    notes += _zeros(table, [name for pair in pairs.values() for name in pair])
    measure = LATERALITY if way == "laterality" else table.measure
    return GroupTable(measure, table.subjects, tuple(names), np.column_stack(columns)), tuple(notes)


def _combined(table: GroupTable, left: int, right: int, way: Way) -> Array:
    total = table.values[:, left] + table.values[:, right]
    if way == "bilateral":
        return np.asarray(total)
    empty = [table.subjects[row] for row in np.flatnonzero(total == 0).tolist()]
    if empty:
        raise TableError(
            f"{table.columns[left]} and {table.columns[right]} are both 0 for {listed(empty)}: no laterality; leave "
            "them out"
        )
    return np.asarray(2 * (table.values[:, left] - table.values[:, right]) / total)


def _refuse_other_measures(table: GroupTable) -> None:
    if table.measure not in SUMMABLE and not holds_volumes(table):
        raise TableError(f"the table holds {table.measure}; only volumes and numbers of voxels can be added up")


def _zeros(table: GroupTable, names: Sequence[str]) -> list[Notice]:
    """A warning of structures that were not found, half of which is in a sum."""
    place = {name: index for index, name in enumerate(table.columns)}
    cells = [
        f"{name} of {table.subjects[row]}"
        for name in names
        for row in np.flatnonzero(table.values[:, place[name]] == 0).tolist()
    ]
    text = f"{len(cells)} value(s) of 0 are combined with others: {listed(cells)}"
    return [Notice("warning", text)] if cells else []
