"""A group table from the stats files of many cases: which structures are its columns, and what fills its cells."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...errors import TableError
from ..head_sizes import about_identity, etiv_doubts, size_doubts
from ..text_files import listed
from ..text_table import GroupTable
from .column_choice import EVERY_STRUCTURE, Choice, choose_columns
from .measures import ETIV, Column, Measure, StatsValues
from .stats_paths import StatsFile

Rows = NDArray[np.float64]
MAX_NAMES = 100
"""A warning names no more cases than this."""
MAX_CONCERNS = 20
"""The line on warnings of the segmentation names no more cases than this."""


@dataclass(frozen=True)
class BuiltTable:
    """A table, and what its reader should know of it."""

    table: GroupTable
    warnings: tuple[str, ...] = field(default=())


def build_table(
    files: Sequence[StatsFile],
    values: Sequence[StatsValues],
    measure: Measure,
    choice: Choice = EVERY_STRUCTURE,
    *,
    percent_of_etiv: bool = False,
    scale: float = 1.0,
) -> BuiltTable:
    """Put the values of stats files into one table.

    Parameters
    ----------
    files : sequence of StatsFile
        One a row.
    values : sequence of StatsValues
        What the files hold of the measure, in the same order.
    measure : Measure
    choice : Choice
    percent_of_etiv : bool
        Divide every column, eTIV too, by eTIV and multiply by 100, as ``asegstats2table --etiv`` does.
    scale : float
        Multiply every value, eTIV too; after the above.

    Returns
    -------
    BuiltTable
        Columns and values are asegstats2table's where it takes the files. The warnings tell of every cell that was
        filled and of everything that was left out.

    Raises
    ------
    TableError
        If the files differ and that is not allowed, a SegId has two names or a name two SegIds, a structure that is
        asked for is nowhere, or eTIV is asked for and not there.
    """
    if not values:
        raise TableError("no stats file is left; nothing to make a table of")
    columns, warnings = choose_columns(files, values, choice)
    warnings += [f"--lenient: {line}" for row in values for line in row.left_out]
    others = dict.fromkeys(name for row in values for name in row.other_measures)
    if measure.with_etiv and others:
        warnings.append(f"of the header's measures only eTIV goes into the table; left out: {', '.join(others)}")

    cells, is_there = _cells(values, columns)
    columns, cells, is_there, notes = _drop_unknown(columns, cells, is_there, files, measure)
    warnings += notes + _filled(columns, is_there, files, choice)
    if measure.with_etiv:
        warnings += [*_empty(columns, cells, is_there, files), *_sizes(columns, cells, is_there, files)]
    warnings += _concerns(files, values)
    cells = np.where(is_there, cells, choice.fill)
    if percent_of_etiv:
        cells = 100 * cells / _etiv_of(columns, cells, is_there, files)[:, None]
    with np.errstate(over="ignore"):
        cells = cells * scale
    if not np.isfinite(cells[is_there]).all():
        raise TableError(f"--scale {scale:g} makes values too large for a number")
    names = tuple(name for _, name in columns)
    return BuiltTable(
        GroupTable(f"Measure:{measure.name}", tuple(file.name for file in files), names, cells), tuple(warnings)
    )


def _cells(values: Sequence[StatsValues], columns: Sequence[Column]) -> tuple[Rows, NDArray[np.bool_]]:
    """Values of the columns, and where there is one."""
    place = {column: index for index, column in enumerate(columns)}
    cells, is_there = np.zeros((len(values), len(columns))), np.zeros((len(values), len(columns)), bool)
    rows_with: dict[int, list[int]] = {}
    for number, row in enumerate(values):
        rows_with.setdefault(id(row.columns), []).append(number)
    for rows in rows_with.values():
        layout = values[rows[0]].columns
        sources = [index for index, column in enumerate(layout) if column in place]
        targets = np.ix_(rows, [place[layout[index]] for index in sources])
        cells[targets] = np.array([values[number].values for number in rows])[:, sources]
        is_there[targets] = True
    return cells, is_there


def _drop_unknown(
    columns: tuple[Column, ...],
    cells: Rows,
    is_there: NDArray[np.bool_],
    files: Sequence[StatsFile],
    measure: Measure,
) -> tuple[tuple[Column, ...], Rows, NDArray[np.bool_], list[str]]:
    """Leave out columns that are unknown in every file; refuse those that are in some."""
    unknown = np.isnan(cells) & is_there
    nowhere_known = (unknown == is_there).all(axis=0)
    partly = unknown.any(axis=0) & ~nowhere_known
    if partly.any():
        lines = [
            f"{columns[index][1]}: no {measure.name} in {_listed(files, unknown[:, index])}"
            for index in np.flatnonzero(partly)
        ]
        raise TableError(
            "\n".join(
                [
                    *lines,
                    "the cases were compared with different populations; run them again with one --population-stats, "
                    "or leave the structures out with --no-segno",
                ]
            )
        )
    if nowhere_known.all():
        raise TableError(f"no structure has a {measure.name}: the population table holds none of them")
    gone = [name for (_, name), drop in zip(columns, nowhere_known, strict=True) if drop]
    keep = np.flatnonzero(~nowhere_known)
    note = [f"no {measure.name} in any file, so left out: {', '.join(gone)}"] if gone else []
    return tuple(columns[index] for index in keep), cells[:, keep], is_there[:, keep], note


def _filled(
    columns: Sequence[Column], is_there: NDArray[np.bool_], files: Sequence[StatsFile], choice: Choice
) -> list[str]:
    """One warning a structure, naming every case whose cell was not measured."""
    return [
        f"{name} is not in the stats file, so {choice.fill:g} was written, which is no measurement: "
        f"{_listed(files, ~is_there[:, index])}"
        for index, (_, name) in enumerate(columns)
        if not is_there[:, index].all()
    ]


def _empty(
    columns: Sequence[Column], cells: Rows, is_there: NDArray[np.bool_], files: Sequence[StatsFile]
) -> list[str]:
    """One warning for each structure without a voxel in some case; most often the segmentation failed."""
    empty = (cells == 0) & is_there
    return [
        f"{name} has volume 0, look at the segmentation: {_listed(files, empty[:, index])}"
        for index, (_, name) in enumerate(columns)
        if empty[:, index].any()
    ]


def _sizes(
    columns: Sequence[Column], cells: Rows, is_there: NDArray[np.bool_], files: Sequence[StatsFile]
) -> list[str]:
    """Warnings about eTIVs, and about cases that differ from the others in every measure."""
    warnings: list[str] = []
    is_etiv = np.array([column == ETIV for column in columns])
    whole, etiv = is_there.all(axis=0), None
    if is_etiv.any():
        known = is_there[:, is_etiv][:, 0]
        names = [file.name for file, is_so in zip(files, known, strict=True) if is_so]
        warnings += etiv_doubts(names, cells[known][:, is_etiv][:, 0])
        etiv = cells[:, is_etiv][:, 0] if known.all() else None
    return warnings + size_doubts([file.name for file in files], cells[:, whole & ~is_etiv], etiv)


def _concerns(files: Sequence[StatsFile], values: Sequence[StatsValues]) -> list[str]:
    """One line that names all cases whose stats file has warnings in its header."""
    named = [
        f"{file.name} ({', '.join(row.concerns)})" for file, row in zip(files, values, strict=True) if row.concerns
    ]
    if not named:
        return []
    return [
        f"{len(named)} of {len(files)} stats files carry warnings of their segmentation: "
        f"{listed(named, MAX_CONCERNS)}; look at them before the analysis (lines '# Warning' of the files)"
    ]


def _etiv_of(columns: Sequence[Column], cells: Rows, is_there: NDArray[np.bool_], files: Sequence[StatsFile]) -> Rows:
    if ETIV not in columns:
        raise TableError(
            f"--etiv: the table has no {ETIV[1]}; it needs --meas volume, eTIV in the stats files, and no "
            "--no-vol-extras"
        )
    index = list(columns).index(ETIV)
    if not is_there[:, index].all():
        raise TableError(f"--etiv: no {ETIV[1]} in {_listed(files, ~is_there[:, index])}")
    identity = about_identity([file.name for file in files], cells[:, index])
    if identity:
        raise TableError(f"--etiv: {identity}")
    return cells[:, index]


def _listed(files: Sequence[StatsFile], rows: NDArray[np.bool_]) -> str:
    return listed([file.name for file, is_so in zip(files, rows, strict=True) if is_so], MAX_NAMES)
