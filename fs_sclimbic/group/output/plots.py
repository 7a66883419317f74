"""Figures of a group analysis: a forest plot over structures, and the data of each structure with the fit."""

import io
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ...files.figures import load_pyplot
from ..fit.glm import Array, Fit
from ..fit.results import GroupResult, describe_row, is_group_difference
from ..fit.study import SCALED, Study
from ..text_files import displayable
from .panels import Panel, choose_panel

DPI = 110
COLUMNS, ROWS = 4, 6
"""Panels on a page."""
SIGNIFICANT_P = 0.05
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
"""Okabe and Ito's, told apart by colour-blind readers too."""
JITTER_CLASSES = 0.12
LETTERS_PER_INCH = 12
"""About so many letters of 10 points stand in an inch; of smaller ones more."""
FOREST_WIDTH_INCHES, PANEL_WIDTH_INCHES, PANEL_HEIGHT_INCHES, LINE_HEIGHT_INCHES = 8.5, 3.3, 2.9, 0.17
"""Inches."""
MAX_LABELS, MAX_LABEL_LETTERS = 3, 24
"""Names of subjects in a panel."""
MAX_TITLE_LETTERS = 300
"""A contrast in words is cut here, and ends with dots."""


def marks(result: GroupResult) -> list[str]:
    """One a structure: ``**`` where family-wise corrected p < 0.05, ``*`` where only the FDR is, else nothing."""
    family_wise = result.p_holm if result.permutation is None else result.permutation.p_fwe
    return [
        "**" if fwe < SIGNIFICANT_P else "*" if fdr < SIGNIFICANT_P else ""
        for fwe, fdr in zip(family_wise, result.p_fdr, strict=True)
    ]


def forest_figure(study: Study, fit: Fit, result: GroupResult) -> Any:
    """The effect on each structure of the family, with its 95 % interval; for several rows partial eta^2.

    Parameters
    ----------
    study : Study
    fit : Fit
    result : GroupResult

    Returns
    -------
    matplotlib.figure.Figure
    """
    plt = load_pyplot()
    shown = np.flatnonzero(result.family)
    height = np.arange(len(shown))[::-1]
    stars = [marks(result)[i] for i in shown]
    corrected = "Holm" if result.permutation is None else "permutation"
    counted = (
        f"n = {len(study.subjects)}; ** {corrected} family-wise p < {SIGNIFICANT_P:g}, * only FDR < {SIGNIFICANT_P:g}"
    )
    title = _title(result, study, FOREST_WIDTH_INCHES, counted)
    size = FOREST_WIDTH_INCHES, 1.4 + LINE_HEIGHT_INCHES * title.count("\n") + 0.34 * max(len(shown), 3)
    figure, axes = plt.subplots(figsize=size, constrained_layout=True)
    color = [COLORS[1] if star == "**" else COLORS[4] if star else "0.55" for star in stars]
    if result.test.is_t:
        middle, low, high, label = standardised(study, fit, result)
        for row, i, shade, star in zip(height, shown, color, stars, strict=True):
            axes.plot([low[i], high[i]], [row, row], color=shade, linewidth=2)
            face = shade if star else "white"
            axes.plot(middle[i], row, "o", color=shade, markerfacecolor=face, markersize=7, markeredgewidth=1.6)
        axes.axvline(0, color="0.3", linewidth=0.8)
    else:
        axes.barh(height, result.test.partial_eta2[shown], color=color, height=0.6)
        axes.set_xlim(left=0)
        label = "partial eta$^2$"
    for row, i, star in zip(height, shown, stars, strict=True):
        axes.text(
            1.01, row, f"p {_p(result.test.p[i])}  FDR {_p(result.p_fdr[i])} {star}",
            transform=axes.get_yaxis_transform(), va="center", fontsize=8,
        )  # fmt: skip
    axes.set_yticks(height, [_plain(result.structures[i]) for i in shown], fontsize=9)
    axes.set_ylim(-0.7, len(shown) - 0.3)
    axes.set_xlabel(label)
    axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    return figure


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
        label = "standardised difference (gamma / residual sd), 95 % interval"
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


def value_label(study: Study) -> str:
    """What stands beside the values of a figure."""
    word = study.measure.partition(":")[2] or "value"
    is_volume = word == "volume" or study.measure == "case"
    if study.options.etiv == SCALED:
        text = f"{'volume' if is_volume else _plain(word)} / eTIV x 100000"
    else:
        text = "volume (mm$^3$)" if is_volume else _plain(word)
    return f"log {text}" if study.options.logarithm else text


def _title(result: GroupResult, study: Study, width: float, note: str) -> str:
    """Name and words of the contrast, and a note, in lines that fit into so many inches."""
    words = f"{result.contrast.name}: {what_is_tested(result, study.columns)}"
    lines = [
        textwrap.fill(text, int(width * LETTERS_PER_INCH), break_on_hyphens=False) for text in (words, note) if text
    ]
    return _plain("\n".join(lines))


def _plain(text: str) -> str:
    """A name with its dollars escaped: matplotlib takes text between dollars for a formula."""
    return displayable(text).replace("$", r"\$")


def structure_figures(
    study: Study, fit: Fit, result: GroupResult, unit: str, *, columns: int = COLUMNS, rows: int = ROWS
) -> Iterator[Any]:
    """Pages with a panel for each structure of the family.

    Parameters
    ----------
    study : Study
    fit : Fit
    result : GroupResult
    unit : str
        What stands beside the values; see `value_label`.
    columns, rows : int
        Panels beside and below each other on a page.

    Yields
    ------
    matplotlib.figure.Figure
        To be closed by who takes it; `encode_png` does.
    """
    shown = [int(i) for i in np.flatnonzero(result.family)]
    panel = choose_panel(study, fit, result)
    for start in range(0, len(shown), columns * rows):
        page = shown[start : start + columns * rows]
        yield _page(study, fit, result, panel=panel, page=page, unit=unit, columns=min(columns, len(page)))


def _page(
    study: Study, fit: Fit, result: GroupResult, *, panel: Panel, page: list[int], unit: str, columns: int
) -> Any:
    plt = load_pyplot()
    rows = -(-len(page) // columns)
    title = _title(result, study, PANEL_WIDTH_INCHES * columns, panel.note)
    size = PANEL_WIDTH_INCHES * columns, PANEL_HEIGHT_INCHES * rows + 0.5 + LINE_HEIGHT_INCHES * title.count("\n")
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, constrained_layout=True)
    star = marks(result)
    for axes, i in zip(grid.ravel(), page, strict=False):
        _draw(axes, study, fit, panel, i, labels=_decisive(result, i))
        axes.set_title(f"{_plain(result.structures[i])}  p {_p(result.test.p[i])} {star[i]}", fontsize=8.5)
        axes.tick_params(labelsize=7.5)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in grid.ravel()[len(page) :]:
        axes.axis("off")
    if study.design is not None:
        names = [group.name for group in study.design.classes]
        if len(names) > 1 and (panel.kind != "groups" or not _fit_below(names)):
            _legend(figure, names, PANEL_WIDTH_INCHES * columns)
    figure.supylabel(unit, fontsize=9)
    figure.suptitle(title, fontsize=10)
    return figure


def _fit_below(names: Sequence[str]) -> bool:
    """Whether names of classes can stand below a panel, one beside the other."""
    return len(names) * max(map(len, names)) <= PANEL_WIDTH_INCHES * LETTERS_PER_INCH


def _legend(figure: Any, names: Sequence[str], width: float) -> None:
    """Draw the legend of the classes below the panels."""
    handles = [
        load_pyplot().Line2D([], [], marker="o", linestyle="", color=COLORS[c % len(COLORS)]) for c in range(len(names))
    ]
    beside = max(1, int(width * LETTERS_PER_INCH / (max(map(len, names)) + 6)))
    figure.legend(
        handles, list(map(_plain, names)), loc="outside lower center", ncols=min(len(names), 6, beside), frameon=False,
        fontsize=8,
    )  # fmt: skip


def _decisive(result: GroupResult, i: int) -> list[int]:
    """Subjects who decide much of the result of a structure, the one that moves it most first."""
    if result.influence is None:
        return []
    rows = np.flatnonzero(result.influence.decisive[:, i])
    return [int(row) for row in rows[np.argsort(-result.influence.shift[rows, i])]]


def _draw(axes: Any, study: Study, fit: Fit, panel: Panel, i: int, *, labels: Sequence[int] = ()) -> None:
    beta = fit.beta[:, i]
    y = fit.values[:, i] - panel.shift @ beta
    of = np.zeros(len(y), int) if study.design is None else np.array(study.design.class_of)
    color: Callable[[int], str] = lambda c: COLORS[c % len(COLORS)]  # noqa: E731
    jitter = np.random.default_rng(0).uniform(-JITTER_CLASSES, JITTER_CLASSES, len(y))
    if panel.kind == "groups" and study.design is not None:
        names = [group.name for group in study.design.classes]
        axes.boxplot(
            [y[of == c] for c in range(len(names))], positions=range(len(names)), widths=0.6, showfliers=False,
            medianprops={"color": "0.5"}, boxprops={"color": "0.5"}, whiskerprops={"color": "0.5"},
            capprops={"color": "0.5"},
        )  # fmt: skip
        axes.set_xticks(range(len(names)), list(map(_plain, names)) if _fit_below(names) else [""] * len(names))
        x = panel.x + jitter
    elif panel.kind == "one":
        axes.set_xticks([])
        axes.set_xlim(-1, 1)
        x = panel.x + jitter
    else:
        x = fit.fitted[:, i] if panel.kind == "fitted" else panel.x
        axes.set_xlabel(_plain(textwrap.shorten(panel.x_label, 48, placeholder=" ...")), fontsize=8)
    if labels:
        for row in labels[:MAX_LABELS]:
            axes.annotate(
                _plain(textwrap.shorten(study.subjects[row], MAX_LABEL_LETTERS, placeholder="...")), (x[row], y[row]),
                xytext=(0, 5), textcoords="offset points", ha="center", fontsize=6.5, color="0.2",
            )  # fmt: skip
    size = 16 if len(y) < 200 else 4
    for c in np.unique(of):
        axes.scatter(x[of == c], y[of == c], s=size, color=color(int(c)), alpha=0.7, linewidths=0)
    if panel.kind == "fitted":
        ends = np.array([x.min(), x.max()])
        axes.plot(ends, ends, color="0.3", linewidth=1)
    for c, at, rows in panel.lines:
        axes.plot(at, rows @ beta, color=color(c) if c >= 0 else "0.2", linewidth=2)


def _p(p: float) -> str:
    return "n/a" if np.isnan(p) else "< 0.0001" if p < 0.0001 else f"{p:.4f}" if p < 0.01 else f"{p:.3f}"


def encode_png(figure: Any) -> bytes:
    """The bytes of a figure as PNG; the figure is closed."""
    content = io.BytesIO()
    # Without the version of matplotlib in it, the same data give the same bytes.
    figure.savefig(content, dpi=DPI, format="png", metadata={"Software": None})
    load_pyplot().close(figure)
    return content.getvalue()
