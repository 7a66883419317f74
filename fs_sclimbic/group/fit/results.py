"""Results of a contrast over structures: effect sizes, intervals, and p values corrected for their number."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ...notice import Notice
from ..design.contrast import Contrast
from .glm import Array, ContrastResult, Fit, contrast_result
from .influence import Influence, influence_of, with_robust_p
from .permutation import PermutationResult, permutation_test
from .robust import ROBUST_NOTE, robust_result

CONFIDENCE_LEVEL = 0.95
"""Of the confidence intervals."""
NOT_APPLICABLE = "n/a"
"""Where a number makes no sense; BIDS writes it so."""

COLUMNS = {
    "structure": "column of the table",
    "gamma": "the contrast times the regression coefficients, minus the null value where GAMMA0 gives one; in the unit "
    "of the values (mm^3, or 1/100000 of eTIV)",
    "se": "standard error of gamma",
    "ci95_low": "95 % confidence interval of gamma, lower end",
    "ci95_high": "95 % confidence interval of gamma, upper end",
    "t": "gamma / se",
    "F": "F statistic (for one row t^2)",
    "dof1": "rows of the contrast",
    "dof2": "degrees of freedom of the residual",
    "p": "two-sided for one row, upper tail of F for several; not corrected",
    "sig": "-log10(p), for one row with the sign of gamma",
    "cohen_d": "for a difference of groups: gamma / residual standard deviation",
    "percent": "gamma as a percentage of the structure's mean, where no value is below 0; after a logarithm the change "
    "of the geometric mean",
    "partial_r": "for one row: t / sqrt(t^2 + dof2)",
    "partial_eta2": "dof1 F / (dof1 F + dof2)",
    "p_holm": "p corrected by Holm over the structures (family-wise error)",
    "p_fdr": "p corrected by Benjamini and Hochberg over the structures (false discovery rate)",
    "p_perm": "permutation p of the structure alone",
    "p_perm_fwe": "permutation p corrected by the largest statistic over the structures (family-wise error)",
    "note": "why a structure is not tested or not corrected; where on the variables groups are compared, if not at the "
    "mean; what is doubtful",
}
"""Columns of results.tsv, and what they hold."""


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupResult:
    """One contrast on m structures; arrays are (m,), nan where a number makes no sense."""

    contrast: Contrast
    test: ContrastResult
    structures: tuple[str, ...]
    family: NDArray[np.bool_]
    """Structures that the corrections count."""
    cohen_d: Array
    percent: Array
    p_holm: Array
    p_fdr: Array
    permutation: PermutationResult | None
    notes: tuple[str, ...]
    """One a structure, mostly empty."""
    influence: Influence | None = None
    """The contrast without each subject; None without degrees of freedom for that."""


def holm(p: Array) -> Array:
    """P values corrected by Holm's step-down procedure; nan stays nan and does not count."""
    corrected, known = np.full(p.shape, np.nan), np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1))
    corrected[order] = np.minimum(steps, 1)
    return corrected


def benjamini_hochberg(p: Array) -> Array:
    """P values corrected for the false discovery rate; nan stays nan and does not count."""
    corrected, known = np.full(p.shape, np.nan), ~np.isnan(p)
    if known.any():
        corrected[known] = stats.false_discovery_control(p[known])
    return corrected


def is_group_difference(matrix: Array, design: Array) -> bool:
    """Whether a contrast of one row subtracts groups: weights on indicator columns alone, which add up to zero.

    Parameters
    ----------
    matrix : (J, p) array
    design : (n, p) array

    Returns
    -------
    bool
    """
    used = design[:, matrix[0] != 0]
    return bool(len(matrix) == 1 and np.isin(used, (0, 1)).all() and abs(matrix.sum()) < 1e-9 * np.abs(matrix).sum())


def group_result(
    fit: Fit,
    contrast: Contrast,
    structures: Sequence[str],
    family: NDArray[np.bool_],
    *,
    logarithm: bool = False,
    permutations: int = 0,
    seed: int = 0,
    tested_at: str = "",
    robust: bool = False,
) -> GroupResult:
    """Test a contrast on every structure, with effect sizes and corrections.

    Parameters
    ----------
    fit : Fit
    contrast : Contrast
    structures : sequence of str
        m names.
    family : (m,) array of bool
        Structures that the corrections count (eTIV is none of them).
    logarithm : bool
        Whether the values are natural logarithms.
    permutations : int
        0: none.
    seed : int
    tested_at : str
        Where on the variables groups are compared, for the notes, if not at the mean.
    robust : bool
        Let the variances of subjects differ (HC3).

    Returns
    -------
    GroupResult

    Notes
    -----
    Cohen's d is gamma / residual standard deviation, gamma taken for weights whose positive part adds up to 1: with
    covariates in the model it is the adjusted difference in units of what the model leaves. With weighted rows
    there is no single standard deviation, and no d.
    """
    plain = contrast_result(fit, contrast.matrix, contrast.gamma0)
    test = robust_result(fit, contrast.matrix, contrast.gamma0) if robust else plain
    influence = influence_of(fit, plain) if fit.dof > 1 else None
    if influence and robust:
        influence = with_robust_p(influence, fit, contrast.matrix, contrast.gamma0)
    counted = np.asarray(family, bool) & fit.testable & (fit.dof > 0)
    blank = np.full(len(structures), np.nan)
    cohen_d, percent = blank, blank
    if test.is_t:
        if is_group_difference(contrast.matrix, fit.design) and fit.weights is None:
            cohen_d = np.where(fit.testable, test.cnr[0] / (np.abs(contrast.matrix).sum() / 2), np.nan)
        mean = np.mean(fit.values, axis=0)
        safe = np.where(mean == 0, np.nan, mean)
        percent = 100 * (np.expm1(test.gamma[0]) if logarithm else test.gamma[0] / safe)
        if not logarithm:  # z scores and the like have no zero to count from
            percent = np.where(np.any(fit.values < 0, axis=0), np.nan, percent)
    p = np.where(counted, test.p, np.nan)
    permuted = (
        permutation_test(fit, contrast.matrix, contrast.gamma0, family=counted, count=permutations, seed=seed)
        if permutations and counted.any()
        else None
    )
    where = f"at {tested_at}, not at the mean" if tested_at else ""
    states = [
        "the design explains it exactly: not tested" if not fit.testable[i] else "" if family[i] else "not corrected"
        for i in range(len(structures))
    ]
    notes = tuple("; ".join(filter(None, (state, where))) for state in states)
    return GroupResult(
        contrast=contrast,
        test=test,
        structures=tuple(structures),
        family=counted,
        cohen_d=cohen_d,
        percent=percent,
        p_holm=holm(p),
        p_fdr=benjamini_hochberg(p),
        permutation=permuted,
        notes=notes,
        influence=influence,
    )


def how_tested(results: Sequence[GroupResult], *, seed: int, robust: bool) -> list[Notice]:
    """What tables do not show: robust variances, and the permutations of each contrast.

    Parameters
    ----------
    results : sequence of GroupResult
    seed : int
    robust : bool

    Returns
    -------
    list of Notice
    """
    texts = [ROBUST_NOTE] if robust else []
    texts += [
        f"{result.contrast.name}: {result.permutation.words(seed)} (Freedman-Lane)"
        for result in results
        if result.permutation
    ]
    return [Notice("note", text) for text in texts]


def format_results(result: GroupResult) -> str:
    """The text of results.tsv: one row a structure, ten digits; the columns are explained in `COLUMNS`."""
    test, blank = result.test, np.full(len(result.structures), np.nan)
    one_row = [test.gamma[0], test.standard_error[0], *(end[0] for end in test.interval(CONFIDENCE_LEVEL)), test.t[0]]
    gamma, se, low, high, t = one_row if test.is_t else [blank] * 5
    tested = test.testable & (test.dof[1] > 0)
    permuted = result.permutation
    columns: dict[str, Sequence[object] | Array] = {
        "structure": result.structures,
        "gamma": gamma,
        "se": np.where(tested, se, np.nan),
        "ci95_low": np.where(tested, low, np.nan),
        "ci95_high": np.where(tested, high, np.nan),
        "t": np.where(tested, t, np.nan),
        "F": np.where(tested, test.f, np.nan),
        "dof1": [test.dof[0]] * len(blank),
        "dof2": [test.dof[1]] * len(blank),
        "p": np.where(tested, test.p, np.nan),
        "sig": np.where(tested, test.sig, np.nan),
        "cohen_d": result.cohen_d,
        "percent": result.percent,
        "partial_r": np.where(tested & test.is_t, test.partial_r, np.nan),
        "partial_eta2": np.where(tested, test.partial_eta2, np.nan),
        "p_holm": result.p_holm,
        "p_fdr": result.p_fdr,
        **({"p_perm": permuted.p, "p_perm_fwe": permuted.p_fwe} if permuted else {}),
        "note": result.notes,
    }
    return _tsv(columns)


def format_rows(result: GroupResult, columns: Sequence[str]) -> str:
    """The text of results_rows.tsv: every row of a contrast of several rows by itself, not corrected.

    Parameters
    ----------
    result : GroupResult
    columns : sequence of str
        Names of the design's columns, to write a row as ``Patient - Control``.

    Returns
    -------
    str
    """
    test = result.test
    low, high = test.interval(CONFIDENCE_LEVEL)
    p = 2 * stats.t.sf(np.abs(test.t), max(test.dof[1], 1))
    rows, m = range(test.dof[0]), len(result.structures)
    tested = np.tile(test.testable & (test.dof[1] > 0), test.dof[0])

    def flat(values: Array) -> Array:
        return np.where(tested, values.ravel(), np.nan)

    return _tsv(
        {
            "structure": list(result.structures) * len(rows),
            "row": [row + 1 for row in rows for _ in range(m)],
            "weights": [describe_row(result.contrast.matrix[row], columns) for row in rows for _ in range(m)],
            "gamma": test.gamma.ravel(),
            "se": flat(test.standard_error),
            "ci95_low": flat(low),
            "ci95_high": flat(high),
            "t": flat(test.t),
            "dof2": [test.dof[1]] * (len(rows) * m),
            "p": flat(p),
        }
    )


def describe_row(row: Array, columns: Sequence[str]) -> str:
    """One row of a contrast with the names of the columns, what is added before what is taken away.

    Parameters
    ----------
    row : (p,) array
    columns : sequence of str
        Names of the design's columns.

    Returns
    -------
    str

    Examples
    --------
    >>> describe_row(np.array([-1, 0.5, 0.5, 0]), ["C", "A", "B", "Age"])
    '0.5*A + 0.5*B - C'
    """
    words = ""
    for weight, name in sorted(zip(row, columns, strict=True), key=lambda part: part[0] < 0):
        if weight:
            size = "" if abs(weight) == 1 else f"{abs(weight):g}*"
            words += (" - " if weight < 0 else " + ") + size + name
    return words[3:] if words.startswith(" + ") else words.strip()


def _tsv(columns: dict[str, Sequence[object] | Array]) -> str:
    lines = ["\t".join(columns), *("\t".join(map(_cell, row)) for row in zip(*columns.values(), strict=True))]
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    if isinstance(value, float | np.floating):
        return NOT_APPLICABLE if np.isnan(value) else f"{value:.10g}"
    return str(value) or NOT_APPLICABLE
