"""Subjects of a design found in a table, by their names; where a design names none, by their order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...errors import DesignError
from ...notice import Notice
from ..design.design import Design
from ..design.model import Model
from ..design.participants import raise_design_problems
from ..name_matching import DEFAULT_RULE, NameRule, find_names
from ..text_files import listed, name_key
from ..text_table import GroupTable
from .glm import Array


@dataclass(frozen=True, eq=False)
class Matched:
    """Subjects of a model and a table together."""

    rows: list[int]
    """Rows of the table, in the order of the model."""
    kept: list[int]
    """Rows of the model."""
    matrix: Array
    """(n, p), of these."""
    design: Design | None
    """Of these subjects, where an FSGD gives one."""
    notices: list[Notice]


def match_by_order(model: Model, table: GroupTable, wanted: list[int], table_name: str) -> Matched:
    """Rows of a table for a model that names no subjects; ``wanted`` are rows of the model.

    Parameters
    ----------
    model : Model
    table : GroupTable
    wanted : list of int
        Rows of the model.
    table_name : str
        For messages.

    Returns
    -------
    Matched
    """
    if len(table.subjects) != len(model.matrix):
        raise DesignError(
            f"{table_name} has {len(table.subjects)} subjects, {model.source} has {len(model.matrix)} rows: without "
            "names they go by their order and must be as many; an FSGD names the subjects"
        )
    text = f"{model.source} names no subjects: rows of the table go by their order, {len(wanted)} of them"
    return Matched(wanted, wanted, model.matrix[wanted], None, [Notice("note", text)])


def match_by_name(
    model: Model,
    table: GroupTable,
    wanted: list[int],
    table_name: str,
    *,
    allow_missing: bool,
    rule: NameRule = DEFAULT_RULE,
) -> Matched:
    """Rows of a table whose names are those of a model.

    Parameters
    ----------
    model : Model
    table : GroupTable
    wanted : list of int
        Rows of the model to look for.
    table_name : str
        For messages.
    allow_missing : bool
        Drop subjects that the table lacks from the design; what is demeaned is so over those that stay.
    rule : NameRule
        How names are looked for.

    Returns
    -------
    Matched

    Raises
    ------
    DesignError
        If subjects are missing, and not allowed to, or all are; or if it is in doubt whose row one is.
    """
    names, design, texts = model.subjects or (), model.design, list[str]()
    place = {name: row for row, name in enumerate(table.subjects)}
    sought = find_names((names[row] for row in wanted), table.subjects, rule, table_name)
    raise_design_problems(sought.problems)
    found = sought.found
    where = {name: place[there] for name, there in found.items()}
    missing = [names[row] for row in wanted if names[row] not in where]
    kept = [row for row in wanted if names[row] in where]
    if missing and not (allow_missing and kept):
        text = _what_is_missing(model, names, missing, table, table_name, none_kept=not kept, near=sought.near)
        raise DesignError(text)
    matrix, gone = model.matrix, set(missing)
    if missing:
        texts.append(f"left out of the design, not in {table_name}: {listed(missing, 1000)}")
        present = [row for row, name in enumerate(names) if name not in gone]
        if design is not None and model.columns == design.columns:
            design = design.without(missing)
            matrix = np.full(model.matrix.shape, np.nan)
            matrix[present] = design.matrix
        elif design is not None:
            design = _rows_of(design, present)
    if design is not None and len(kept) < len(design.subjects):
        position = {row: i for i, row in enumerate(row for row, name in enumerate(names) if name not in gone)}
        design = _rows_of(design, [position[row] for row in kept])
    texts += sought.notices
    known = {*names, *found.values()}
    extra = [name for name in table.subjects if name not in known]
    if extra:
        texts.append(f"{len(extra)} subject(s) of {table_name} are not in the design and are left out: {listed(extra)}")
    rows = [where[names[row]] for row in kept]
    if rows != sorted(rows):
        texts.append(f"rows of {table_name} stand in another order than in the design: they were matched by name")
    return Matched(rows, kept, matrix[kept], design, [Notice("note", text) for text in texts])


def _what_is_missing(
    model: Model,
    names: Sequence[str],
    missing: Sequence[str],
    table: GroupTable,
    table_name: str,
    *,
    none_kept: bool,
    near: Mapping[str, str],
) -> str:
    if none_kept:
        return (
            f"no subject of {model.source} is in {table_name}: the design has {listed(names, 3)}, the table "
            f"{listed(table.subjects, 3)}; the names must be the same"
        )
    simple = {_simple(name): name for name in table.subjects}  # differ in case or in BIDS' sub- alone
    others = {name: near.get(name) or simple.get(_simple(name)) for name in missing}
    alike = [f"{name} ({other})" for name, other in others.items() if other]
    return (
        f"{len(missing)} subject(s) of {model.source} are not in {table_name}: {listed(missing)}"
        + (f"; names that are nearly the same: {listed(alike)}" if alike else "")
        + "; add them to the table, or give --allow-missing to leave them out of the design"
    )


def _simple(name: str) -> str:
    return name_key(name).lower().removeprefix("sub-")


def _rows_of(design: Design, rows: Sequence[int]) -> Design:
    """Some of the inputs, for y.fsgd: the matrix of a fit is taken from the whole design, as mri_glmfit does."""
    return replace(
        design,
        subjects=tuple(design.subjects[row] for row in rows),
        class_of=tuple(design.class_of[row] for row in rows),
        values=design.values[list(rows)],
    )
