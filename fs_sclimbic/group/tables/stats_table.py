"""A group table from the stats files of many cases: which structures are its columns, and what fills its cells."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import TableError
from ..text_table import GroupTable, listed
from .stats_values import ETIV, Column, Measure, StatsValues
from .subject_lists import StatsFile

Rows = NDArray[np.float64]
MOST_NAMES = 100
"""A warning names no more cases than this."""
MOST_CONCERNS = 20
"""The line on warnings of the segmentation names no more cases than this."""


@dataclass(frozen=True)
class Choice:
    """Which structures become columns."""

    only: tuple[int, ...] | None = None
    """SegIds, in the order of the columns; a second mention counts nothing. None: all."""
    without: frozenset[int] = frozenset()
    """SegIds to leave out."""
    highest: int | None = None
    """Largest SegId to keep."""
    differing: Literal["refuse", "common", "all"] = "refuse"
    """What to do where the files do not hold the same structures in the same order: refuse, take those that all
    have (in the last file's order), or take those that any has (in order of first sight)."""
    fill: float = 0.0
    """What stands for a structure that a file lacks, with ``differing="all"``."""


@dataclass(frozen=True)
class BuiltTable:
    """A table, and what its reader should know of it."""

    table: GroupTable
    warnings: tuple[str, ...] = field(default=())


def build_table(
    files: Sequence[StatsFile],
    values: Sequence[StatsValues],
    measure: Measure,
    choice: Choice = Choice(),
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
    layouts = {id(row.columns): row.columns for row in values}
    _check_names(layouts.values(), files, values)
    chosen = {key: _chosen(layout, choice) for key, layout in layouts.items()}
    if choice.only is not None:
        _check_wanted(choice, layouts, files, values)
    rows_of = [chosen[id(row.columns)] for row in values]
    columns, warnings = _columns(rows_of, files, choice)
    if not columns:
        raise TableError("no structure is left after choosing; nothing to make a table of")
    warnings += [f"--lenient: {line}" for row in values for line in row.left_out]
    others = dict.fromkeys(name for row in values for name in row.other_measures)
    if measure.with_etiv and others:
        warnings.append(f"of the header's measures only eTIV goes into the table; left out: {', '.join(others)}")

    cells, is_there = _cells(values, columns)
    columns, cells, is_there, notes = _drop_unknown(columns, cells, is_there, files, measure)
    warnings += notes + _filled(columns, is_there, files, choice)
    if measure.with_etiv:
        warnings += _empty(columns, cells, is_there, files)
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


def _chosen(layout: Sequence[Column], choice: Choice) -> tuple[Column, ...]:
    """The columns of one file that are wanted; eTIV is not chosen by SegId and stays, last."""
    kept = [
        (segid, name)
        for segid, name in layout
        if segid is None or (segid not in choice.without and (choice.highest is None or segid <= choice.highest))
    ]
    if choice.only is None:
        return tuple(kept)
    by_segid = {segid: (segid, name) for segid, name in kept if segid is not None}
    picked = [by_segid[segid] for segid in dict.fromkeys(choice.only) if segid in by_segid]
    return tuple([*picked, *([ETIV] if ETIV in kept else [])])


def _check_names(
    layouts: Iterable[Sequence[Column]], files: Sequence[StatsFile], values: Sequence[StatsValues]
) -> None:
    """Refuse a SegId with two names, or a name with two SegIds: the files come from different models."""
    names: dict[int | None, str] = {}
    segids: dict[str, int | None] = {}
    for layout in layouts:
        for segid, name in layout:
            if names.setdefault(segid, name) == name and segids.setdefault(name, segid) == segid:
                continue
            where = next(file.path for file, row in zip(files, values, strict=True) if (segid, name) in row.columns)
            other = (segid, names[segid]) if names[segid] != name else (segids[name], name)
            first = next(file.path for file, row in zip(files, values, strict=True) if other in row.columns)
            raise TableError(
                f"{where}: SegId {segid} is '{name}', in {first} SegId {other[0]} is '{other[1]}'; the files come from "
                "different models and do not go into one table"
            )


def _check_wanted(
    choice: Choice,
    layouts: dict[int, tuple[Column, ...]],
    files: Sequence[StatsFile],
    values: Sequence[StatsValues],
) -> None:
    """Refuse SegIds that no file has, and without --all-segs those that one lacks."""
    segids = {key: {segid for segid, _ in layout} for key, layout in layouts.items()}
    wanted = dict.fromkeys(choice.only or ())
    nowhere = [segid for segid in wanted if not any(segid in there for there in segids.values())]
    if nowhere:
        raise TableError(f"cannot find the structure of SegId {', '.join(map(str, nowhere))} in any stats file")
    contrary = [
        segid for segid in wanted if segid in choice.without or (choice.highest is not None and segid > choice.highest)
    ]
    if contrary:
        raise TableError(
            f"SegId {', '.join(map(str, contrary))} is asked for and left out (--no-segno, --maxsegno) at once"
        )
    if choice.differing == "all":
        return
    lacking = [
        f"{file.path}: lacks SegId {', '.join(map(str, missing))}"
        for file, row in zip(files, values, strict=True)
        if (missing := [segid for segid in wanted if segid not in segids[id(row.columns)]])
    ]
    if lacking:
        raise TableError("\n".join([*lacking, "leave these structures or files out, or fill with --all-segs"]))


def _columns(
    rows: Sequence[tuple[Column, ...]], files: Sequence[StatsFile], choice: Choice
) -> tuple[tuple[Column, ...], list[str]]:
    """The columns of the table, in order, and what is to be said about them."""
    distinct = list(dict.fromkeys(rows))
    union = tuple(dict.fromkeys(column for layout in distinct for column in layout))
    if choice.only is not None:
        by_segid = {segid: (segid, name) for segid, name in union if segid is not None}
        picked = [by_segid[segid] for segid in dict.fromkeys(choice.only)]
        union = tuple([*picked, *([ETIV] if ETIV in union else [])])
    if len(distinct) == 1:
        return distinct[0], []
    if choice.differing == "all":
        late = [name for segid, name in union[union.index(ETIV) + 1 :]] if ETIV in union else []
        note = f"{ETIV[1]} is not the last column: mri_glmfit --scale-by-etiv would not scale {', '.join(late)}"
        return union, [note] if late else []
    if choice.differing == "common":
        common = tuple(column for column in rows[-1] if all(column in layout for layout in distinct))
        lost = [name for segid, name in union if (segid, name) not in common]
        return common, [f"not in all stats files, so left out: {', '.join(lost)}"] if lost else []
    first, differing = rows[0], [layout for layout in distinct if layout != rows[0]]
    lines = [f"the stats files do not have the same structures in the same order as {files[0].path}:"]
    for layout in differing:
        places = [str(file.path) for file, row in zip(files, rows, strict=True) if row == layout]
        lines.append(f"  {_difference(first, layout)}: {', '.join(places)}")
    extras = " (--no-vol-extras leaves eTIV out)" if any((ETIV in layout) != (ETIV in first) for layout in rows) else ""
    lines.append(
        "take those that all have with --common-segs, or all of them with --all-segs, or leave out files or "
        f"structures{extras}"
    )
    raise TableError("\n".join(lines))


def _difference(first: Sequence[Column], other: Sequence[Column]) -> str:
    """How the structures of a file differ from the first one's, in words."""
    lacks = [name for segid, name in first if (segid, name) not in other]
    more = [name for segid, name in other if (segid, name) not in first]
    parts = [f"lacks {', '.join(lacks)}"] * bool(lacks) + [f"has also {', '.join(more)}"] * bool(more)
    return " and ".join(parts) or "has them in another order"


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
    """One warning a structure that has no voxel in some case: most often a segmentation that failed."""
    empty = (cells == 0) & is_there
    return [
        f"{name} has volume 0, look at the segmentation: {_listed(files, empty[:, index])}"
        for index, (_, name) in enumerate(columns)
        if empty[:, index].any()
    ]


def _concerns(files: Sequence[StatsFile], values: Sequence[StatsValues]) -> list[str]:
    """One line on all cases whose segmentation left warnings in the header: nobody looks there unasked."""
    named = [
        f"{file.name} ({', '.join(row.concerns)})" for file, row in zip(files, values, strict=True) if row.concerns
    ]
    if not named:
        return []
    return [
        f"{len(named)} of {len(files)} stats files carry warnings of their segmentation: "
        f"{listed(named, MOST_CONCERNS)}; look at them before the analysis (lines '# Warning' of the files)"
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
    return cells[:, index]


def _listed(files: Sequence[StatsFile], rows: NDArray[np.bool_]) -> str:
    return listed([file.name for file, is_so in zip(files, rows, strict=True) if is_so], MOST_NAMES)
