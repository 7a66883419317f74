"""The data of each structure with the fit, in panels on pages."""

import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from scipy import special

from ...files.figures import load_pyplot
from ...segmentation.structure_words import title_structure
from ..fit.glm import Array, Fit
from ..fit.results import CONFIDENCE_LEVEL, GroupResult
from ..fit.study import SCALED, Study
from .figure_style import COLORS, DEFAULT_FIGURES, LETTERS_PER_INCH, MARKERS, FigureOptions, plain, print_style
from .forest import marks, title_of
from .panels import Panel, choose_panel
from .plain_words import correction, p_text

PANELS_BESIDE = {1: 2, 2: 4}
"""Panels beside each other in a figure over one and two columns."""
ROWS = 6
"""Panels below each other on a page."""
PANEL_HEIGHT_INCHES, LINE_HEIGHT_INCHES = 1.62, 0.135
JITTER_CLASSES = 0.12
MAX_LABELS, MAX_LABEL_LETTERS = 3, 24
"""Names of subjects in a panel."""
TITLE_LETTERS_PER_INCH = 17
"""Of a panel's title, which is smaller than other text."""
OUTLYING_RESIDUAL = 3.0
"""A subject whose externally studentised residual is larger is named."""
GREY = {"color": "0.55", "linewidth": 0.7}
BAND_STEPS = 25
"""Places at which the band of a line is computed."""


def value_label(study: Study) -> str:
    """What stands beside the values of a figure."""
    word = study.measure.partition(":")[2] or "value"
    is_volume = word == "volume" or study.measure == "case"
    if study.options.etiv == SCALED:
        text = f"{'volume' if is_volume else plain(word)} / eTIV x 100000"
    else:
        text = "volume (mm$^3$)" if is_volume else plain(word)
    return f"log {text}" if study.options.logarithm else text


def structure_figures(
    study: Study,
    fit: Fit,
    result: GroupResult,
    unit: str,
    options: FigureOptions = DEFAULT_FIGURES,
    *,
    columns: int | None = None,
    rows: int = ROWS,
) -> Iterator[Any]:
    """Pages with a panel for each structure of the family.

    Parameters
    ----------
    study : Study
    fit : Fit
    result : GroupResult
    unit : str
        What stands beside the values; see `value_label`.
    options : FigureOptions
    columns, rows : int
        Panels beside and below each other on a page; default of columns: as many as fit.

    Yields
    ------
    matplotlib.figure.Figure
        To be closed by who takes it; `encode_figure` does.
    """
    shown = [int(i) for i in np.flatnonzero(result.family)]
    panel, columns = choose_panel(study, fit, result), columns or PANELS_BESIDE[options.columns]
    for start in range(0, len(shown), columns * rows):
        page = shown[start : start + columns * rows]
        beside = min(columns, len(page))
        yield _page(study, fit, result, panel=panel, page=page, unit=unit, columns=beside, options=options)


def _page(
    study: Study,
    fit: Fit,
    result: GroupResult,
    *,
    panel: Panel,
    page: list[int],
    unit: str,
    columns: int,
    options: FigureOptions,
) -> Any:
    rows, width = -(-len(page) // columns), options.width_inches
    title = title_of(result, study, width, panel.note)
    size = width, PANEL_HEIGHT_INCHES * rows + 0.35 + LINE_HEIGHT_INCHES * (title.count("\n") + 1)
    with print_style() as plt:
        figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, constrained_layout=True)
        for axes, i in zip(grid.ravel(), page, strict=False):
            _draw(axes, study, fit, panel, i, width / columns, labels=_named(result, i))
            axes.set_title(_panel_title(result, i, width / columns), fontsize=6.5, linespacing=1.15)
            axes.tick_params(labelsize=6.5)
            axes.spines[["top", "right"]].set_visible(False)
        for axes in grid.ravel()[len(page) :]:
            axes.axis("off")
        if study.design is not None:
            names = [group.name for group in study.design.classes]
            if len(names) > 1 and (panel.kind != "groups" or not _fit_below(names, width / columns)):
                _legend(figure, [f"{a} (n = {n})" for a, n in zip(names, study.design.class_sizes, strict=True)], width)
        figure.supylabel(unit, fontsize=7.5)
        figure.suptitle(title, fontsize=8)
    return figure


def _panel_title(result: GroupResult, i: int, width: float) -> str:
    """The structure, p, and the corrected p that the stars go by."""
    name, family_wise = correction(result)
    star, p = marks(result)[i], p_text(result.test.p[i])
    equal = "" if p.startswith("<") else "= "
    corrected = f"FDR {p_text(result.p_fdr[i])}" if star == "*" else f"{name} {p_text(family_wise[i])}"
    heading = textwrap.fill(
        title_structure(result.structures[i]), int(width * TITLE_LETTERS_PER_INCH), break_on_hyphens=False
    )
    return plain(f"{heading}\np {equal}{p}, {corrected} {star}".rstrip())


def _fit_below(names: Sequence[str], width: float) -> bool:
    """Whether names of classes can stand below a panel of so many inches, one beside the other."""
    return len(names) * (max(6, *map(len, names)) + 1) <= width * LETTERS_PER_INCH


def _legend(figure: Any, names: Sequence[str], width: float) -> None:
    """Draw the legend of the classes below the panels."""
    handles = [
        load_pyplot().Line2D(
            [], [], marker=MARKERS[c % len(MARKERS)], linestyle="", markersize=4, color=COLORS[c % len(COLORS)]
        )
        for c in range(len(names))
    ]
    beside = max(1, int(width * LETTERS_PER_INCH / (max(map(len, names)) + 6)))
    figure.legend(
        handles, list(map(plain, names)), loc="outside lower center", ncols=min(len(names), 6, beside), frameon=False,
        fontsize=7,
    )  # fmt: skip


def _named(result: GroupResult, i: int) -> list[int]:
    """Subjects who stand out or decide much of the result of a structure, the one that moves it most first."""
    if result.influence is None:
        return []
    stands_out = np.abs(result.influence.residual[:, i]) > OUTLYING_RESIDUAL
    rows = np.flatnonzero(result.influence.decisive[:, i] | stands_out)
    return [int(row) for row in rows[np.argsort(-result.influence.shift[rows, i])]]


def _draw(axes: Any, study: Study, fit: Fit, panel: Panel, i: int, width: float, *, labels: Sequence[int]) -> None:
    beta = fit.beta[:, i]
    y = fit.values[:, i] - panel.shift @ beta
    of = np.zeros(len(y), int) if study.design is None else np.array(study.design.class_of)
    color: Callable[[int], str] = lambda c: COLORS[c % len(COLORS)]  # noqa: E731
    jitter = np.random.default_rng(0).uniform(-JITTER_CLASSES, JITTER_CLASSES, len(y))
    if panel.kind == "groups" and study.design is not None:
        names = [group.name for group in study.design.classes]
        axes.boxplot(
            [y[of == c] for c in range(len(names))], positions=range(len(names)), widths=0.6, showfliers=False,
            medianprops=GREY, boxprops=GREY, whiskerprops=GREY, capprops=GREY,
        )  # fmt: skip
        under = [f"{name}\nn = {size}" for name, size in zip(names, study.design.class_sizes, strict=True)]
        axes.set_xticks(range(len(names)), list(map(plain, under)) if _fit_below(names, width) else [""] * len(names))
        x = panel.x + jitter
    elif panel.kind == "one":
        axes.set_xticks([])
        axes.set_xlim(-1, 1)
        x = panel.x + jitter
    else:
        x = fit.fitted[:, i] if panel.kind == "fitted" else panel.x
        axes.set_xlabel(plain(textwrap.shorten(panel.x_label, 48, placeholder=" ...")), fontsize=7)
    if labels:
        for row in labels[:MAX_LABELS]:
            right = x[row] > (x.min() + x.max()) / 2  # beside the point, towards the middle
            axes.annotate(
                plain(textwrap.shorten(study.subjects[row], MAX_LABEL_LETTERS, placeholder="...")), (x[row], y[row]),
                xytext=(-3 if right else 3, 0), textcoords="offset points", ha="right" if right else "left",
                va="center", fontsize=5.5, color="0.2",
            )  # fmt: skip
    size = 7 if len(y) < 200 else 2
    for c in np.unique(of):
        axes.scatter(
            x[of == c],
            y[of == c],
            s=size,
            color=color(int(c)),
            alpha=0.7,
            linewidths=0,
            marker=MARKERS[int(c) % len(MARKERS)],
        )
    if panel.kind == "fitted":
        ends = np.array([x.min(), x.max()])
        axes.plot(ends, ends, color="0.3", linewidth=0.8)
    for c, at, rows in panel.lines:
        shade = color(c) if c >= 0 else "0.2"
        if has_bands(panel):
            x_band, low, high = _band(fit, i, at, rows)
            axes.fill([*x_band, *x_band[::-1]], [*low, *high[::-1]], color=shade, alpha=0.15, linewidth=0)
        axes.plot(at, rows @ beta, color=shade, linewidth=1.5)


def has_bands(panel: Panel) -> bool:
    """Whether lines have a confidence band: those over a variable."""
    return panel.kind == "slope"


def _band(fit: Fit, i: int, at: Array, rows: Array) -> tuple[Array, Array, Array]:
    """Places along a line of the fit, and both ends of the 95 % confidence interval of the mean there."""
    places = np.linspace(at[0], at[-1], BAND_STEPS) if at[-1] > at[0] else at[[0, -1]]
    between = np.column_stack([np.interp(places, at, column) for column in rows.T])
    error = fit.residual_sd[i] * np.linalg.norm(fit.on_centred(between) @ fit.root, axis=1)
    half = special.stdtrit(fit.dof, 0.5 + CONFIDENCE_LEVEL / 2) * error
    middle = between @ fit.beta[:, i]
    return places, middle - half, middle + half
