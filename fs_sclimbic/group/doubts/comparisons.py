"""What a contrast tests, where that is hardly what is meant: a mean against 0."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..design.contrast import Contrast
from ..fit.centring import centre
from ..fit.study import Study

TOLERANCE = 1e-8


def level_of(matrix: NDArray[np.float64], contrast: Contrast) -> NDArray[np.float64]:
    """By how much gamma changes if 1 is added to every value: 0 for a difference or a slope.

    Parameters
    ----------
    matrix : (n, p) array
        The design.
    contrast : Contrast
        Of J rows.

    Returns
    -------
    (J,) array
        For an FSGD the sum of the weights of the classes. 0 where the design holds no constant.
    """
    ones, (matrix, transform) = np.ones(len(matrix)), centre(matrix)
    length = np.linalg.norm(matrix, axis=0)
    length[length == 0] = 1
    scaled = np.linalg.lstsq(matrix / length, ones, rcond=None)[0]
    constant = np.where(np.abs(scaled) > TOLERANCE * np.abs(scaled).max(), scaled, 0) / length
    if np.abs(matrix @ constant - ones).max() > TOLERANCE * np.sqrt(len(ones)):
        return np.zeros(len(contrast.matrix))
    weights = contrast.matrix @ transform
    level = weights @ constant
    return np.where(np.abs(level) > TOLERANCE * (np.abs(weights) @ np.abs(constant)), level, 0.0)


def level_doubts(study: Study, contrasts: Sequence[Contrast]) -> dict[str, str]:
    """Contrasts that test whether a mean is 0, of values that are all above 0.

    Parameters
    ----------
    study : Study
    contrasts : sequence of Contrast
        With a weight for each column of the study.

    Returns
    -------
    dict of str to str
        A sentence by the name of the contrast. A contrast with null values (GAMMA0) is left out.
    """
    if not (study.table > 0).all():  # differences and z scores may well be 0 on average
        return {}
    doubts = {}
    for contrast in contrasts:
        level = level_of(study.matrix, contrast)
        rows = np.flatnonzero(level)
        if contrast.gamma0 is not None or not len(rows):
            continue
        which = "" if len(contrast.matrix) == 1 else f" of row {', '.join(str(row + 1) for row in rows)}"
        sums = ", ".join(f"{level[row]:g}" for row in rows)
        doubts[contrast.name] = (
            f"the weights of the classes{which} add up to {sums}, not 0: this tests whether a mean is 0, and all "
            "values are above 0; the weights of a difference add up to 0"
        )
    return doubts
