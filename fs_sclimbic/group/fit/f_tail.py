"""The upper tail of the F distribution, and its logarithm where the tail itself underflows."""

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]


SMALLEST_DIRECT_P = 1e-290
"""Below it p comes from its logarithm, which does not run out of range."""


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
