"""The general linear model on arrays: least squares in float64, and the test of a contrast.

Names and signs are those of mri_glmfit (gamma, gammavar, cnr, sig); the numbers are the textbook's, without the
float32 steps of the original.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ...errors import DesignError

Array = NDArray[np.float64]

VARIANCE_FLOOR = float(np.finfo(np.float32).tiny)
"""The smallest residual variance (FLT_MIN, as in the original). At it nothing is tested: F = 0, p = 1."""
EXACT_SHARE = 1e-12
"""Residuals below this share of the values (as norms) are rounding: the design explains the values exactly."""
SIG_CAP = 1e10
"""The sig of p = 0 in mri_glmfit 7.3.2; reached only where even the logarithm of p overflows."""
SMALLEST_DIRECT_P = 1e-290
"""Below it p comes from its logarithm, which does not run out of range."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Fit:
    """Least squares of several columns on one design; n subjects, p columns of the design, m columns of values."""

    design: Array
    """(n, p), as given, without weights."""
    values: Array
    """(n, m), as given, without weights."""
    weights: Array | None
    """(n,), by which rows of the design and of the values were multiplied; None: all 1."""
    beta: Array
    """(p, m), in the unit of the values per unit of the design's column."""
    residual_variance: Array
    """(m,), the sum of squared (weighted) residuals / dof; at least `VARIANCE_FLOOR`."""
    dof: int
    """n - p."""
    inverse: Array
    """(p, p), the inverse of X'X, of the weighted design where there are weights."""

    @property
    def residual_sd(self) -> Array:
        """(m,), mri_glmfit's rstd, in the unit of the values."""
        return np.sqrt(self.residual_variance)

    @property
    def fitted(self) -> Array:
        """(n, m), the design times beta (yhat), in the unit of the values also where there are weights."""
        return np.asarray(self.design @ self.beta)

    @property
    def residuals(self) -> Array:
        """(n, m), values minus fitted (eres), without weights."""
        return np.asarray(self.values - self.fitted)

    @property
    def testable(self) -> NDArray[np.bool_]:
        """(m,), False where the design explains the values exactly (for one, a constant column)."""
        return self.residual_variance > VARIANCE_FLOOR


def fit_glm(design: Array, values: Array, weights: Array | None = None, *, allow_zero_dof: bool = False) -> Fit:
    """Fit by least squares.

    Parameters
    ----------
    design : (n, p) array
    values : (n, m) array
    weights : (n,) array, optional
        Positive; each multiplies its row of the design and of the values, as ``mri_glmfit --wg``. A row of weight
        w has the residual variance sigma^2 / w^2: statsmodels' WLS with weights w^2 is the same model.
    allow_zero_dof : bool
        Accept as many columns as subjects; then there is no residual, and nothing can be tested.

    Returns
    -------
    Fit

    Raises
    ------
    DesignError
        If columns depend on each other, there are too few subjects, or weights are not positive.
    """
    design, values = np.asarray(design, np.float64), np.asarray(values, np.float64)
    n, p = design.shape
    if n < p + (not allow_zero_dof):
        raise DesignError(
            f"{n} subjects and {p} columns of the design leave {n - p} degrees of freedom: expected at least "
            f"{0 if allow_zero_dof else 1}; add subjects, or take out classes or variables"
        )
    if weights is not None and not (np.isfinite(weights).all() and (weights > 0).all()):
        raise DesignError("weights must be positive numbers; leave subjects out instead of giving them no weight")
    by_row = np.ones((n, 1)) if weights is None else np.asarray(weights, np.float64)[:, None]
    x, y = design * by_row, values * by_row
    # Age in years beside indicators: columns of one length keep the numbers of the decomposition together.
    length = np.linalg.norm(x, axis=0)
    if not length.all():
        raise DesignError(f"column {int(np.argmin(length)) + 1} of the design is zero for every subject")
    q, r = np.linalg.qr(x / length)
    singular = np.linalg.svd(r, compute_uv=False)
    if singular[-1] <= singular[0] * max(n, p) * np.finfo(float).eps:
        raise DesignError("columns of the design depend on each other: X'X has no inverse")
    beta = np.linalg.solve(r, q.T @ y) / length[:, None]
    root = np.linalg.solve(r, np.eye(p)) / length[:, None]
    squares = np.sum((y - x @ beta) ** 2, axis=0)
    explained = squares <= EXACT_SHARE**2 * np.sum(y**2, axis=0)
    variance = np.where(explained, 0, squares) / max(n - p, 1)
    return Fit(
        design=design,
        values=values,
        weights=weights,
        beta=beta,
        residual_variance=np.maximum(variance, VARIANCE_FLOOR),
        dof=n - p,
        inverse=root @ root.T,
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class ContrastResult:
    """The test of one contrast of J rows on m columns."""

    matrix: Array
    """(J, p)."""
    gamma: Array
    """(J, m), matrix times beta, minus the null value."""
    row_variance: Array
    """(J, m), the variance of each row's gamma; for J = 1 it is mri_glmfit's gammavar."""
    f: Array
    """(m,), F(J, dof); 0 where nothing can be tested."""
    cnr: Array
    """(J, m), gamma / residual sd."""
    testable: NDArray[np.bool_]
    """(m,), as of the fit."""
    dof: tuple[int, int]
    """J and the residual degrees of freedom."""
    efficiency: float
    """1 / trace(C (X'X)^-1 C')."""

    @property
    def is_t(self) -> bool:
        """Whether the contrast has one row, so that its sign means something."""
        return len(self.gamma) == 1

    @property
    def sign(self) -> Array:
        """(m,), 1 or -1 for one row (0 counts as -1, as in the original); 1 for several rows."""
        return np.where(self.gamma[0] > 0, 1.0, -1.0) if self.is_t else np.ones(self.f.shape)

    @property
    def standard_error(self) -> Array:
        """(J, m), of each row's gamma."""
        return np.sqrt(self.row_variance)

    @property
    def t(self) -> Array:
        """(J, m), each row's gamma / standard error; 0 where nothing can be tested."""
        return np.where(self.testable, self.gamma / self.standard_error, 0.0)

    @property
    def log_p(self) -> Array:
        """(m,), natural logarithm of p."""
        return log_p_of_f(self.f, *self.dof)

    @property
    def p(self) -> Array:
        """(m,), two-sided for one row, the upper tail of F for several; 0 below the range of float64."""
        return p_of_f(self.f, *self.dof)

    @property
    def sig(self) -> Array:
        """(m,), -log10(p) with the sign of gamma for one row; right also where p underflows."""
        return np.asarray(self.sign * np.minimum(-self.log_p / np.log(10), SIG_CAP))

    @property
    def z(self) -> Array:
        """(m,), the normal deviate of p / 2, with the sign of gamma for one row."""
        return self.sign * np.where(self.f > 0, -special.ndtri_exp(self.log_p - np.log(2)), 0.0)

    @property
    def partial_eta2(self) -> Array:
        """(m,), J F / (J F + dof): the share of what the rest of the model leaves that the contrast explains."""
        explained = self.dof[0] * self.f
        return np.asarray(explained / (explained + max(self.dof[1], 1)))

    @property
    def partial_r(self) -> Array:
        """(m,), for one row the partial correlation t / sqrt(t^2 + dof); its square is the partial eta^2."""
        return self.sign * np.sqrt(self.partial_eta2)

    def interval(self, level: float = 0.95) -> tuple[Array, Array]:
        """Confidence interval of each row's gamma, both (J, m); nan without degrees of freedom."""
        if self.dof[1] < 1:
            return np.full(self.gamma.shape, np.nan), np.full(self.gamma.shape, np.nan)
        half = special.stdtrit(self.dof[1], 0.5 + level / 2) * self.standard_error
        return self.gamma - half, self.gamma + half


def contrast_result(fit: Fit, matrix: Array, gamma0: Array | None = None) -> ContrastResult:
    """Test a contrast.

    Parameters
    ----------
    fit : Fit
    matrix : (J, p) array
    gamma0 : (J,) array, optional
        The value of gamma under the null hypothesis (default: 0).

    Returns
    -------
    ContrastResult

    Raises
    ------
    DesignError
        If rows depend on each other.
    """
    matrix = np.asarray(matrix, np.float64)
    rows = len(matrix)
    null = np.zeros(rows) if gamma0 is None else np.asarray(gamma0, np.float64)
    gamma = matrix @ fit.beta - null[:, None]
    spread = matrix @ fit.inverse @ matrix.T
    scale = np.sqrt(np.diag(spread))
    if not scale.all() or np.linalg.cond(spread / np.outer(scale, scale)) > 1 / (rows * 1e-12):
        raise DesignError("rows of the contrast are zero or depend on each other: there is no F test of them")
    # The standardised rows keep a slope per year and a difference of groups in the same range.
    standard = gamma / scale[:, None]
    explained = np.sum(standard * np.linalg.solve(spread / np.outer(scale, scale), standard), axis=0)
    f = np.where(fit.testable, explained / (rows * fit.residual_variance), 0.0)
    return ContrastResult(
        matrix=matrix,
        gamma=gamma,
        row_variance=fit.residual_variance * np.diag(spread)[:, None],
        f=np.maximum(f, 0.0),
        cnr=gamma / fit.residual_sd,
        testable=fit.testable,
        dof=(rows, fit.dof),
        efficiency=float(1 / np.trace(spread)),
    )


def p_of_f(f: Array, dof1: int, dof2: int) -> Array:
    """Upper tail of the F distribution; 1 without residual degrees of freedom.

    Parameters
    ----------
    f : array
        F statistics.
    dof1, dof2 : int
        Degrees of freedom of the contrast and of the residual.

    Returns
    -------
    array
        Of the shape of ``f``.
    """
    f = np.asarray(f, np.float64)
    if dof2 < 1:
        return np.ones(f.shape)
    ratio = dof1 * f / dof2
    # Each of the two forms loses digits where its argument comes near 1.
    near_one = special.betaincc(dof1 / 2, dof2 / 2, ratio / (1 + ratio))
    return np.asarray(np.where(ratio < 1, near_one, special.betainc(dof2 / 2, dof1 / 2, 1 / (1 + ratio))))


def log_p_of_f(f: Array, dof1: int, dof2: int) -> Array:
    """Natural logarithm of the upper tail of F, right also where the tail itself underflows (p below 1e-308).

    The regularised incomplete beta function by its continued fraction (Abramowitz and Stegun 26.5.8), which
    converges fast where the tail is small.

    Parameters
    ----------
    f : array
        F statistics.
    dof1, dof2 : int
        Degrees of freedom of the contrast and of the residual.

    Returns
    -------
    array
        Of the shape of ``f``.
    """
    f = np.asarray(f, np.float64)
    p = p_of_f(f, dof1, dof2)
    logarithm = np.log(np.maximum(p, np.finfo(float).tiny))
    small = p < SMALLEST_DIRECT_P
    if small.any():
        a, b, x = dof2 / 2, dof1 / 2, dof2 / (dof2 + dof1 * f[small])
        # log(1 - x) as log of its own ratio: 1 - x loses digits where x is small, log x where f is huge.
        log_x, log_rest = -np.log1p(dof1 * f[small] / dof2), -np.log1p(dof2 / (dof1 * f[small]))
        front = a * log_x + b * log_rest - np.log(a) - special.betaln(a, b)
        logarithm[small] = front - np.log(_fraction(a, b, x))
    return np.asarray(logarithm)


def _fraction(a: float, b: float, x: Array, terms: int = 500) -> Array:
    """The continued fraction 1 + d1/(1 + d2/(1 + ...)) of the incomplete beta function, from its end."""
    value = np.ones_like(x)
    for m in range(terms, 0, -1):
        k, odd = divmod(m, 2)
        if odd:
            d = -(a + k) * (a + b + k) / ((a + 2 * k) * (a + 2 * k + 1))
        else:
            d = k * (b - k) / ((a + 2 * k - 1) * (a + 2 * k))
        value = 1 + d * x / value
    return value
