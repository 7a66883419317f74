"""The forest plot: the effect on each structure with its interval, p values and stars beside it."""

import textwrap
from typing import Any

import numpy as np

from ...segmentation.structure_words import title_structure
from ..fit.glm import Array, Fit
from ..fit.results import GroupResult, describe_row, is_group_difference
from ..fit.study import Study
from .figure_style import COLORS, DEFAULT_FIGURES, FigureOptions, in_lines, plain, print_style
from .plain_words import SIGNIFICANT_P, correction, directions, p_text, sizes

MAX_TITLE_LETTERS = 300
"""A contrast in words is cut here, and ends with dots."""
ROW_HEIGHT_INCHES, LINE_HEIGHT_INCHES, MARGIN_INCHES = 0.24, 0.135, 0.85
P_SHARES = {1: (1.0, 0.95), 2: (2.9, 1.75)}
"""Widths of the effects and of the p values beside them."""
NARROW_LABEL_LETTERS, NARROW_AXIS_LETTERS = 24, 28
"""Of a structure's name and of the axis in a figure over one column; a longer text goes over two lines."""
SHORT_NAMES = {"permutation": "perm."}
"""Of corrections, above their column."""
ARROW_LEFT, ARROW_RIGHT = "\u2190", "\u2192"


def marks(result: GroupResult) -> list[str]:
    """One a structure: ``**`` where family-wise corrected p < 0.05, ``*`` where only the FDR is, else nothing."""
    _, family_wise = correction(result)
    return [
        "**" if fwe < SIGNIFICANT_P else "*" if fdr < SIGNIFICANT_P else ""
        for fwe, fdr in zip(family_wise, result.p_fdr, strict=True)
    ]


def forest_figure(study: Study, fit: Fit, result: GroupResult, options: FigureOptions = DEFAULT_FIGURES) -> Any:
    """The effect on each structure of the family, with its 95 % interval; for several rows partial eta^2.

    Parameters
    ----------
    study : Study
    fit : Fit
    result : GroupResult
    options : FigureOptions

    Returns
    -------
    matplotlib.figure.Figure
    """
    shown = np.flatnonzero(result.family)
    height = np.arange(len(shown))[::-1]
    all_marks = marks(result)
    stars = [all_marks[i] for i in shown]
    wide = options.columns > 1
    title = title_of(result, study, options.width_inches, sizes(study))
    rows = ROW_HEIGHT_INCHES * (1.0 if wide else 1.25) * max(len(shown), 3)
    size = options.width_inches, MARGIN_INCHES + LINE_HEIGHT_INCHES * (title.count("\n") + 1) + rows
    color = [COLORS[1] if star == "**" else COLORS[4] if star else "0.55" for star in stars]
    with print_style() as plt:
        figure, (axes, beside) = plt.subplots(
            1, 2, figsize=size, sharey=True, width_ratios=P_SHARES[options.columns], constrained_layout=True
        )
        if result.test.is_t:
            middle, low, high, label = standardised(study, fit, result)
            for row, i, shade, star in zip(height, shown, color, stars, strict=True):
                axes.plot([low[i], high[i]], [row, row], color=shade, linewidth=1.5)
                face = shade if star else "white"
                axes.plot(middle[i], row, "o", color=shade, markerfacecolor=face, markersize=5, markeredgewidth=1.2)
            axes.axvline(0, color="0.3", linewidth=0.6)
            side = directions(study, result)
            label = label if wide else textwrap.fill(label, NARROW_AXIS_LETTERS, break_on_hyphens=False)
            between = "      " if wide else "\n"
            label += plain(f"\n{ARROW_LEFT} {side.down}{between}{side.up} {ARROW_RIGHT}")
        else:
            axes.barh(height, result.test.partial_eta2[shown], color=color, height=0.6)
            axes.set_xlim(left=0)
            label = "partial eta$^2$"
        _write_p(beside, result, shown, height, stars, wide)
        names = [title_structure(result.structures[i]) for i in shown]
        if not wide:
            names = [textwrap.fill(name, NARROW_LABEL_LETTERS, break_on_hyphens=False) for name in names]
        axes.set_yticks(height, [plain(name) for name in names], fontsize=7.5 if wide else 6.5)
        axes.set_ylim(-0.7, len(shown) - 0.3)
        axes.set_xlabel(label, fontsize=7.5 if wide else 6.5)
        axes.spines[["top", "right"]].set_visible(False)
        figure.suptitle(title, fontsize=8, x=0.01, ha="left")
    return figure


def _write_p(axes: Any, result: GroupResult, shown: Any, height: Any, stars: list[str], wide: bool) -> None:
    """Write p values right of the axes; the stars stand behind the number that they go by."""
    name, family_wise = correction(result)
    heads = [("p", result.test.p), (SHORT_NAMES.get(name, name), family_wise), ("FDR", result.p_fdr)]
    heads = heads if wide else heads[1:]
    axes.set_xlim(0, len(heads))
    axes.axis("off")
    for column, (head, values) in enumerate(heads):
        is_fdr, place = head == "FDR", {"va": "center", "fontsize": 7 if wide else 6.5}
        axes.text(column, len(shown) - 0.45, head, color="0.35", **place)
        for row, i, star in zip(height, shown, stars, strict=True):
            mark = star if star == ("*" if is_fdr else "**") and head != "p" else ""
            axes.text(column, row, f"{p_text(values[i])} {mark}".rstrip(), **place)


def standardised(study: Study, fit: Fit, result: GroupResult) -> tuple[Array, Array, Array, str]:
    """Effect, lower and upper end, (m,), on a scale that structures share, and what it is.

    Cohen's d for a difference of groups, else gamma / residual sd; with weighted rows, where there is no single
    residual sd, a percentage of the structure's mean.

    Parameters
    ----------
    study : Study
    fit : Fit
    result : GroupResult

    Returns
    -------
    middle, low, high : (m,) array
    label : str
    """
    test = result.test
    low, high = (end[0] for end in test.interval())
    if fit.weights is not None:
        mean = np.abs(np.mean(fit.values, axis=0))
        unit, label = np.where(mean == 0, np.nan, mean) / 100, "gamma in % of the mean, 95 % interval"
    elif is_group_difference(test.matrix, fit.design):
        unit = fit.residual_sd * np.abs(test.matrix).sum() / 2
        label = "standardised difference (Cohen's d), 95 % interval"
    else:
        unit, label = fit.residual_sd, "gamma / residual sd, for one unit of the contrast, 95 % interval"
    return test.gamma[0] / unit, low / unit, high / unit, label


def what_is_tested(result: GroupResult, columns: tuple[str, ...]) -> str:
    """The contrast in the names of the columns; several rows beside each other.

    Parameters
    ----------
    result : GroupResult
    columns : tuple of str
        Names of the design's columns.

    Returns
    -------
    str
    """
    rows = [describe_row(row, columns) for row in result.test.matrix]
    text = " ; ".join(rows)
    return text if len(text) <= MAX_TITLE_LETTERS else f"{text[: MAX_TITLE_LETTERS - 3]}..."


def title_of(result: GroupResult, study: Study, width_inches: float, note: str) -> str:
    """Name and words of the contrast, and a note, in lines that fit into so many inches.

    Parameters
    ----------
    result : GroupResult
    study : Study
    width_inches : float
    note : str
        Second line; may be empty.

    Returns
    -------
    str
    """
    words, name = what_is_tested(result, study.columns), result.contrast.name
    words = words if words.replace(" ", "") == name else f"{name}: {words}"
    return plain("\n".join(in_lines(text, width_inches) for text in (words, note) if text))
