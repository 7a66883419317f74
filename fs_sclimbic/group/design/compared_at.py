"""Where on the variables a contrast compares classes, and whether a class has anybody there."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .contrast import Contrast
from .design import Design

MAX_BEYOND = 0.05
"""Of the range of all subjects; a comparison so far beyond the subjects of a class is still one of them."""


def comparison_doubts(design: Design, contrasts: Sequence[Contrast]) -> list[str]:
    """Contrasts that compare classes where one of them has no subject.

    Parameters
    ----------
    design : Design
    contrasts : sequence of Contrast
        Their first columns are those of the design.

    Returns
    -------
    list of str
        One line a contrast and variable.
    """
    find = _beyond_subjects if design.method == "dods" else _without_overlap
    doubts = []
    for contrast in contrasts:
        lines = dict.fromkeys(line for row in contrast.matrix for line in find(design, row))
        doubts += [f"{contrast.name}: {line}" for line in lines]
    return doubts


def _ranges(design: Design, index: int) -> list[tuple[float, float]]:
    """Smallest and largest value of a variable in each class."""
    of = np.array(design.class_of, int)
    columns = [design.values[of == number, index] for number in range(len(design.classes))]
    return [(float(column.min()), float(column.max())) if len(column) else (np.nan, np.nan) for column in columns]


def _beyond_subjects(design: Design, row: NDArray[np.float64]) -> list[str]:
    """Dods: each class has its own line, taken at a point that the weights of its slope give."""
    n_classes, lines = len(design.classes), []
    used = np.flatnonzero(row[:n_classes])
    if len(used) < 2:
        return []
    for index, name in enumerate(design.variables):
        column = design.values[:, index]
        slopes = row[n_classes * (index + 1) : n_classes * (index + 2)]
        at = slopes[used] / row[used]
        at = at * (column.std() if design.rescale else 1) + (column.mean() if design.demean else 0)
        ranges = _ranges(design, index)
        margin = MAX_BEYOND * float(np.ptp(column))
        beyond = [
            (f"{design.classes[c].name} ({ranges[c][0]:g} to {ranges[c][1]:g})", where)
            for c, where in zip(used, at, strict=True)
            if where < ranges[c][0] - margin or where > ranges[c][1] + margin
        ]
        if beyond:
            places = " and ".join(dict.fromkeys(f"{where:.4g}" for _, where in beyond))
            advice = "" if design.demean else "; DeMeanFlag 1 compares them at the mean"
            lines.append(
                f"compares classes at {name} = {places}, where {', '.join(text for text, _ in beyond)} has nobody: "
                f"the line of a class is drawn on beyond its subjects{advice}"
            )
    return lines


def _without_overlap(design: Design, row: NDArray[np.float64]) -> list[str]:
    """Doss: parallel lines; a difference rests on them alone where classes share no values."""
    n_classes, lines = len(design.classes), []
    sides = [np.flatnonzero(row[:n_classes] > 0), np.flatnonzero(row[:n_classes] < 0)]
    if not all(len(side) for side in sides):
        return []
    for index, name in enumerate(design.variables):
        ranges = _ranges(design, index)
        ends = [(min(ranges[c][0] for c in side), max(ranges[c][1] for c in side)) for side in sides]
        margin = MAX_BEYOND * float(np.ptp(design.values[:, index]))
        if ends[0][1] + margin < ends[1][0] or ends[1][1] + margin < ends[0][0]:
            texts = [
                f"{'+'.join(design.classes[c].name for c in side)} {low:g} to {high:g}"
                for side, (low, high) in zip(sides, ends, strict=True)
            ]
            lines.append(
                f"compares classes that share no value of {name} ({', '.join(texts)}): the difference rests on the "
                "straight line between them alone"
            )
    return lines
