"""Tests that hold where variances differ: the covariance HC3 of MacKinnon and White (1985).

MacKinnon and White, J. Econometrics 29:305-325; Long and Ervin 2000, Am. Stat. 54:217-224. Estimates stay those of
least squares; their covariance takes each subject's own squared residual, divided by (1 - leverage)^2, for its
variance. Statistics go by t and F with the residual degrees of freedom, as statsmodels' ``cov_type="HC3", use_t=True``.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...errors import DesignError
from ..text_files import listed
from .glm import VARIANCE_FLOOR, Array, ContrastResult, Fit, contrast_result

ROBUST_NOTE = (
    "standard errors, t, F and p are robust (HC3, --robust): the variance may differ between subjects and classes"
)
MAX_LEVERAGE = 1 - 1e-9
"""Above, a subject's residual is 0 whatever its value, and says nothing about its variance."""


def leverages(fit: Fit) -> Array:
    """The diagonal of the hat matrix, (n,), between 0 and 1: how much of its own fit a subject decides.

    Parameters
    ----------
    fit : Fit

    Returns
    -------
    (n,) array
    """
    z = fit.centred if fit.weights is None else fit.centred * fit.weights[:, None]
    return np.asarray(np.minimum(np.sum((z @ fit.root) ** 2, axis=1), 1.0))


def weighted_residuals(fit: Fit) -> Array:
    """(n, m), residuals of the weighted rows; without weights the residuals.

    Parameters
    ----------
    fit : Fit

    Returns
    -------
    (n, m) array
    """
    return fit.residuals if fit.weights is None else fit.residuals * fit.weights[:, None]


def refuse_full_leverage(fit: Fit, subjects: Sequence[str]) -> None:
    """Refuse robust variances where a subject decides its own fit.

    Parameters
    ----------
    fit : Fit
    subjects : sequence of str
        n names.

    Raises
    ------
    DesignError
        With the names of such subjects.
    """
    alone = [subjects[i] for i in np.flatnonzero(leverages(fit) > MAX_LEVERAGE).tolist()]
    if alone:
        raise DesignError(
            f"--robust estimates a variance for each subject, and the design fits {listed(alone)} exactly (a class of "
            "one, or as many columns as subjects in a class): leave them out, use doss or join classes"
        )


def robust_result(fit: Fit, matrix: Array, gamma0: Array | None = None) -> ContrastResult:
    """Test a contrast with HC3 variances.

    Parameters
    ----------
    fit : Fit
        Of n subjects and m columns, none with leverage 1.
    matrix : (J, p) array
    gamma0 : (J,) array, optional

    Returns
    -------
    ContrastResult
        Standard errors, t and F are robust; cnr and Cohen's d stay in units of the residual standard deviation.

    Raises
    ------
    DesignError
        If rows depend on each other.
    """
    plain = contrast_result(fit, matrix, gamma0)
    z = fit.centred if fit.weights is None else fit.centred * fit.weights[:, None]
    # gamma is the sum over subjects of share times value: its variance adds up from theirs.
    share = fit.on_centred(np.asarray(matrix, np.float64)) @ fit.root @ (z @ fit.root).T
    scaled = weighted_residuals(fit) / (1 - leverages(fit))[:, None]
    covariance = np.einsum("jn,nm,kn->mjk", share, scaled**2, share, optimize=True)
    variance = np.maximum(np.diagonal(covariance, axis1=1, axis2=2).T, VARIANCE_FLOOR)
    f = np.zeros(len(covariance))
    for column in np.flatnonzero(fit.testable):
        root = np.sqrt(variance[:, column])
        standard = covariance[column] / np.outer(root, root)
        gamma = plain.gamma[:, column] / root
        f[column] = gamma @ np.linalg.solve(standard, gamma) / len(gamma)
    return replace(plain, row_variance=variance, f=np.maximum(f, 0.0))
