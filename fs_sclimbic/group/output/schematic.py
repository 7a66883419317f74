"""A schematic picture of the 13 structures in three planes, coloured by the size of an effect."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from ...files.resources import data_file
from ...segmentation.structure_words import title_structure
from ..fit.glm import Array, Fit
from ..fit.results import GroupResult
from ..fit.study import Study
from .figure_style import DEFAULT_FIGURES, FigureOptions, plain, print_style
from .forest import marks, standardised, title_of
from .plain_words import directions, sizes

DATA = "schematic.json"
"""Outlines, made by benchmarks/make_schematic.py."""
ABBREVIATIONS = {
    "Nucleus-Accumbens": "NAc",
    "HypoThal-noMB": "Hyp",
    "Fornix": "Fx",
    "MammillaryBody": "MB",
    "AntCom": "AC",
    "Basal-Forebrain": "BF",
    "SeptalNuc": "Sep",
}
"""What is written on a structure, where there is room."""
BOTH_SIDES = "Bilateral"
DIVERGING = ("#004a75", "#0072b2", "#9ecae8", "#ffffff", "#fbc9a0", "#d55e00", "#8a3d00")
SEQUENTIAL = ("#ffffff", "#fbc9a0", "#d55e00", "#8a3d00")
"""Colours that colour-blind readers tell apart: blue, white, vermilion."""
BRAIN_COLOR, WHITE_MATTER_COLOR, ABSENT_COLOR = "#dcdcdc", "#f0f0f0", "#bdbdbd"
FIRST_LINE_INCHES, LINE_HEIGHT_INCHES, VIEW_TITLE_INCHES = 0.22, 0.13, 0.18
MIN_LABEL_AREA_MM2 = 26.0
"""A smaller outline has no room for letters."""
WITHOUT_LETTERS = {("Basal-Forebrain", "sagittal"), ("Fornix", "axial"), ("AntCom", "axial"), ("AntCom", "sagittal")}
"""Mostly hidden, or too small."""
COLOR_BAR_MM = 78.0
"""Its place among the views, as wide as a view from the midline."""
SMALLEST_RANGE = 0.1
LAYOUTS = {1: (("left, from", "right, from"), ("y = 9", "y = 3"), ("y = -3 ", "y = -8.5"), ("axial", "")),
           2: (("left, from", "axial", "right, from", ""), ("y = 9", "y = 3", "y = -3 ", "y = -8.5"))}  # fmt: skip
"""Views in rows for figures over one and two columns, by words of their titles; empty: the colour bar."""


@cache
def read_views() -> tuple[dict[str, Any], ...]:
    """The views of the shipped outlines; x to the right and y downwards, in mm of MNI152."""
    return tuple(json.loads(data_file("templates", DATA).read_text("utf-8"))["views"])


def coloured_structures(result: GroupResult) -> dict[str, int]:
    """Position in the result of each structure that has an outline; both sides of one that is a sum of both.

    Parameters
    ----------
    result : GroupResult

    Returns
    -------
    dict of str to int
    """
    drawn = {part["name"] for view in read_views() for part in view["structures"]}
    found: dict[str, int] = {}
    for i, name in enumerate(result.structures):
        side, _, rest = name.partition("-")
        sides = [f"Left-{rest}", f"Right-{rest}"] if side == BOTH_SIDES else [name]
        found |= {one: i for one in sides if one in drawn and result.family[i]}
    return found


def effect_of(study: Study, fit: Fit, result: GroupResult) -> tuple[Array, str]:
    """What colours show, (m,), and its name: the forest plot's effect, or partial eta^2 for several rows.

    Parameters
    ----------
    study : Study
    fit : Fit
    result : GroupResult

    Returns
    -------
    effect : (m,) array
    label : str
    """
    if not result.test.is_t:
        return result.test.partial_eta2, "partial eta squared"
    middle, _, _, label = standardised(study, fit, result)
    return middle, label.removesuffix(", 95 % interval")


def schematic_figure(study: Study, fit: Fit, result: GroupResult, options: FigureOptions = DEFAULT_FIGURES) -> Any:
    """The picture of a contrast.

    Parameters
    ----------
    study : Study
    fit : Fit
    result : GroupResult
        With a structure that has an outline; see `coloured_structures`.
    options : FigureOptions

    Returns
    -------
    matplotlib.figure.Figure
    """
    place = coloured_structures(result)
    effect, label = effect_of(study, fit, result)
    size = max(SMALLEST_RANGE, float(np.ceil(np.nanmax(np.abs(effect[list(place.values())])) * 10) / 10))
    stars = marks(result)
    with print_style() as plt:
        colors = plt.matplotlib.colors
        shades = colors.LinearSegmentedColormap.from_list("effect", DIVERGING if result.test.is_t else SEQUENTIAL)
        scale = colors.Normalize(-size if result.test.is_t else 0, size)
        fill = {name: shades(scale(effect[i])) for name, i in place.items()}
        bold = {name for name, i in place.items() if stars[i]}
        layout = LAYOUTS[options.columns]
        title = title_of(result, study, options.width_inches, sizes(study))
        figure = plt.figure(figsize=(options.width_inches, 1.0))
        rows = [[_view(word) for word in words] for words in layout]
        shares = [[_extent(view)[0] if view else COLOR_BAR_MM for view in row] for row in rows]
        width = options.width_inches
        heights = [_extent(row[0])[1] / sum(share) * width for row, share in zip(rows, shares, strict=True)]
        head = FIRST_LINE_INCHES + LINE_HEIGHT_INCHES * title.count("\n")
        total = head + sum(heights) + VIEW_TITLE_INCHES * len(rows) + 0.03
        figure.set_figheight(total)
        figure.suptitle(title, fontsize=8, x=0.01, ha="left", y=1 - 0.06 / total, va="top")
        top = total - head
        for row, share, tall in zip(rows, shares, heights, strict=True):
            top -= VIEW_TITLE_INCHES
            edges = np.concatenate([[0], np.cumsum(share)]) / sum(share)
            for view, left, right in zip(row, edges[:-1], edges[1:], strict=True):
                axes = figure.add_axes((left + 0.005, (top - tall) / total, right - left - 0.01, tall / total))
                axes.axis("off")
                if view:
                    _draw_view(axes, view, fill, bold)
                else:
                    _color_bar(figure, axes, shades, scale, label, study, result)
            top -= tall
    return figure


def _draw_view(axes: Any, view: Mapping[str, Any], fill: Mapping[str, Any], bold: set[str]) -> None:
    for key, color in (("brain", BRAIN_COLOR), ("white", WHITE_MATTER_COLOR)):
        if view[key]:
            axes.add_patch(_patch(view[key], facecolor=color, edgecolor="none"))
    for part in view["structures"]:
        name = part["name"]
        known = {"facecolor": fill[name]} if name in fill else {"facecolor": ABSENT_COLOR, "hatch": "//////"}
        edge = {"edgecolor": "black", "linewidth": 1.4} if name in bold else {"edgecolor": "0.35", "linewidth": 0.5}
        axes.add_patch(_patch(part["path"], **known, **edge))
    for part in view["structures"]:
        _write_abbreviation(axes, view, part, fill)
    left, right, bottom, top = view["window"]
    axes.set_xlim(left, right)
    axes.set_ylim(-bottom, -top)
    axes.set_aspect("equal")
    axes.set_title(view["title"], fontsize=6.5, pad=2)
    if view["plane"] != "sagittal":
        for at, side, align in ((0.02, "L", "left"), (0.98, "R", "right")):
            axes.text(at, 0.97, side, transform=axes.transAxes, ha=align, va="top", fontsize=7.5, weight="bold")
    else:
        for at, end, align in ((0.02, left, "left"), (0.98, right, "right")):
            words = "front" if (end == left) == (view["side"] == "right") else "back"
            axes.text(at, 0.03, words, transform=axes.transAxes, ha=align, va="bottom", fontsize=5.5, color="0.3")


def _write_abbreviation(axes: Any, view: Mapping[str, Any], part: Mapping[str, Any], fill: Mapping[str, Any]) -> None:
    """Letters on the largest outline, or beside one without room; of slices on the right half alone."""
    name, rest = part["name"], part["name"].partition("-")[2]
    ring = max(_rings(part["path"]), key=_area)
    side_view = view["plane"] == "sagittal"
    if (not side_view and name.startswith("Left-")) or (rest, view["plane"]) in WITHOUT_LETTERS:
        return
    (x, y), inside = (ring.min(0) + ring.max(0)) / 2, _area(ring) >= MIN_LABEL_AREA_MM2
    if rest == "Fornix" and side_view:  # an arch: its middle lies outside of it
        x, y = ring[np.argmin(ring[:, 1])] + [0, 2.2]
    elif rest == "HypoThal-noMB":
        if not inside:
            return
        if view["plane"] == "coronal":
            y += 4.5  # the fornix runs through its middle
        elif not side_view:
            y, inside = ring[:, 1].max() + 2.5, False
    elif not inside or rest == "AntCom":
        inside = False
        if rest == "AntCom" and not (view["plane"] == "coronal" and np.ptp(ring[:, 0]) > 20):
            return
        if rest == "AntCom":
            y = ring[np.argmax(ring[:, 0]), 1]
        elif rest == "Fornix":
            y = ring[:, 1].min() + 2
        back_is_left = not side_view or view["side"] == "left"
        x = ring[:, 0].min() - 3.6 if side_view and back_is_left else ring[:, 0].max() + 3.6
    dark = inside and name in fill and np.dot(fill[name][:3], (0.3, 0.6, 0.1)) < 0.5
    axes.text(x, y, ABBREVIATIONS[rest], ha="center", va="center", fontsize=5.5, color="white" if dark else "0.1")


def _view(word: str) -> dict[str, Any]:
    """The view of a layout; empty for the colour bar."""
    return next((view for view in read_views() if word and word in view["title"]), {})


def _extent(view: Mapping[str, Any]) -> tuple[float, float]:
    """Width and height of a view, mm."""
    left, right, bottom, top = view["window"]
    return right - left, top - bottom


def _color_bar(figure: Any, axes: Any, shades: Any, scale: Any, label: str, study: Study, result: GroupResult) -> None:
    box = axes.get_position()
    bar = figure.add_axes((box.x0 + box.width * 0.12, box.y0 + box.height * 0.5, box.width * 0.76, box.height * 0.09))
    with print_style() as plt:
        figure.colorbar(plt.cm.ScalarMappable(scale, shades), cax=bar, orientation="horizontal")
    bar.tick_params(labelsize=6.5, length=2)
    bar.set_title("\n".join(_short_lines(label)), fontsize=6.5, pad=4)
    if result.test.is_t:
        side = directions(study, result)
        words = f"\u2190 {side.down}\n{side.up} \u2192"
        axes.text(0.5, 0.26, plain(words), transform=axes.transAxes, ha="center", va="top", fontsize=6.5)


def _short_lines(label: str) -> list[str]:
    head, bracket, rest = label.partition(" (")
    return [head, bracket.strip() + rest] if bracket else label.split(", ", 1)


def _rings(path: str) -> list[Array]:
    return [
        np.array([[float(number) for number in point.split()] for point in ring.rstrip("Z").split("L")])
        for ring in path.split("M")[1:]
    ]


def _area(ring: Array) -> float:
    x, y = ring.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def _patch(path: str, **looks: Any) -> Any:
    """A patch of matplotlib for a path of SVG that has M, L and Z alone."""
    with print_style() as plt:
        patches, paths = plt.matplotlib.patches, plt.matplotlib.path.Path
        points, codes = list[Array](), list[int]()
        for ring in _rings(path):
            points += [ring, ring[:1]]
            codes += [paths.MOVETO, *[paths.LINETO] * (len(ring) - 1), paths.CLOSEPOLY]
        return patches.PathPatch(paths(np.concatenate(points), codes), **looks)


def legend_of_abbreviations() -> str:
    """What the letters on the structures stand for."""
    return ", ".join(f"{short}: {title_structure(name).lower()}" for name, short in ABBREVIATIONS.items())
