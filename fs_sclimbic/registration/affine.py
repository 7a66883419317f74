"""Gauss-Newton steps that register an image to an average brain: 12 parameters, gain and bias field together.

Inverse-compositional (Baker & Matthews, IJCV 56:221-255, 2004): the template's gradients are computed once, so a step
samples the image once and solves a small system. Gain, offset and a smooth bias field are linear unknowns beside the
twelve. A prior keeps the size and the proportions of a head.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..image.grid import Volume
from .level import BRAIN_RADIUS_MM, Level, multiply_transposed, sample

MAX_SCORE_LOSS = 0.01
"""A guarded search ends when the score has fallen by more, from its best."""
MAX_STEP_MM = 15.0
"""Longer steps are shortened, so that their matrix has an inverse."""
LOG_SIZE_MEAN, LOG_SIZE_SD = np.log(0.91), 0.08
LOG_SHAPE_SD = 0.06
"""Prior of a head's size over the template's, and of its stretch and shear, as natural logarithms."""
BRAIN_VOLUME_RATIO_RANGE = (0.35, 1.3)
"""Of a brain over the template's."""

MIN_SEEN_FRACTION = 0.5
"""Of the brain, in the field of view."""
FIELD_RIDGE = 1e-2
"""Of the bias field's least squares, over the weight of the constant term."""
MIN_FIELD_RATIO = 0.3
"""Lowest bias field over its mean, when it is divided out."""


@dataclass(frozen=True, eq=False)
class AffineFit:
    """One registration of the template to the image."""

    mni2ras: NDArray[np.float64]
    """4 x 4 matrix, MNI305 RAS (mm) to scanner RAS (mm)."""
    score: float
    """Correlation with the template, see `refine`; 0 where the brain has an impossible size or is out of view."""


def refine(
    volume: Volume,
    level: Level,
    mni2ras: NDArray[np.float64],
    *,
    max_steps: int,
    last_step_mm: float,
    guarded: bool = False,
) -> AffineFit:
    """Take Gauss-Newton steps from a start.

    Parameters
    ----------
    volume : Volume
        float32, as smooth as the level, white matter about 1.
    level : Level
    mni2ras : ndarray, shape (4, 4)
        Where to start, MNI305 RAS (mm) to scanner RAS (mm).
    max_steps : int
    last_step_mm : float
        The first step that moves no voxel further than about this is the last.
    guarded : bool
        Stop where the score falls, and return to where it was best. The steps make the squared difference smaller;
        a template that grows beyond the head into the even air around it does that too.

    Returns
    -------
    AffineFit
        Its score is the correlation with the template inside the image, bias field divided out, times the fourth root
        of the share that is seen.
    """
    points, design, normal = level.points, level.design, level.normal
    # The voxels in view at the start count to the end. If they were chosen anew at each step, a template that leaves
    # a narrow field of view would get a better score.
    values, seen = sample(volume, mni2ras, points)
    if seen.mean() < MIN_SEEN_FRACTION:
        return AffineFit(mni2ras, 0.0)
    if not seen.all():
        design = design[seen]
        normal = multiply_transposed(design, design)
    best = AffineFit(mni2ras, _score(values, seen, level, mni2ras) if guarded else 0.0)
    inside = seen
    for _ in range(max_steps):
        counted = values if seen.all() else values[seen]
        step = _step(
            counted, normal, multiply_transposed(design, counted[:, np.newaxis])[:, 0], mni2ras, level.redundancy
        )
        longest = float(np.abs(step).max())
        step *= min(1.0, MAX_STEP_MM / max(longest, last_step_mm))
        warp = np.eye(4)
        warp[:3, :3] += step[:, :3] / BRAIN_RADIUS_MM
        warp[:3, 3] = step[:, 3]
        mni2ras = mni2ras @ np.linalg.inv(warp)
        values, inside = sample(volume, mni2ras, points)
        if guarded:
            here = AffineFit(mni2ras, _score(values, inside, level, mni2ras))
            if here.score < best.score - MAX_SCORE_LOSS:
                return best
            best = max(best, here, key=lambda fit: fit.score)
        if longest < last_step_mm:
            break
    return AffineFit(mni2ras, _score(values, inside, level, mni2ras))


def _step(
    values: NDArray[np.float32],
    normal: NDArray[np.float64],
    projected: NDArray[np.float64],
    mni2ras: NDArray[np.float64],
    redundancy: float,
) -> NDArray[np.float64]:
    """The move of the template (3 x 4, see `Level.design`) that fits the image's values best, under the prior."""
    tiny = 1e-6 * np.trace(normal) / len(normal) * np.eye(len(normal))
    free = np.linalg.solve(normal + tiny, projected)
    # The affine unknowns are the move times the image's gain over the template.
    gain = max(float(free[12]), 1e-3)
    noise = (
        max(float(np.sum(values * values, dtype=np.float64)) - float(projected @ free), 1e-6) / len(values) * redundancy
    )
    precision, pull = _prior(mni2ras)
    normal, projected = normal + tiny, projected.copy()
    normal[:12, :12] += noise / gain**2 * precision
    projected[:12] += noise / gain * pull
    solved = np.linalg.solve(normal, projected)
    return np.asarray(solved[:12].reshape(3, 4) / max(float(solved[12]), 1e-3), np.float64)


def _stretch_rows() -> NDArray[np.float64]:
    """How a step changes the logarithm of size, three proportions and three shears; shape (7, 12)."""
    rows = np.zeros((7, 3, 4))
    rows[0, [0, 1, 2], [0, 1, 2]] = 1 / 3
    for axis in range(3):
        rows[1 + axis] = -rows[0]
        rows[1 + axis, axis, axis] += 1
    for row, (i, j) in enumerate(((0, 1), (0, 2), (1, 2)), 4):
        rows[row, i, j] = rows[row, j, i] = 0.5
    return rows.reshape(7, 12)


STRETCH_ROWS = _stretch_rows()
STRETCH_PRIOR = np.array([LOG_SIZE_MEAN, 0, 0, 0, 0, 0, 0])
STRETCH_PRECISION = np.array([LOG_SIZE_SD, *[LOG_SHAPE_SD] * 6]) ** -2.0


def _prior(mni2ras: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Precision (12 x 12) and right-hand side (12) of the prior of size and shape, for a step from here."""
    # The inverse of the step is applied to the transform, so the step reduces the logarithm of its stretch.
    eigenvalues, axes = np.linalg.eigh(mni2ras[:3, :3].T @ mni2ras[:3, :3])
    stretch = np.zeros((3, 4))
    stretch[:, :3] = (axes * (0.5 * np.log(eigenvalues))) @ axes.T
    excess = STRETCH_ROWS @ stretch.reshape(12) - STRETCH_PRIOR
    rows = STRETCH_ROWS / BRAIN_RADIUS_MM
    return rows.T @ (STRETCH_PRECISION[:, np.newaxis] * rows), rows.T @ (STRETCH_PRECISION * excess)


def _score(values: NDArray[np.float32], inside: NDArray[np.bool_], level: Level, mni2ras: NDArray[np.float64]) -> float:
    """Correlation with the template after the best-fitting smooth field is divided out; lower when partly seen."""
    seen = float(inside.mean())
    values = values[inside]
    if (
        seen < MIN_SEEN_FRACTION
        or not BRAIN_VOLUME_RATIO_RANGE[0] < np.linalg.det(mni2ras[:3, :3]) < BRAIN_VOLUME_RATIO_RANGE[1]
    ):
        return 0.0
    fitted = _fit_field(values, level, inside)
    field = level.field[inside] @ fitted[:-1]
    even = (values - fitted[-1]) / np.maximum(field, MIN_FIELD_RATIO * abs(field.mean()) + 1e-6)
    return _correlation(even, level.values[inside]) * seen**0.25 if even.std() > 1e-6 else 0.0


def _correlation(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    one, other = (values - values.mean(dtype=np.float64) for values in (one, other))
    return float(np.sum(one * other) / np.sqrt(np.sum(one * one) * np.sum(other * other)))


def find_field(volume: Volume, level: Level, mni2ras: NDArray[np.float64]) -> NDArray[np.float32]:
    """Fit the bias field over the template to an image.

    Parameters
    ----------
    volume : Volume
        float32, as smooth as the level.
    level : Level
    mni2ras : ndarray, shape (4, 4)
        MNI305 RAS (mm) to scanner RAS (mm).

    Returns
    -------
    ndarray, shape (10,)
        Coefficients of `field_terms`.
    """
    values, inside = sample(volume, mni2ras, level.points)
    return _fit_field(values[inside], level, inside)[:-1]


def _fit_field(values: NDArray[np.float32], level: Level, inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The field's coefficients and then the offset, for values at the template's points that are inside the image."""
    design = level.design[inside, 12:]
    normal = multiply_transposed(design, design)
    ridge = np.full(len(normal), FIELD_RIDGE * normal[0, 0])
    ridge[[0, -1]] = 1e-6 * normal[0, 0]
    fitted: NDArray[np.float32] = np.linalg.solve(
        normal + np.diag(ridge), multiply_transposed(design, values[:, np.newaxis])[:, 0]
    ).astype(np.float32)
    return fitted
