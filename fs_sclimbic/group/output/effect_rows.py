"""How large an effect is, what the study could have found, and whether it is too small to matter: rows and sections."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from ..doubts.classes import classes_of
from ..fit.adjusted_means import AdjustedMeans, MeanRows, adjusted_means
from ..fit.bootstrap import bootstrap_interval
from ..fit.equivalence import Bound, Equivalence, equivalence
from ..fit.glm import Array, Fit
from ..fit.results import NOT_APPLICABLE, GroupResult
from ..fit.standardised import ALPHA, POWER, hedges_g, smallest_noncentrality
from ..fit.study import Study

EFFECTS = "effects.tsv"
ADJUSTED_MEANS = "adjusted_means.tsv"
EFFECT_COLUMNS = {
    "structure": "column of the table",
    "hedges_g": "difference of classes in residual standard deviations, corrected for small samples; with covariates, "
    "of what these leave",
    "g_low": "95 % confidence interval of the population's standardised difference (noncentral t), lower end",
    "g_high": "the same, upper end",
    "smallest_gamma": f"sensitivity: the smallest gamma that this design finds with {100 * POWER:.0f} % power at "
    f"p < {ALPHA}, two-sided, if the residual variance is the one that was seen",
    "smallest_percent": "the same as a percentage of the structure's mean",
    "smallest_gamma_bonferroni": "the same at p < 0.05 / number of structures",
    "boot_low": "95 % bootstrap interval of gamma (BCa, subjects drawn within classes), lower end",
    "boot_high": "the same, upper end",
    "bound_low": "gamma that does not matter, lower end, as --equivalence says",
    "bound_high": "the same, upper end",
    "ci90_low": "90 % confidence interval of gamma, lower end: inside the bounds where p_equivalence is below 0.05",
    "ci90_high": "the same, upper end",
    "p_equivalence": "two one-sided tests (TOST): small where gamma lies inside the bounds",
    "p_equivalence_holm": "the same, corrected by Holm over the structures",
}
"""Columns of effects.tsv, and what they hold."""
PAGE_COLUMNS = {
    "Hedges' g (95 % interval)": ("hedges_g", "g_low", "g_high"),
    "smallest effect": ("smallest_gamma",),
    "in %": ("smallest_percent",),
    "with Bonferroni": ("smallest_gamma_bonferroni",),
    "bootstrap 95 % interval": ("boot_low", "boot_high"),
    "does not matter": ("bound_low", "bound_high"),
    "90 % interval": ("ci90_low", "ci90_high"),
    "p equivalence": ("p_equivalence",),
    "p Holm": ("p_equivalence_holm",),
}
"""Headings on the page, and the columns of effects.tsv below each."""
MEAN_COLUMNS = ("structure", "class", "n", "mean", "se", "ci95_low", "ci95_high")
"""Columns of adjusted_means.tsv."""


@dataclass(frozen=True, kw_only=True)
class EffectOptions:
    """What is computed beside tests."""

    resamples: int = 0
    """Of the bootstrap; 0: none."""
    seed: int = 1
    bound: Bound | None = None
    """For tests of equivalence."""
    robust: bool = False
    """Whether the variances of subjects are let differ (HC3)."""


@dataclass(frozen=True)
class EffectSection:
    """Rows about one contrast, or about all classes."""

    text: str
    """Content of the file; empty if there is nothing honest to say."""
    html: str
    """A part of the page."""


def contrast_effects(study: Study, fit: Fit, result: GroupResult, options: EffectOptions) -> EffectSection:
    """Effects of one contrast.

    Parameters
    ----------
    study : Study
    fit : Fit
    result : GroupResult
    options : EffectOptions

    Returns
    -------
    EffectSection
        Empty for a contrast of several rows, or without degrees of freedom.
    """
    test = result.test
    if not test.is_t or test.dof[1] < 1:
        return EffectSection("", "")
    logarithm = study.options.logarithm
    g = hedges_g(fit, result, robust=options.robust)
    error = np.where(test.testable, test.standard_error[0], np.nan)
    smallest = smallest_noncentrality(fit.dof) * error
    corrected = smallest_noncentrality(fit.dof, alpha=ALPHA / max(int(result.family.sum()), 1)) * error
    columns: dict[str, Array] = {
        "hedges_g": g.g,
        "g_low": g.low,
        "g_high": g.high,
        "smallest_gamma": smallest,
        "smallest_percent": _percent(fit, smallest, logarithm),
        "smallest_gamma_bonferroni": np.where(result.family, corrected, np.nan),
    }
    said = [f"No Hedges' g: {g.why_not}."] if g.why_not else []
    if options.resamples:
        design = classes_of(study)
        class_of = np.array(design.class_of if design else np.zeros(len(study.subjects)), int)
        boot = bootstrap_interval(fit, result.contrast.matrix, class_of, resamples=options.resamples, seed=options.seed)
        null = 0.0 if result.contrast.gamma0 is None else float(result.contrast.gamma0[0])
        columns |= {"boot_low": boot.low - null, "boot_high": boot.high - null}
        within = "within classes" if design else "from all subjects"
        said.append(
            f"Bootstrap: BCa, {options.resamples} resamples {within}, seed {options.seed}; none where a resampled "
            "class is too small to be fitted."
        )
    same = equivalence(fit, result, options.bound, logarithm=logarithm) if options.bound else None
    if same:
        columns |= {
            "bound_low": same.low,
            "bound_high": same.high,
            "ci90_low": same.ci90_low,
            "ci90_high": same.ci90_high,
            "p_equivalence": same.p,
            "p_equivalence_holm": same.p_holm,
        }
        said.append(_equivalence_words(result, same))
    return EffectSection(
        _tsv(("structure", *columns), [[name, *_cells(columns, i, "{:.10g}")] for i, name in _named(result)]),
        _effects_html(result, columns, said),
    )


def _named(result: GroupResult) -> list[tuple[int, str]]:
    return list(enumerate(result.structures))


def _percent(fit: Fit, gamma: Array, logarithm: bool) -> Array:
    if logarithm:
        return np.asarray(100 * np.expm1(gamma))
    mean = fit.values.mean(axis=0)
    return np.where((fit.values < 0).any(axis=0) | (mean <= 0), np.nan, 100 * gamma / np.where(mean == 0, np.nan, mean))


def _equivalence_words(result: GroupResult, same: Equivalence) -> str:
    inside = [result.structures[i] for i in np.flatnonzero((same.p_holm < ALPHA) & result.family)]
    found = ", ".join(inside) or "none"
    unit = " of the structure's mean" if same.bound.is_percent else ""
    return (
        f"Equivalence within {same.bound}{unit} (TOST, p below {ALPHA} after Holm): {found}. A p above it does not "
        "show a difference."
    )


def _effects_html(result: GroupResult, columns: dict[str, Array], said: Sequence[str]) -> str:
    shown = {head: names for head, names in PAGE_COLUMNS.items()
             if names[0] in columns and not all(np.isnan(columns[name]).all() for name in names)}  # fmt: skip
    head = "".join(
        f'<th title="{escape(EFFECT_COLUMNS[names[0]])}">{escape(words)}</th>' for words, names in shown.items()
    )
    body = "".join(
        f"<tr><td>{escape(structure)}</td>"
        + "".join(f"<td>{_together([columns[name][i] for name in names])}</td>" for names in shown.values())
        + "</tr>"
        for i, structure in _named(result)
    )
    words = [
        f"Smallest effect: what this design finds with {100 * POWER:.0f} % power at p < {ALPHA}, not the power of what "
        "was seen.",
        *said,
    ]
    return (
        "<h3>Effect sizes and sensitivity</h3>"
        f'<div class="wide"><table><tr><th>structure</th>{head}</tr>{body}</table></div>'
        f'<p class="note">{escape(" ".join(words))}</p>'
    )


def _together(values: Sequence[float]) -> str:
    """One number, a range, or a number and its range."""
    cells = [_cell(value, "{:.3g}") for value in values]
    if len(cells) == 3:
        return f"{cells[0]} ({cells[1]} to {cells[2]})"
    return " to ".join(cells)


def mean_section(study: Study, fit: Fit, asked: MeanRows | None, *, robust: bool = False) -> EffectSection:
    """Adjusted means of all classes or levels.

    Parameters
    ----------
    study : Study
    fit : Fit
    asked : MeanRows, optional
    robust : bool
        Let the variances of subjects differ (HC3).

    Returns
    -------
    EffectSection
        Empty without classes.
    """
    if asked is None:
        return EffectSection("", "")
    means = adjusted_means(fit, asked, logarithm=study.options.logarithm, robust=robust)
    sizes = _sizes(study, asked)
    rows = [
        [structure, name, sizes[c], *(_cell(part[c, k], "{:.10g}") for part in _parts(means))]
        for k, structure in enumerate(study.structures)
        for c, name in enumerate(asked.names)
    ]
    head = "".join(f"<th>{escape(name)}{f' (n {n})' if n != NOT_APPLICABLE else ''}</th>"
                   for name, n in zip(asked.names, sizes, strict=True))  # fmt: skip
    body = ""
    for k, structure in enumerate(study.structures):
        cells = [
            f"{_cell(means.mean[c, k], '{:.4g}')} ({_cell(means.low[c, k], '{:.4g}')} to "
            f"{_cell(means.high[c, k], '{:.4g}')})"
            for c in range(len(asked.names))
        ]
        body += f"<tr><td>{escape(structure)}</td>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
    kind = "Geometric means" if means.geometric else "Means"
    at = f", {asked.at}" if asked.at else ", nothing else is in the design"
    html = (
        f'<h2>Adjusted means</h2><p class="note">{kind} with 95 % confidence intervals{escape(at)}. Intervals of two '
        'means that overlap do not show that they are the same.</p><div class="wide"><table>'
        f"<tr><th>structure</th>{head}</tr>{body}</table></div>"
    )
    return EffectSection(_tsv(MEAN_COLUMNS, rows), html)


def _parts(means: AdjustedMeans) -> tuple[Array, ...]:
    return means.mean, means.standard_error, means.low, means.high


def _sizes(study: Study, asked: MeanRows) -> list[str]:
    """Subjects of each class; n/a for levels of a formula."""
    design = study.design
    if design is None or tuple(one.name for one in design.classes) != asked.names:
        return [NOT_APPLICABLE] * len(asked.names)
    return [str(size) for size in design.class_sizes]


def _cells(columns: dict[str, Array], row: int, digits: str) -> list[str]:
    return [_cell(values[row], digits) for values in columns.values()]


def _cell(value: float, digits: str) -> str:
    return NOT_APPLICABLE if np.isnan(value) else digits.format(value)


def _tsv(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "".join("\t".join(row) + "\n" for row in (head, *rows))
