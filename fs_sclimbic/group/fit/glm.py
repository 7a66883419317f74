"""The general linear model on arrays: least squares in float64, and the test of a contrast.

Names and signs are those of mri_glmfit (gamma, gammavar, cnr, sig); the numbers are the textbook's, without the
float32 steps of the original.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ...errors import DesignError
from .centring import centre
from .f_tail import log_p_of_f, p_of_f

Array = NDArray[np.float64]

VARIANCE_FLOOR = float(np.finfo(np.float32).tiny)
"""The smallest residual variance (FLT_MIN, as in the original). At it nothing is tested: F = 0, p = 1."""
EXACT_SHARE = 1e-12
"""Residuals below this share of the values (as norms) are rounding: the design explains the values exactly."""
SIG_CAP = 1e10
"""The sig of p = 0 in mri_glmfit 7.3.2; reached only where even the logarithm of p overflows."""
MIN_OWN_SHARE = 1e-13
"""A row of a contrast follows from the others if less of it is its own: that is rounding."""
DEPENDENT_ROWS = "rows of the contrast are zero or depend on each other: there is no F test of them"


@dataclass(frozen=True, eq=False, kw_only=True)
class Fit:
    """Least squares of several columns on one design; n subjects, p columns of the design, m columns of values.

    It is computed on a centred design, whose numbers are exact also where a covariate lies far from 0.
    """

    design: Array
    """(n, p), as given, without weights."""
    values: Array
    """(n, m), as given, without weights."""
    weights: Array | None
    """(n,), by which rows of the design and of the values were multiplied; None: all 1."""
    centred: Array
    """(n, p), the design with its covariates centred, without weights."""
    transform: Array
    """(p, p): centred = design times transform."""
    centred_beta: Array
    """(p, m), coefficients of the centred design."""
    root: Array
    """(p, p): root times its transpose is the inverse of Z'Z, where Z is the (weighted) centred design."""
    residual_variance: Array
    """(m,), the sum of squared (weighted) residuals / dof; at least `VARIANCE_FLOOR`."""
    dof: int
    """n - p."""

    @property
    def beta(self) -> Array:
        """(p, m), in the unit of the values per unit of the design's column."""
        return np.asarray(self.transform @ self.centred_beta)

    @property
    def inverse(self) -> Array:
        """(p, p), the inverse of X'X, of the weighted design where there are weights."""
        factor = self.transform @ self.root
        return np.asarray(factor @ factor.T)

    def on_centred(self, matrix: Array) -> Array:
        """(J, p): a contrast of the design as one of the centred design."""
        return np.asarray(matrix @ self.transform)

    @property
    def residual_sd(self) -> Array:
        """(m,), mri_glmfit's rstd, in the unit of the values."""
        return np.sqrt(self.residual_variance)

    @property
    def fitted(self) -> Array:
        """(n, m), the design times beta (yhat), in the unit of the values also where there are weights."""
        return np.asarray(self.centred @ self.centred_beta)

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
    empty = np.flatnonzero(~design.any(axis=0))
    if len(empty):
        raise DesignError(f"column {int(empty[0]) + 1} of the design is zero for every subject")
    centred, transform = centre(design)
    z, y = centred * by_row, values * by_row
    # Age in years beside indicators: columns of one length keep the numbers of the decomposition together.
    length = np.linalg.norm(z, axis=0)
    if not (length > np.finfo(float).eps * np.linalg.norm(design * by_row, axis=0)).all():
        raise DesignError("columns of the design depend on each other: X'X has no inverse")
    q, r = np.linalg.qr(z / length)
    singular = np.linalg.svd(r, compute_uv=False)
    if singular[-1] <= singular[0] * max(n, p) * np.finfo(float).eps:
        raise DesignError("columns of the design depend on each other: X'X has no inverse")
    beta = np.linalg.solve(r, q.T @ y) / length[:, None]
    squares = np.sum((y - z @ beta) ** 2, axis=0)
    explained = squares <= EXACT_SHARE**2 * np.sum(y**2, axis=0)
    variance = np.where(explained, 0, squares) / max(n - p, 1)
    return Fit(
        design=design,
        values=values,
        weights=weights,
        centred=centred,
        transform=transform,
        centred_beta=beta,
        root=np.linalg.solve(r, np.eye(p)) / length[:, None],
        residual_variance=np.maximum(variance, VARIANCE_FLOOR),
        dof=n - p,
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
    on_centred = fit.on_centred(matrix)
    gamma = on_centred @ fit.centred_beta - null[:, None]
    # The variance of gamma is that of the residuals times factor factor', which is never negative.
    factor = on_centred @ fit.root
    scale = np.linalg.norm(factor, axis=1)
    if not scale.all():
        raise DesignError(DEPENDENT_ROWS)
    explained = _explained(fit, *_independent_rows(on_centred, null, fit.root))
    f = np.where(fit.testable, explained / (rows * fit.residual_variance), 0.0)
    return ContrastResult(
        matrix=matrix,
        gamma=gamma,
        row_variance=fit.residual_variance * (scale**2)[:, None],
        f=np.maximum(f, 0.0),
        cnr=gamma / fit.residual_sd,
        testable=fit.testable,
        dof=(rows, fit.dof),
        efficiency=float(1 / np.sum(scale**2)),
    )


def _independent_rows(matrix: Array, null: Array, root: Array) -> tuple[Array, Array]:
    """Rows and null values that ask the same together, orthogonal in the metric of the fit, (J, p) and (J,).

    Far from 0 a difference of groups is nearly the slope times a huge number. Whole rows are subtracted from each
    other before they are multiplied with estimates, so that what remains is exact.
    """
    matrix, null = matrix.copy(), null.copy()
    lengths = np.linalg.norm(matrix @ root, axis=1)
    order = np.argsort(lengths)
    for _ in range(2):  # the second time removes what rounding left
        for place, row in enumerate(order):
            for base in order[:place]:
                direction = matrix[base] @ root
                share = (matrix[row] @ root) @ direction / (direction @ direction)
                matrix[row] -= share * matrix[base]
                null[row] -= share * null[base]
            if np.linalg.norm(matrix[row] @ root) <= MIN_OWN_SHARE * lengths[row]:
                raise DesignError(DEPENDENT_ROWS)
    return matrix, null


def _explained(fit: Fit, matrix: Array, null: Array) -> Array:
    """(m,): the sum of squares that independent rows of a contrast explain."""
    factor = matrix @ fit.root
    scale = np.linalg.norm(factor, axis=1)
    triangle = np.linalg.qr((factor / scale[:, None]).T)[1].T
    standard = (matrix @ fit.centred_beta - null[:, None]) / scale[:, None]
    return np.asarray(np.sum(np.linalg.solve(triangle, standard) ** 2, axis=0))
