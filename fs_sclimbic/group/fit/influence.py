"""How much single subjects decide a result: Cook's distance, and each contrast without each subject.

Cook 1977, Technometrics 19:15-18; Belsley, Kuh and Welsch 1980, Regression Diagnostics. All n fits without a subject
follow from the one with all of them, so that nothing is fitted again.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ...errors import DesignError
from .glm import Array, ContrastResult, Fit, fit_glm
from .robust import MAX_LEVERAGE, leverages, robust_result, weighted_residuals

OUTLIER_P = 0.001
"""Of the externally studentised residual, corrected by Bonferroni for all subjects and structures."""
MIN_SHIFT = 1.0
"""Of the contrast without a subject, in standard errors."""
LARGE_COOK, LARGE_SHIFT = 1.0, 2.0
"""Cook's distance and shift of a subject whose covariates, rather than its value, decide the result."""
LARGE_LEVERAGE = 3.0
"""Of such a subject, in means over the subjects; with few subjects everybody decides a little, and none is named."""
SIGNIFICANT_P = 0.05


@dataclass(frozen=True, eq=False, kw_only=True)
class Influence:
    """One contrast of n subjects and m structures, and what it is without each of them; (n, m) unless said."""

    cooks_distance: Array
    residual: Array
    """Externally studentised: by a variance without the subject."""
    shift: Array
    """How far the contrast moves without the subject, in standard errors of the rest."""
    gamma: Array
    """(n, m), of the first row, without the subject."""
    p: Array
    """Without the subject."""
    leverage: Array
    """(n,)."""
    flips: NDArray[np.bool_]
    """Whether p without the subject lies on the other side of 0.05, or gamma of the first row has the other sign."""
    dof_without: int
    """Residual degrees of freedom without a subject."""

    @property
    def top(self) -> NDArray[np.intp]:
        """(m,), the subject whose absence moves the contrast most; -1 where no subject can be left out."""
        shift = np.nan_to_num(self.shift, nan=-1.0, posinf=np.finfo(float).max)
        return np.asarray(np.where(shift.max(axis=0) >= 0, shift.argmax(axis=0), -1), np.intp)

    @property
    def decisive(self) -> NDArray[np.bool_]:
        """(n, m): subjects that stand out and move the contrast to another verdict, or far."""
        n, m = self.shift.shape
        with np.errstate(invalid="ignore"):
            limit = stats.t.isf(OUTLIER_P / (2 * n * m), max(self.dof_without, 1))
            far = self.shift >= LARGE_SHIFT
            outlier = (np.abs(self.residual) > limit) & (self.shift >= MIN_SHIFT) & (self.flips | far)
            apart = (self.leverage >= LARGE_LEVERAGE * self.leverage.mean())[:, None]
            return np.asarray(outlier | (far & apart & (self.cooks_distance >= LARGE_COOK)))


def influence_of(fit: Fit, test: ContrastResult) -> Influence:
    """Cook's distances of a fit, and a contrast without each subject.

    Parameters
    ----------
    fit : Fit
        Of n subjects, m columns and p columns of the design.
    test : ContrastResult
        Of that fit, with J rows, by least squares.

    Returns
    -------
    Influence
        nan for subjects with leverage 1, and where nothing can be tested. A null value (GAMMA0) is kept: ``gamma`` is
        counted from it. p is that of least squares; `with_robust_p` gives the robust one.
    """
    z = fit.centred if fit.weights is None else fit.centred * fit.weights[:, None]
    n, p = z.shape
    h, e = leverages(fit), weighted_residuals(fit)
    rest = np.where(h > MAX_LEVERAGE, np.nan, 1 - h)[:, None]
    dof = n - p - 1
    s2 = np.where(fit.testable, fit.residual_variance, np.nan)
    with np.errstate(all="ignore"):
        without = np.maximum((s2 * (n - p) - e**2 / rest) / dof, 0.0) if dof > 0 else np.full(e.shape, np.nan)
        cooks = e**2 * h[:, None] / (rest**2 * s2 * p)
        residual = e / np.sqrt(without * rest)
        # The contrast without subject i is gamma - v e / (1 - h); its matrix M grows by v v' / (1 - h).
        on_centred = fit.on_centred(test.matrix)
        v = on_centred @ fit.root @ (z @ fit.root).T
        factor = on_centred @ fit.root
        inverse = np.linalg.pinv(factor @ factor.T)
        moved = test.gamma[:, None, :] - v[:, :, None] * (e / rest)[None]
        toward = inverse @ v
        length = np.sum(v * toward, axis=0)
        explained = np.einsum("jnm,jk,knm->nm", moved, inverse, moved, optimize=True)
        explained -= np.einsum("jnm,jn->nm", moved, toward) ** 2 / (rest + length[:, None])
        f = explained / (len(v) * without)
        shift = np.abs(e / rest) * np.sqrt(length[:, None] / without / _grown(length, rest[:, 0])[:, None])
        tail = stats.f.sf(np.maximum(f, 0), len(v), max(dof, 1))
        tail = np.where(np.isnan(f), np.nan, tail)
        flips = (tail < SIGNIFICANT_P) != (test.p < SIGNIFICANT_P)
        flips = (flips | (test.is_t & (moved[0] * test.gamma[0] < 0))) & ~np.isnan(f)
    return Influence(
        cooks_distance=cooks,
        residual=residual,
        shift=shift,
        gamma=moved[0],
        p=tail,
        leverage=h,
        flips=flips,
        dof_without=dof,
    )


def _grown(length: Array, rest: Array) -> Array:
    """(n,): by how much the variance of the contrast grows, along the way it moves, if a subject is left out."""
    return 1 + length / rest


def with_robust_p(influence: Influence, fit: Fit, matrix: Array, gamma0: Array | None) -> Influence:
    """The same with robust p values, of the subjects that matter; nan for the others.

    Parameters
    ----------
    influence : Influence
    fit : Fit
    matrix : (J, p) array
        The contrast.
    gamma0 : (J,) array, optional

    Returns
    -------
    Influence
    """
    wanted = influence.decisive.copy()
    columns = np.flatnonzero(influence.top >= 0)
    wanted[influence.top[columns], columns] = True
    p = np.full(influence.p.shape, np.nan)
    for row, column in np.argwhere(wanted):
        p[row, column] = robust_p_without(fit, matrix, gamma0, int(row), int(column))
    return replace(influence, p=p)


def robust_p_without(fit: Fit, matrix: Array, gamma0: Array | None, row: int, column: int) -> float:
    """P of a contrast with robust variances, without a subject.

    Parameters
    ----------
    fit : Fit
    matrix : (J, p) array
        The contrast.
    gamma0 : (J,) array, optional
    row : int
        The subject.
    column : int
        The structure.

    Returns
    -------
    float
        nan where the others cannot be fitted, or one of them is then fitted exactly.
    """
    kept = np.arange(len(fit.design)) != row
    weights = None if fit.weights is None else fit.weights[kept]
    try:
        smaller = fit_glm(fit.design[kept], fit.values[kept][:, [column]], weights)
    except DesignError:
        return float("nan")
    if leverages(smaller).max() > MAX_LEVERAGE:
        return float("nan")
    return float(robust_result(smaller, matrix, gamma0).p[0])
