"""A design with its covariates centred, for exact arithmetic far from 0: years as 2020, dates as 1e9 seconds."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def centre(design: Array) -> tuple[Array, Array]:
    """Centre the covariates of a design on multiples of its indicator columns.

    Parameters
    ----------
    design : (n, p) array

    Returns
    -------
    centred : (n, p) array
        The design times the transform; it has the same column space. The differences are taken from the numbers as
        they are given, so that they lose nothing where a covariate lies far from 0.
    transform : (p, p) array
        Coefficients of the design are the transform times those of the centred design, and a contrast C of the design
        is C times the transform there.

    Notes
    -----
    A column is centred if its non-zero rows are those of a sum of indicator columns: of all classes for a covariate
    that they share, of one class for its own slope, of a constant column. All of them get the same multiple, so that
    a difference of classes does not depend on it.
    """
    indicators = np.flatnonzero(np.isin(design, (0, 1)).all(axis=0) & design.any(axis=0))
    centred, transform = design.copy(), np.eye(design.shape[1])
    if not len(indicators):
        return centred, transform
    columns = design[:, indicators]
    for index in np.setdiff1d(np.arange(design.shape[1]), indicators):
        rows = design[:, index] != 0
        parts = np.rint(np.linalg.lstsq(columns, rows.astype(float), rcond=None)[0])
        if rows.any() and np.array_equal(columns @ parts, rows):
            mean = design[rows, index].mean()
            centred[rows, index] -= mean
            transform[indicators, index] = -mean * parts
    return centred, transform
