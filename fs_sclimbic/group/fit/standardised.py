"""Hedges' g with an exact confidence interval, and the smallest effect that a design finds."""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from .glm import Array, Fit, contrast_result
from .results import GroupResult, is_group_difference

POWER = 0.8
ALPHA = 0.05
MAX_T = 30.0
"""Beyond it noncentral t is not computed well; no interval is given."""
MAX_ERROR = 1e-7
"""Of a probability at the end of an interval."""


@dataclass(frozen=True, eq=False)
class HedgesG:
    """Standardised differences of m structures; nan where there is none."""

    g: Array
    """Cohen's d times the correction for small samples."""
    low: Array
    """95 % confidence interval of the population's standardised difference, by noncentral t."""
    high: Array
    why_not: str = ""
    """Why there is none at all."""


def hedges_g(fit: Fit, result: GroupResult, *, robust: bool = False, level: float = 0.95) -> HedgesG:
    """Hedges' g of a difference of classes.

    Parameters
    ----------
    fit : Fit
    result : GroupResult
    robust : bool
        Whether variances are let differ; then no standard deviation is common to classes.
    level : float
        Of the interval.

    Returns
    -------
    HedgesG
        In units of the residual standard deviation: with covariates, of what these leave.

    Notes
    -----
    g = J d with J = gamma(v/2) / (sqrt(v/2) gamma((v-1)/2)), v the residual degrees of freedom (Hedges 1981). The
    interval holds the noncentrality parameters for which the observed t is not in the outer 5 % (Steiger and Fouladi
    1997), divided as d is by t; it is exact for normal residuals of one variance.
    """
    blank = np.full(len(result.structures), np.nan)
    why_not = _why_no_g(fit, result, robust)
    if why_not:
        return HedgesG(blank, blank, blank, why_not)
    plain = contrast_result(fit, result.contrast.matrix)
    size = np.abs(result.contrast.matrix).sum() / 2
    scale = float(np.sqrt(1 / plain.efficiency)) / size  # d / t
    low, high = np.array([noncentrality_interval(t, fit.dof, level) for t in plain.t[0]]).T
    d, known = plain.cnr[0] / size, fit.testable
    correction = np.exp(special.gammaln(fit.dof / 2) - special.gammaln((fit.dof - 1) / 2)) / np.sqrt(fit.dof / 2)
    g, low, high = (np.where(known, part, np.nan) for part in (correction * d, scale * low, scale * high))
    return HedgesG(g, low, high)


def _why_no_g(fit: Fit, result: GroupResult, robust: bool) -> str:
    if not result.test.is_t or not is_group_difference(result.contrast.matrix, fit.design):
        return "the contrast is no difference of classes"
    if result.contrast.gamma0 is not None and np.any(result.contrast.gamma0):
        return "the null value is not 0"
    if fit.weights is not None:
        return "rows are weighted, so that there is no single standard deviation"
    if robust:
        return "variances are let differ, so that there is no single standard deviation"
    return "fewer than 2 degrees of freedom" if fit.dof < 2 else ""


def noncentrality_interval(t: float, dof: int, level: float = 0.95) -> tuple[float, float]:
    """The noncentrality parameters that fit an observed t.

    Parameters
    ----------
    t : float
    dof : int
    level : float

    Returns
    -------
    tuple of float
        nan beyond what noncentral t is computed for.
    """
    if not abs(t) <= MAX_T:
        return np.nan, np.nan
    outer, reach = (1 - level) / 2, 10 + 2 * abs(t)

    def find(probability: float) -> float:
        def off(ncp: float) -> float:
            below = float(stats.nct.cdf(t, dof, ncp))
            return (float(ncp < t) if np.isnan(below) else below) - probability  # SciPy gives nan far out in a tail

        if off(t - reach) * off(t + reach) >= 0:
            return np.nan
        root = float(optimize.brentq(off, t - reach, t + reach, xtol=1e-12))
        return root if abs(off(root)) < MAX_ERROR else np.nan

    return find(1 - outer), find(outer)


def smallest_noncentrality(dof: int, *, alpha: float = ALPHA, power: float = POWER) -> float:
    """The noncentrality parameter at which a two-sided t-test has a power.

    Parameters
    ----------
    dof : int
    alpha : float
    power : float

    Returns
    -------
    float
        Times the standard error of a contrast it is the smallest effect that is found with that power.
    """
    if dof < 1:
        return np.nan
    limit = float(special.stdtrit(dof, 1 - alpha / 2))

    def off(ncp: float) -> float:
        other_side = np.nan_to_num(stats.nct.cdf(-limit, dof, ncp))  # SciPy gives nan where it is 0
        return float(stats.nct.sf(limit, dof, ncp) + other_side - power)

    top = next((limit * factor for factor in (1.5, 2, 3, 5, 10) if off(limit * factor) > 0), np.nan)
    return float(optimize.brentq(off, 0.0, top, xtol=1e-10)) if np.isfinite(top) else np.nan
