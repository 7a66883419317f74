"""Names of levels in contrasts of a formula, and what rows of the design they stand for."""

from collections.abc import Callable, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...notice import Notice
from ..text_files import finite_number, listed
from .contrast import Contrast, check_contrast, named_contrast
from .covariates import PeopleValues

Array = NDArray[np.float64]
RowsOf = Callable[[dict[str, Any]], Array]
"""Values of each variable in, rows of the design out, (n, p)."""
ROUNDING = 1e-12
"""A weight below this share of the largest is 0."""
STRAIGHT = 1e-6
"""Of a slope: a column that bends less is straight but for rounding."""
MAX_GRID = 20_000
"""Combinations of levels over which the names of levels are averaged; of more, levels have no names."""


def contrast_of_levels(text: str, columns: Sequence[str], level_names: Sequence[str], level_rows: Array) -> Contrast:
    """A contrast by the names of columns and of levels: ``Patient-Control``, ``sex[M] - sex[F]``, ``Patient:F``.

    Parameters
    ----------
    text : str
        As `named_contrast` takes it.
    columns : sequence of str
        p names, those of the formula first.
    level_names : sequence of str
        k names.
    level_rows : (k, q) array
        Weights of the q columns of the formula.

    Returns
    -------
    Contrast
        With weights of the p columns.

    Raises
    ------
    DesignError
        If a name is unknown, or the weights are all 0.
    """
    written = named_contrast(text, (*columns, *level_names))
    rows = np.pad(level_rows, ((0, 0), (0, len(columns) - level_rows.shape[1])))
    matrix = written.matrix[:, : len(columns)] + written.matrix[:, len(columns) :] @ rows
    matrix[np.abs(matrix) < ROUNDING * np.abs(matrix).max(initial=0)] = 0
    contrast = Contrast(written.name, matrix)
    check_contrast(contrast, columns, f"contrast '{text}'")
    return contrast


def reference_notices(values: PeopleValues, names: Sequence[str]) -> tuple[Notice, ...]:
    """Which level columns of labels are compared with, where it has no column of its own.

    Parameters
    ----------
    values : PeopleValues
    names : sequence of str
        Of the columns.

    Returns
    -------
    tuple of Notice
    """
    found = []
    for variable, labels in values.labels.items():
        first = sorted(set(labels))[0]
        compared = [name for name in names if f":{variable}[T." in f":{name}" or f"C({variable})[T." in name]
        if any(":" not in name for name in compared):
            found.append(f"{variable}: columns compare with {first}")
        elif compared:
            others = sorted({part for name in compared for part in name.split(":") if "[" not in part} & set(names))
            alone = f"; {listed(others)} alone is that of {first}" if others else ""
            found.append(f"{variable}: columns of interactions ({listed(compared, 3)}) compare with {first}{alone}")
    return tuple(Notice("note", text) for text in found)


def named_rows(values: PeopleValues, names: Sequence[str], rows_of: RowsOf) -> tuple[tuple[str, ...], Array]:
    """Names of levels, of pairs of them and of slopes within them, and the rows of the design that they stand for.

    Parameters
    ----------
    values : PeopleValues
    names : sequence of str
        Of the p columns.
    rows_of : callable
        Makes the rows of the design for other people.

    Returns
    -------
    names : tuple of str
        k of them, without those of columns. None where labels have too many combinations.
    rows : (k, p) array
        A level stands for its adjusted mean: numbers at their mean, other labels weighted alike. ``Patient:age`` is the
        slope of age there, where it is straight and not the same everywhere.
    """
    factors = {name: sorted(set(labels)) for name, labels in values.labels.items()}
    size = int(np.prod([len(levels) for levels in factors.values()])) if factors else 0
    if not 0 < size <= MAX_GRID:
        return (), np.zeros((0, len(names)))
    cells = list(product(*factors.values()))
    grid: dict[str, Any] = {name: [cell[place] for cell in cells] for place, name in enumerate(factors)}
    means = {name: [float(column.mean())] * size for name, column in values.numbers.items()}
    rows = rows_of(grid | means)
    bare = [str(level) for levels in factors.values() for level in levels]
    found: dict[str, Array] = {}

    def called(name: str, level: object) -> list[str]:
        word = str(level)
        free = bare.count(word) == 1 and finite_number(word) is None
        return [f"{name}[{word}]", *([word] if free else [])]

    for name, levels in factors.items():
        for level in levels:
            mean = rows[[value == level for value in grid[name]]].mean(axis=0)
            found |= dict.fromkeys(called(name, level), mean)
    for (one, first), (other, second) in combinations(factors.items(), 2):
        for level, beside in product(first, second):
            both = [a == level and b == beside for a, b in zip(grid[one], grid[other], strict=True)]
            mean = rows[both].mean(axis=0)
            for a, b in product(called(one, level), called(other, beside)):
                found |= {f"{a}:{b}": mean, f"{b}:{a}": mean}
    for number, at in means.items():
        column = values.numbers[number]
        step = float(min(column.max() - at[0], at[0] - column.min())) / 2 or 1.0  # splines end with the data
        above, below = (rows_of(grid | means | {number: [at[0] + move] * size}) for move in (step, -step))
        slopes = (above - below) / (2 * step)
        scale = np.abs(slopes).max(axis=0) * step
        is_straight = bool((np.abs(above - 2 * rows + below) <= STRAIGHT * scale).all())
        if not is_straight or (np.ptp(slopes, axis=0) <= ROUNDING * np.abs(slopes).max()).all():
            continue  # a curve has no slope, and one slope for all has its column
        for name, levels in factors.items():
            for level in levels:
                mean = slopes[[value == level for value in grid[name]]].mean(axis=0)
                found |= {f"{one}:{number}": mean for one in called(name, level)}
    kept = {name: row for name, row in found.items() if name not in names}
    return tuple(kept), np.array(list(kept.values())).reshape(len(kept), len(names))


def mean_rows(values: PeopleValues, names: Sequence[str], rows_of: RowsOf) -> tuple[tuple[str, ...], Array]:
    """The adjusted mean of every level, whether or not a column has its name.

    Parameters
    ----------
    values : PeopleValues
    names : sequence of str
        Of the p columns.
    rows_of : callable
        Makes the rows of the design for other people.

    Returns
    -------
    names : tuple of str
        As ``group[Patient]``. None where labels have too many combinations.
    rows : (l, p) array
        Numbers at their mean, other labels weighted alike.
    """
    factors = {name: sorted(set(labels)) for name, labels in values.labels.items()}
    size = int(np.prod([len(levels) for levels in factors.values()])) if factors else 0
    if not 0 < size <= MAX_GRID:
        return (), np.zeros((0, len(names)))
    cells = list(product(*factors.values()))
    grid: dict[str, Any] = {name: [cell[place] for cell in cells] for place, name in enumerate(factors)}
    rows = rows_of(grid | {name: [float(column.mean())] * size for name, column in values.numbers.items()})
    found = {
        f"{name}[{level}]": rows[[value == level for value in grid[name]]].mean(axis=0)
        for name, levels in factors.items()
        for level in levels
    }
    return tuple(found), np.array(list(found.values())).reshape(len(found), len(names))
