"""Bootstrap confidence intervals of a contrast: subjects drawn within their classes."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ...errors import UsageError
from .glm import Array, Fit

MIN_RESAMPLES = 1000
"""Fewer leave the ends of a 95 % interval to chance."""
BATCH_NUMBERS = 5_000_000
"""So many numbers of resampled designs are held at once."""


@dataclass(frozen=True, eq=False)
class BootstrapInterval:
    """95 % intervals of m structures, nan where there is none."""

    low: Array
    high: Array
    resamples: int


def bootstrap_interval(
    fit: Fit, matrix: Array, class_of: NDArray[np.intp], *, resamples: int, seed: int, level: float = 0.95
) -> BootstrapInterval:
    """Bias-corrected and accelerated intervals (BCa) of a contrast of one row.

    Parameters
    ----------
    fit : Fit
        Of n subjects and m structures.
    matrix : (1, p) array
    class_of : (n,) array of int
        Subjects are drawn with replacement within each class, so that its size stays.
    resamples : int
        At least 1000.
    seed : int
    level : float

    Returns
    -------
    BootstrapInterval
        nan where a class has one subject, or a resampled design cannot be fitted, as happens in small classes.

    Raises
    ------
    UsageError
        If there are too few resamples.
    """
    if resamples < MIN_RESAMPLES:
        raise UsageError(f"--bootstrap {resamples}: expected {MIN_RESAMPLES} or more")
    m = fit.values.shape[1]
    low, high = np.full(m, np.nan), np.full(m, np.nan)
    groups = [np.flatnonzero(class_of == one) for one in np.unique(class_of)]
    if min(len(group) for group in groups) < 2 or fit.dof < 1:
        return BootstrapInterval(low, high, resamples)
    by_row = np.ones(len(fit.design)) if fit.weights is None else fit.weights
    design, values = fit.centred * by_row[:, None], fit.values * by_row[:, None]
    design = design / (length := np.linalg.norm(design, axis=0))
    weights = fit.on_centred(np.asarray(matrix, np.float64))[0] / length
    batch = max(1, BATCH_NUMBERS // design.size)
    for column in np.flatnonzero(fit.testable):
        response = values[:, column]

        def gamma(*drawn: Array, axis: int = -1, response: Array = response) -> Array:
            rows = np.concatenate(np.broadcast_arrays(*drawn) if len(drawn) == 1 else drawn, axis=axis).astype(int)
            flat = rows.reshape(-1, rows.shape[-1])
            return _gammas(design, response, weights, flat).reshape(rows.shape[:-1])

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a degenerate distribution gives nan, which is told as n/a
            found = stats.bootstrap(
                tuple(group.astype(float) for group in groups),
                gamma,
                n_resamples=resamples,
                batch=batch,
                vectorized=True,
                confidence_level=level,
                method="BCa",
                random_state=np.random.default_rng(seed),
            )
        low[column], high[column] = found.confidence_interval
    return BootstrapInterval(low, high, resamples)


def _gammas(design: Array, response: Array, weights: Array, rows: NDArray[np.intp]) -> Array:
    """(b,): the contrast of b resampled studies; nan where a design cannot be fitted."""
    x, y = design[rows], response[rows]
    squares = x.transpose(0, 2, 1) @ x
    sums = (x.transpose(0, 2, 1) @ y[:, :, None])[:, :, 0]
    found = np.full(len(rows), np.nan)
    values, vectors = np.linalg.eigh(squares)
    good = values[:, 0] > values[:, -1] * np.finfo(float).eps * x.shape[1] * x.shape[2]
    turned = np.einsum("bpk,bp->bk", vectors[good], sums[good]) / values[good]
    found[good] = np.einsum("bpk,bk,p->b", vectors[good], turned, weights)
    return found
