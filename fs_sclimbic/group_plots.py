"""Figures of a group analysis: a forest plot over structures, and the data of each structure with the fit."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .design import Design
from .errors import UsageError
from .glm import Array, Fit
from .group_results import GroupResult, describe_row, is_group_difference
from .group_study import Study

DPI = 110
COLUMNS, ROWS = 4, 6
"""Panels on a page."""
ALPHA = 0.05
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
"""Okabe and Ito's, told apart by colour-blind readers too."""
JITTER = 0.12


def pyplot() -> Any:
    """Matplotlib without a window.

    Raises
    ------
    UsageError
        If matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise UsageError('figures need matplotlib: python -m pip install "fs_sclimbic[group]"') from error
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def marks(result: GroupResult) -> list[str]:
    """One a structure: ``**`` where family-wise corrected p < 0.05, ``*`` where only the FDR is, else nothing."""
    family_wise = result.p_holm if result.permutation is None else result.permutation.p_fwe
    return [
        "**" if fwe < ALPHA else "*" if fdr < ALPHA else "" for fwe, fdr in zip(family_wise, result.p_fdr, strict=True)
    ]


def forest_plot(study: Study, fit: Fit, result: GroupResult) -> bytes:
    """A PNG: the effect on each structure of the family, with its 95 % interval; for several rows partial eta^2."""
    plt = pyplot()
    shown = np.flatnonzero(result.family)
    height = np.arange(len(shown))[::-1]
    stars = [marks(result)[i] for i in shown]
    figure, axes = plt.subplots(figsize=(8.5, 1.6 + 0.34 * max(len(shown), 3)), constrained_layout=True)
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
    axes.set_yticks(height, [result.structures[i] for i in shown], fontsize=9)
    axes.set_ylim(-0.7, len(shown) - 0.3)
    axes.set_xlabel(label)
    axes.spines[["top", "right"]].set_visible(False)
    corrected = "Holm" if result.permutation is None else "permutation"
    axes.set_title(
        f"{result.contrast.name}: {what_is_tested(result, study.columns)}\n"
        f"n = {len(study.subjects)}; ** {corrected} family-wise p < {ALPHA:g}, * only FDR < {ALPHA:g}",
        fontsize=10, loc="left",
    )  # fmt: skip
    return _png(figure)


def standardised(study: Study, fit: Fit, result: GroupResult) -> tuple[Array, Array, Array, str]:
    """Effect, lower and upper end, (m,), on a scale that structures share, and what it is.

    Cohen's d for a difference of groups, else gamma / residual sd; with weighted rows, where there is no single
    residual sd, a percentage of the structure's mean.
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
    """The contrast in the names of the columns; several rows beside each other."""
    rows = [describe_row(row, columns) for row in result.test.matrix]
    text = " ; ".join(rows)
    return text if len(text) <= 110 else f"{text[:107]}..."


@dataclass(frozen=True, eq=False)
class Panel:
    """How a contrast is shown for a structure: x of each subject, and y given a column of the fit."""

    kind: str
    """``groups``, ``slope``, ``added`` (an added-variable plot) or ``fitted`` (observed against fitted)."""
    x_label: str
    x: Array
    """(n,); for groups the number of the class."""
    shift: Array
    """(n, p): rows of the design as they are minus rows as they are shown; y is moved by shift times beta."""
    lines: tuple[tuple[int, Array, Array], ...] = ()
    """Class (or -1), x (k,), and rows of the design (k, p) whose fit is drawn over them."""
    note: str = ""


def choose_panel(study: Study, fit: Fit, result: GroupResult) -> Panel:
    """What the data of a contrast look like best.

    Slopes of a variable: the variable against the values, lines of the fit. Groups: points of each class, adjusted to
    the mean of the variables. Where no FSGD tells classes: an added-variable plot, whose slope is the contrast.
    """
    design, used = study.design, np.flatnonzero(np.any(result.test.matrix != 0, axis=0))
    if design is not None and study.columns[: len(design.columns)] == design.columns:
        classes = len(design.classes)
        if used.max() < len(design.columns):
            variables = {int(v) for v in (used[used >= classes] - classes) // _stride(design)}
            if not variables:
                at_zero = design.method == "dods" and not design.demean and len(used) > 1
                if at_zero and len(design.variables) == 1:
                    return _slope_panel(fit, design, 0, to_zero=True)
                return _group_panel(fit, design, at_zero=at_zero)
            if len(variables) == 1 and fit.design.shape[0] > 1:
                return _slope_panel(fit, design, variables.pop())
    if result.test.is_t:
        spread = result.test.matrix @ fit.inverse @ result.test.matrix.T
        x = (fit.design @ fit.inverse @ result.test.matrix.T / spread)[:, 0]
        # As shown, a row is its part along the contrast: the fit of it is x times gamma.
        along, ends = x[:, None] * result.test.matrix[0], np.array([x.min(), x.max()])
        return Panel(
            "added", f"{describe_row(result.test.matrix[0], study.columns)}, given the rest", x, fit.design - along,
            ((-1, ends, ends[:, None] * result.test.matrix[0]),),
            "added-variable plot: both axes without what the rest of the design explains",
        )  # fmt: skip
    return Panel("fitted", "fitted", np.zeros(len(fit.design)), np.zeros(fit.design.shape))


def _stride(design: Design) -> int:
    """Columns of the design for each variable."""
    return len(design.classes) if design.method == "dods" else 1


def _variables(fit: Fit, design: Design) -> Array:
    """(n, nv): the variables as they stand in the design, demeaned or not."""
    classes, stride = len(design.classes), _stride(design)
    of_variables = fit.design[:, classes : classes + stride * len(design.variables)]
    return np.asarray(of_variables.reshape(len(fit.design), len(design.variables), stride).sum(2))


def _rows(design: Design, classes: NDArray[np.intp], variables: Array, width: int) -> Array:
    """Rows of the design for classes (k,) and variables (k, nv); further columns (eTIV, centred) are 0."""
    count, stride = len(design.classes), _stride(design)
    rows = np.zeros((len(classes), width))
    rows[np.arange(len(classes)), classes] = 1
    for v in range(variables.shape[1]):
        rows[np.arange(len(classes)), count + v * stride + (classes if stride > 1 else 0)] = variables[:, v]
    return rows


def _group_panel(fit: Fit, design: Design, *, at_zero: bool) -> Panel:
    variables, of = _variables(fit, design), np.array(design.class_of)
    mean = np.tile(variables.mean(0), (len(of), 1))
    shown = _rows(design, of, mean, fit.design.shape[1])
    middle = np.arange(len(design.classes))
    fits = _rows(design, middle, mean[: len(middle)], fit.design.shape[1])
    lines = tuple((c, np.array([c - 0.3, c + 0.3]), np.tile(fits[c], (2, 1))) for c in range(len(middle)))
    names = [*design.variables, *(["eTIV"] if fit.design.shape[1] > len(design.columns) else [])]
    note = f"values adjusted to the mean of {', '.join(names)}" if names else ""
    if at_zero and design.variables:
        note += f"; the contrast compares classes at {' and '.join(f'{name} = 0' for name in design.variables)}"
    return Panel("groups", "", of.astype(float), fit.design - shown, lines, note)


def _slope_panel(fit: Fit, design: Design, v: int, *, to_zero: bool = False) -> Panel:
    """Lines of the classes over a variable; if the contrast compares them at 0, drawn to there."""
    variables, of, raw = _variables(fit, design), np.array(design.class_of), design.values[:, v]
    others = np.tile(variables.mean(0), (len(of), 1))
    others[:, v] = variables[:, v]
    shown = _rows(design, of, others, fit.design.shape[1])
    lines = []
    for c in range(len(design.classes)):
        members = np.flatnonzero(of == c)
        ends = members[[np.argmin(raw[members]), np.argmax(raw[members])]]
        at, rows = raw[ends], shown[ends]
        if to_zero:
            zero = _rows(design, np.array([c]), np.zeros((1, variables.shape[1])), fit.design.shape[1])
            order = np.argsort([*at, 0.0], kind="stable")
            at, rows = np.array([*at, 0.0])[order], np.vstack([rows, zero])[order]
        lines.append((c, at, rows))
    names = [name for i, name in enumerate(design.variables) if i != v]
    names += ["eTIV"] if fit.design.shape[1] > len(design.columns) else []
    note = f"values adjusted to the mean of {', '.join(names)}" if names else ""
    if to_zero:
        note = "; ".join(filter(None, (note, f"the contrast compares the lines where {design.variables[v]} = 0")))
    return Panel("slope", design.variables[v], raw, fit.design - shown, tuple(lines), note)


def structure_plots(study: Study, fit: Fit, result: GroupResult, unit: str) -> list[bytes]:
    """PNGs with a panel for each structure of the family, several pages where there are many."""
    shown = [int(i) for i in np.flatnonzero(result.family)]
    pages = [shown[start : start + COLUMNS * ROWS] for start in range(0, len(shown), COLUMNS * ROWS)]
    panel = choose_panel(study, fit, result)
    return [_page(study, fit, result, panel, page, unit) for page in pages]


def _page(study: Study, fit: Fit, result: GroupResult, panel: Panel, page: list[int], unit: str) -> bytes:
    plt = pyplot()
    columns = min(COLUMNS, len(page))
    rows = -(-len(page) // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(3.3 * columns, 2.9 * rows + 0.7), squeeze=False, constrained_layout=True
    )
    star = marks(result)
    for axes, i in zip(grid.ravel(), page, strict=False):
        _draw(axes, study, fit, panel, i)
        axes.set_title(f"{result.structures[i]}  p {_p(result.test.p[i])} {star[i]}", fontsize=8.5)
        axes.tick_params(labelsize=7.5)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in grid.ravel()[len(page) :]:
        axes.axis("off")
    if study.design is not None and panel.kind in ("slope", "added", "fitted"):
        handles = [
            plt.Line2D([], [], marker="o", linestyle="", color=COLORS[c % len(COLORS)], label=group.name)
            for c, group in enumerate(study.design.classes)
        ]
        figure.legend(
            handles=handles, loc="outside lower center", ncols=min(len(handles), 6), frameon=False, fontsize=8
        )
    figure.supylabel(unit, fontsize=9)
    figure.suptitle(
        f"{result.contrast.name}: {what_is_tested(result, study.columns)}" + (f"\n{panel.note}" if panel.note else ""),
        fontsize=10,
    )
    return _png(figure)


def _draw(axes: Any, study: Study, fit: Fit, panel: Panel, i: int) -> None:
    beta = fit.beta[:, i]
    y = fit.values[:, i] - panel.shift @ beta
    of = np.zeros(len(y), int) if study.design is None else np.array(study.design.class_of)
    color: Callable[[int], str] = lambda c: COLORS[c % len(COLORS)]  # noqa: E731
    if panel.kind == "groups" and study.design is not None:
        names = [group.name for group in study.design.classes]
        axes.boxplot(
            [y[of == c] for c in range(len(names))], positions=range(len(names)), widths=0.6, showfliers=False,
            medianprops={"color": "0.5"}, boxprops={"color": "0.5"}, whiskerprops={"color": "0.5"},
            capprops={"color": "0.5"},
        )  # fmt: skip
        scatter = np.random.default_rng(0).uniform(-JITTER, JITTER, len(y))
        axes.set_xticks(range(len(names)), names)
        x = panel.x + scatter
    else:
        x = fit.fitted[:, i] if panel.kind == "fitted" else panel.x
        axes.set_xlabel(panel.x_label if len(panel.x_label) < 45 else f"{panel.x_label[:42]}...", fontsize=8)
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


def _png(figure: Any) -> bytes:
    content = io.BytesIO()
    # Without the version of matplotlib in it, the same data give the same bytes.
    figure.savefig(content, dpi=DPI, format="png", metadata={"Software": None})
    pyplot().close(figure)
    return content.getvalue()
