"""Which structures of the stats files become columns of a table, and in which order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ...errors import TableError
from .measures import ETIV, Column, StatsValues
from .stats_paths import StatsFile


@dataclass(frozen=True)
class Choice:
    """Which structures become columns."""

    only: tuple[int, ...] | None = None
    """SegIds, in the order of the columns; a repeated one counts once. None: all."""
    without: frozenset[int] = frozenset()
    """SegIds to leave out."""
    highest: int | None = None
    """Largest SegId to keep."""
    differing: Literal["refuse", "common", "all"] = "refuse"
    """What to do where the files do not hold the same structures in the same order: refuse, take those that all
    have (in the last file's order), or take those that any has (in order of first sight)."""
    fill: float = 0.0
    """What stands for a structure that a file lacks, with ``differing="all"``."""


EVERY_STRUCTURE = Choice()


def choose_columns(
    files: Sequence[StatsFile], values: Sequence[StatsValues], choice: Choice
) -> tuple[tuple[Column, ...], list[str]]:
    """Choose the columns of a table.

    Parameters
    ----------
    files : sequence of StatsFile
        One a row.
    values : sequence of StatsValues
        What the files hold, in the same order.
    choice : Choice

    Returns
    -------
    columns : tuple of Column
        In order.
    warnings : list of str
        What is left out, or stands where a reader does not expect it.

    Raises
    ------
    TableError
        If a SegId has two names or a name two SegIds, a SegId that is asked for is nowhere, the files differ and that
        is not allowed, or no structure is left.
    """
    layouts = {id(row.columns): row.columns for row in values}
    _check_names(layouts.values(), files, values)
    chosen = {key: _chosen(layout, choice) for key, layout in layouts.items()}
    if choice.only is not None:
        _check_wanted(choice, layouts, files, values)
    columns, warnings = _columns([chosen[id(row.columns)] for row in values], files, choice)
    has_structure = any(segid is not None for layout in layouts.values() for segid, _ in layout)
    if not columns or (has_structure and all(segid is None for segid, _ in columns)):
        raise TableError(
            f"no structure is left after choosing{', only ' + ETIV[1] if columns else ''}; nothing to make a table of: "
            "see --segno, --no-segno and --maxsegno"
        )
    return columns, warnings


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
