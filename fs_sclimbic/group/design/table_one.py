"""Table 1 of a paper: participants by group, with tests of whether groups differ."""

import csv
import io
from dataclasses import dataclass
from html import escape
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from ...errors import DesignError
from .covariates import AS_CLASSES, SUBJECT_COLUMN, read_values
from .design import Design
from .group_tests import NO_TEST, GroupTest, compare_labels, compare_numbers

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class TableOneRequest:
    """Who is described, and by what."""

    participants: str
    columns: tuple[str, ...]
    """Of ``participants``; ``C(NAME)`` takes numbers for labels."""
    by: str | None = None
    """Column of the groups; None with ``design``, or for one group of all."""
    design: Design | None = None
    """Whose subjects and classes are described."""
    subject_column: str = SUBJECT_COLUMN
    medians: tuple[str, ...] = ()
    """Columns of numbers of which median and quartiles are shown, tested by ranks."""


@dataclass(frozen=True)
class TableOneRow:
    """A variable, or one level of it."""

    variable: str
    level: str
    """Of labels; empty for numbers and for the first row of labels."""
    cells: tuple[str, ...]
    """One a group, then everybody."""
    missing: int = 0
    """Subjects without the value; they are in no cell and in no test."""
    test: GroupTest = NO_TEST


@dataclass(frozen=True)
class TableOne:
    """The whole table."""

    groups: tuple[str, ...]
    sizes: tuple[int, ...]
    rows: tuple[TableOneRow, ...]
    left_out: tuple[str, ...] = ()
    """Subjects without a group."""
    doubts: tuple[str, ...] = ()
    """What looks wrong in columns, such as a site as a number."""


def make_table_one(request: TableOneRequest) -> TableOne:
    """Describe participants by group.

    Parameters
    ----------
    request : TableOneRequest

    Returns
    -------
    TableOne

    Raises
    ------
    DesignError
        If a column is missing, or a value makes no sense.
    """
    group_of, left_out = _groups(request)
    groups = tuple(sorted(set(group_of.values()))) if request.design is None else tuple(
        one.name for one in request.design.classes if one.name in set(group_of.values())
    )  # fmt: skip
    rows, doubts = list[TableOneRow](), list[str]()
    for word in request.columns:
        found = AS_CLASSES.fullmatch(word)
        name = found["name"].strip() if found else word
        values = read_values(
            request.participants,
            [name],
            subject_column=request.subject_column,
            subjects=tuple(group_of),
            drop_missing=True,
            as_labels=[name] if found else (),
        )
        of = np.array([groups.index(group_of[subject]) for subject in values.subjects])
        missing = len(group_of) - len(of)
        doubts += [notice.text for notice in values.notices if notice.severity == "warning"]
        if name in values.numbers:
            rows.append(_number_row(name, values.numbers[name], of, len(groups), missing, name in request.medians))
        elif name in request.medians:
            raise DesignError(f"'{name}' holds labels, which have no median")
        else:
            rows += _label_rows(name, np.array(values.labels[name]), of, len(groups), missing)
    sizes = tuple(list(group_of.values()).count(group) for group in groups)
    return TableOne(groups, sizes, tuple(rows), left_out, tuple(doubts))


def _groups(request: TableOneRequest) -> tuple[dict[str, str], tuple[str, ...]]:
    """The group of each subject, and subjects without one."""
    if request.design is not None:
        names = request.design.classes
        return {s: names[c].name for s, c in zip(request.design.subjects, request.design.class_of, strict=True)}, ()
    everybody = read_values(request.participants, (), subject_column=request.subject_column).subjects
    if request.by is None:
        return dict.fromkeys(everybody, "all"), ()
    values = read_values(
        request.participants,
        [request.by],
        subject_column=request.subject_column,
        drop_missing=True,
        as_labels=[request.by],
    )
    known = dict(zip(values.subjects, values.labels[request.by], strict=True))
    return known, tuple(name for name in everybody if name not in known)


def _number_row(
    name: str, values: Array, of: NDArray[np.intp], count: int, missing: int, by_median: bool
) -> TableOneRow:
    parts = [values[of == group] for group in range(count)]
    shown = [*parts, values] if count > 1 else parts
    cells = tuple(_median(part) if by_median else _mean(part) for part in shown)
    return TableOneRow(
        f"{name}, {'median [quartiles]' if by_median else 'mean (SD)'}", "", cells, missing,
        compare_numbers(parts, by_ranks=by_median),
    )  # fmt: skip


def _label_rows(
    name: str, labels: NDArray[np.str_], of: NDArray[np.intp], count: int, missing: int
) -> list[TableOneRow]:
    levels = sorted(set(labels.tolist()))
    counts = np.array([[int(((labels == level) & (of == group)).sum()) for group in range(count)] for level in levels])
    totals = counts.sum(axis=0)
    rows = []
    for index, level in enumerate(levels):
        cells = [_share(n, total) for n, total in zip(counts[index], totals, strict=True)]
        cells += [_share(counts[index].sum(), totals.sum())] if count > 1 else []
        first = index == 0
        test = compare_labels(labels, of) if first else NO_TEST
        rows.append(TableOneRow(f"{name}, n (%)" if first else "", level, tuple(cells), missing if first else 0, test))
    return rows


def _mean(values: Array) -> str:
    if not len(values):
        return "n/a"
    spread = f"{values.std(ddof=1):.{_digits(values)}f}" if len(values) > 1 else "n/a"
    return f"{values.mean():.{_digits(values)}f} ({spread})"


def _median(values: Array) -> str:
    if not len(values):
        return "n/a"
    low, middle, high = np.percentile(values, [25, 50, 75])
    digits = _digits(values)
    return f"{middle:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _digits(values: Array) -> int:
    """Decimals for three digits of the largest value, one at least for small numbers."""
    largest = float(np.abs(values).max())
    return int(np.clip(2 - np.floor(np.log10(largest)), 0, 4)) if largest else 1


def _share(n: int, total: int) -> str:
    return f"{n} ({100 * n / total:.0f})" if total else "0"


def _lines(table: TableOne) -> list[list[str]]:
    heads = [f"{group} (n={n})" for group, n in zip(table.groups, table.sizes, strict=True)]
    heads += [f"all (n={sum(table.sizes)})"] if len(heads) > 1 else []
    lines = [["variable", "level", *heads, "missing", "test", "statistic", "p", "standardised difference"]]
    for row in table.rows:
        told = [row.test.name, *(_number(x) for x in (row.test.statistic, row.test.p, row.test.difference))]
        lines.append([row.variable, row.level, *row.cells, str(row.missing) if row.variable else "", *told])
    return lines


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3g}"


def format_csv(table: TableOne) -> str:
    """The text of a CSV file: a row a variable, or a level of one."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(_lines(table))
    return text.getvalue()


def format_html(table: TableOne, title: str | PathLike[str]) -> str:
    """A page with the table, which a text processor takes by copying.

    Parameters
    ----------
    table : TableOne
    title : str or path-like

    Returns
    -------
    str
    """
    head, *lines = _lines(table)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>" for line in lines)
    notes = sorted({row.test.words for row in table.rows if row.test.words})
    if table.left_out:
        notes.append(f"Without a group and left out: {', '.join(table.left_out)}.")
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(str(title))}</title><style>'
        "body{font:14px/1.5 system-ui,sans-serif;margin:2em;color:#222}table{border-collapse:collapse;"
        "border-top:2px solid;border-bottom:2px solid}"
        "th,td{padding:.2em .8em;text-align:left}th{border-bottom:1px solid}"
        f"</style></head><body>\n<h1>Participants</h1><table><tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}"
        f"</tr>{rows}</table>\n{''.join(f'<p>{escape(note)}</p>' for note in notes)}"
        "<p>p values are not corrected. In a randomised study they say nothing: groups differ by chance there.</p>"
        "\n</body></html>\n"
    )
