"""Tables of report.html: what was fitted, the design, results with digits that fit together, the glossary."""

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from ...segmentation.structure_words import title_structure
from ..fit.glm import Array
from ..fit.results import COLUMNS, NOT_APPLICABLE, GroupResult
from ..fit.study import Study
from .forest import marks
from .plain_words import p_text

SIGNIFICANT_DIGITS = 3
"""Of the smallest standard error; effects and intervals have as many decimals."""
MAX_DECIMALS = 6


def results_table(result: GroupResult) -> str:
    """The results of a contrast, a row a structure.

    Parameters
    ----------
    result : GroupResult

    Returns
    -------
    str
    """
    test, stars = result.test, marks(result)
    low, high = test.interval()
    places = decimals(test.standard_error[0][test.testable]) if test.is_t else 0
    names = ["structure"]
    names += ["effect (gamma)", "SE", "95 % interval", "t"] if test.is_t else ["F"]
    names += ["p", "p Holm", "p FDR"] + (["p perm", "p perm FWE"] if result.permutation else [])
    names += ["Cohen's d", "%", "partial r"] if test.is_t else ["partial eta&sup2;"]
    body = ""
    for i, structure in enumerate(result.structures):
        ok = bool(test.testable[i]) and test.dof[1] > 0
        cells = []
        if test.is_t:
            cells += [number(test.gamma[0, i], places), number(test.standard_error[0, i], places, ok)]
            cells += [f"{number(low[0, i], places, ok)} to {number(high[0, i], places, ok)}"]
            cells += [number(test.t[0, i], 2, ok)]
        else:
            cells += [number(test.f[i], 2, ok)]
        cells += [p_text(test.p[i]) if ok else NOT_APPLICABLE, p_text(result.p_holm[i]), p_text(result.p_fdr[i])]
        if result.permutation:
            cells += [p_text(result.permutation.p[i]), p_text(result.permutation.p_fwe[i])]
        if test.is_t:
            cells += [number(result.cohen_d[i], 2), number(result.percent[i], 1), number(test.partial_r[i], 2, ok)]
        else:
            cells += [number(test.partial_eta2[i], 2, ok)]
        kind = "out" if not result.family[i] else {"**": "two", "*": "one"}.get(stars[i], "")
        first = f'<td title="{escape(structure)}">{escape(title_structure(structure))}</td>'
        body += f'<tr class="{kind}">{first}' + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
    head = "".join(f"<th>{name}</th>" for name in names)
    return f'<div class="wide"><table class="results"><tr>{head}</tr>{body}</table></div>'


def design_table(study: Study, results: Sequence[GroupResult]) -> str:
    """Names of the columns with the weights of every contrast beside them.

    Parameters
    ----------
    study : Study
    results : sequence of GroupResult

    Returns
    -------
    str
    """
    names = [escape(result.contrast.name) for result in results]
    head = "".join(f"<th>{name}</th>" for name in ("column of X", "mean", *names))
    mean = study.matrix.mean(0)
    mean[np.abs(mean) < 1e-12 * np.abs(study.matrix).max(0)] = 0  # the mean of a centred column is rounding error
    body = ""
    for i, column in enumerate(study.columns):
        weights = [" / ".join(f"{row[i]:g}" for row in result.contrast.matrix) for result in results]
        body += (
            f"<tr><td>{escape(column)}</td><td>{mean[i]:.4g}</td>" + "".join(f"<td>{w}</td>" for w in weights) + "</tr>"
        )
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def glossary() -> str:
    """What colours and columns mean."""
    return (
        "<p class='note'>Dark rows: family-wise corrected p below 0.05 (by permutation where there are any, else "
        "Holm); light rows: only the false discovery rate is. Grey rows are not counted by corrections. Corrections "
        "are over the structures of one contrast, not over contrasts. The p values assume independent subjects and "
        "normal residuals of one variance (--robust: of any); permutations assume exchangeable residuals. All digits "
        "stand in results.tsv, under these names:</p>" + pairs_table(COLUMNS.items())
    )


def pairs_table(rows: Iterable[tuple[str, str]]) -> str:
    """A table of names and texts."""
    body = "".join(f'<tr><td>{escape(k)}</td><td class="text">{escape(v)}</td></tr>' for k, v in rows)
    return f'<div class="wide"><table class="pairs">{body}</table></div>'


def decimals(standard_errors: Array) -> int:
    """Decimals with which the smallest standard error has three digits.

    Parameters
    ----------
    standard_errors : (m,) array

    Returns
    -------
    int
    """
    known = standard_errors[np.isfinite(standard_errors) & (standard_errors > 0)]
    if not len(known):
        return SIGNIFICANT_DIGITS
    return int(np.clip(SIGNIFICANT_DIGITS - 1 - np.floor(np.log10(known.min())), 0, MAX_DECIMALS))


def number(value: float, places: int, known: bool = True) -> str:
    """A number with so many decimals; very small and very large ones with an exponent.

    Parameters
    ----------
    value : float
    places : int
    known : bool
        False: n/a stands there.

    Returns
    -------
    str
    """
    if not known or np.isnan(value):
        return NOT_APPLICABLE
    if abs(value) >= 1e7 or 0 < abs(value) < 10.0**-MAX_DECIMALS:
        return f"{value:.2e}"
    return f"{value:.{places}f}"
