"""What a harmonisation changed: mean and spread of each site before and after, as a table and as a figure."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...files.figures import load_pyplot
from .harmonize_table import HarmonizedTable

Array = NDArray[np.float64]
COLUMNS = {
    "structure": "column of the table",
    "site": "label of the site",
    "n": "subjects of the site in the table",
    "mean_before": "mean of the site, adjusted to the mean of the kept columns",
    "mean_after": "the same after the harmonisation",
    "sd_before": "standard deviation within the site, without the kept effects",
    "sd_after": "the same after the harmonisation",
    "shift": "what was taken off the site's mean (gamma*, in the unit of the values)",
    "spread": "by what the site's deviations were divided (the root of delta*)",
}
"""Columns of the file of sites, and what they hold."""
SITE_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
"""Okabe and Ito (2008), which colour-blind readers tell apart."""
PANELS_A_ROW = 4


@dataclass(frozen=True, eq=False)
class AdjustedValues:
    """Values at the mean of the kept columns, (n, m)."""

    before: Array
    after: Array


def adjusted_values(harmonized: HarmonizedTable) -> AdjustedValues:
    """Values before and after, without the kept effects, at the mean of the kept columns.

    Parameters
    ----------
    harmonized : HarmonizedTable

    Returns
    -------
    AdjustedValues
    """
    place = [harmonized.table.columns.index(name) for name in harmonized.model.structures]
    effect = (harmonized.kept - harmonized.kept.mean(axis=0)) @ harmonized.model.combat.slopes
    return AdjustedValues(harmonized.before.values[:, place] - effect, harmonized.table.values[:, place] - effect)


def format_site_effects(harmonized: HarmonizedTable) -> str:
    """The text of the file of sites: a row for each structure and site, ten digits; see `COLUMNS`."""
    values, model = adjusted_values(harmonized), harmonized.model
    lines = ["\t".join(COLUMNS)]
    for k, structure in enumerate(model.structures):
        for index, site in enumerate(model.sites):
            members = harmonized.site_of == index
            n = int(members.sum())
            before, after = values.before[members, k], values.after[members, k]
            shift = model.combat.shift[index, k] * model.combat.pooled_sd[k]
            numbers = [
                before.mean() if n else np.nan,
                after.mean() if n else np.nan,
                before.std(ddof=1) if n > 1 else np.nan,
                after.std(ddof=1) if n > 1 else np.nan,
                shift,
                np.sqrt(model.combat.scale[index, k]),
            ]
            cells = ["n/a" if np.isnan(number) else f"{number:.10g}" for number in numbers]
            lines.append("\t".join([structure, site, str(n), *cells]))
    return "\n".join(lines) + "\n"


def draw_site_effects(harmonized: HarmonizedTable) -> Any:
    """Every structure by site, before and after.

    Parameters
    ----------
    harmonized : HarmonizedTable

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UsageError
        If matplotlib is not installed.
    """
    plt = load_pyplot()
    values, model = adjusted_values(harmonized), harmonized.model
    shown = [index for index in range(len(model.sites)) if (harmonized.site_of == index).any()]
    count = len(model.structures)
    rows = -(-count // PANELS_A_ROW)
    width = max(3.0, 1.2 + 0.5 * len(shown))
    figure, axes = plt.subplots(
        rows, PANELS_A_ROW, figsize=(width * PANELS_A_ROW, 2.6 * rows), layout="constrained", squeeze=False
    )
    scatter = np.random.default_rng(0).uniform(-0.12, 0.12, len(harmonized.site_of))
    for k, panel in enumerate(axes.ravel()):
        if k >= count:
            panel.set_axis_off()
            continue
        for x, index in enumerate(shown):
            members = harmonized.site_of == index
            color = SITE_COLORS[index % len(SITE_COLORS)]
            for part, offset, face in ((values.before, -0.2, "none"), (values.after, 0.2, color)):
                column = part[members, k]
                panel.scatter(x + offset + scatter[members], column, s=9, facecolors=face, edgecolors=color, lw=0.6)
                middle, spread = column.mean(), column.std(ddof=1) if len(column) > 1 else 0.0
                panel.errorbar(x + offset, middle, spread, color="black", marker="_", ms=9, lw=1, zorder=3)
        panel.set_title(model.structures[k], fontsize=9)
        panel.set_xticks(range(len(shown)), [f"{model.sites[index]}" for index in shown], fontsize=8)
        panel.tick_params(axis="y", labelsize=8)
        panel.margins(x=0.08)
    kept = ", ".join(one.name for one in model.kept)
    adjusted = f"values at the mean of {kept}; " if kept else ""
    unit = " (mm³)" if model.measure == "Measure:volume" else ""
    figure.suptitle(
        f"Before (open) and after (filled) harmonisation over {model.site_column}{unit}: {adjusted}"
        "bars: mean and one standard deviation",
        fontsize=10,
    )
    return figure
