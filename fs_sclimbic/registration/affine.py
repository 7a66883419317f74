"""Gauss-Newton steps that bring an image onto an average brain: 12 parameters, gain and bias field together.

Inverse-compositional (Baker & Matthews, IJCV 56:221-255, 2004): the template's slopes are known beforehand, so a step
samples the image once and solves a small system. Gain, offset and a smooth bias field are linear unknowns beside the
twelve, and a prior keeps size and proportions those of a head.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..image.volume import Grid, Volume

RADIUS_MM = 50.0
"""About a brain's radius of gyration: over it, a slope moves voxels as far as a shift of the same number."""
BLOCK_ROWS = 400
"""Of products that are not shared out among threads."""
LOSS = 0.01
"""Of score, in all, that ends a guarded search."""
LONGEST_STEP_MM = 15.0
"""Steps are cut there, so that their matrix has an inverse."""
LOG_SIZE, LOG_SIZE_SD = np.log(0.91), 0.08
LOG_SHAPE_SD = 0.06
"""Prior of a head's size over the template's, and of its stretch and shear, as natural logarithms."""
VOLUME_RANGE = (0.35, 1.3)
"""Of a brain over the template's."""

MIN_SEEN = 0.5
"""Share of the brain that must lie in the field of view."""
FIELD_RIDGE = 1e-2
MIN_FIELD = 0.3
"""Lowest bias field over its mean, when it is divided out."""


@dataclass(frozen=True, eq=False)
class Level:
    """The template at one resolution, ready for Gauss-Newton steps."""

    points: NDArray[np.float32]
    """MNI305 RAS (mm) of the voxels that count, shape (n, 3)."""
    values: NDArray[np.float32]
    """Template intensity there, shape (n,)."""
    field: NDArray[np.float32]
    """Polynomials of a bias field, the constant first, shape (n, 10)."""
    design: NDArray[np.float32]
    """Shape (n, 23): what 12 affine parameters, the bias field's 10 and an offset do to the values.

    The affine ones are rows of a 3 x 4 matrix that acts on (point / RADIUS_MM, 1) and gives mm.
    """
    normal: NDArray[np.float64]
    """design.T @ design."""
    smoothing_mm: float
    """Sigma of the Gaussian that makes an image as smooth."""
    redundancy: float
    """Residuals of neighbours go together: so many voxels are worth one independent observation."""


@dataclass(frozen=True, eq=False)
class AffineFit:
    """One try to lay the template over the image."""

    mni2ras: NDArray[np.float64]
    """4 x 4 matrix, MNI305 RAS (mm) to scanner RAS (mm)."""
    score: float
    """As a head's; 0 where the brain would be of impossible size or out of view."""


def smooth(volume: Volume, sigma_mm: float) -> Volume:
    """Smooth with a Gaussian; outside the volume is 0."""
    sigma = sigma_mm / np.linalg.norm(volume.grid.vox2ras[:3, :3], axis=0)
    return Volume(ndimage.gaussian_filter(volume.data, sigma, mode="constant", truncate=2.5), volume.grid)


def sample(
    volume: Volume, to_ras: NDArray[np.floating], points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Interpolate linearly at points of another space.

    Parameters
    ----------
    volume : Volume
        float32.
    to_ras : ndarray, shape (4, 4)
        From the points' space to the volume's scanner RAS, mm.
    points : ndarray, shape (n, 3)

    Returns
    -------
    values : ndarray, shape (n,)
        0 outside the volume.
    inside : ndarray, shape (n,)
        Which points lie between the volume's voxels.
    """
    to_voxel = (np.linalg.inv(volume.grid.vox2ras) @ to_ras).astype(np.float32)
    where = to_voxel[:3, :3] @ points.T + to_voxel[:3, 3:]
    last = np.array(volume.grid.shape, np.float32)[:, np.newaxis] - 1
    inside: NDArray[np.bool_] = np.all((where >= 0) & (where <= last), axis=0)
    return ndimage.map_coordinates(volume.data, where, order=1, mode="constant"), inside


def voxel_points(grid: Grid, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Scanner RAS (mm) of the chosen voxels, shape (n, 3)."""
    return np.argwhere(chosen) @ grid.vox2ras[:3, :3].T + grid.vox2ras[:3, 3]


def pitched(scale: float, radians: float) -> NDArray[np.float64]:
    """Scaling, and a turn about the axis from left to right that lifts the nose; 3 x 3."""
    sin, cos = np.sin(radians), np.cos(radians)
    return scale * np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])


def make_level(look: Volume, chosen: NDArray[np.bool_], smoothing_mm: float, redundancy: float) -> Level:
    """Work out what the steps need.

    Parameters
    ----------
    look : Volume
        The template in MNI305 space, on an upright grid.
    chosen : ndarray of bool
        Its voxels that count.
    smoothing_mm, redundancy : float
        As in `Level`.
    """
    per_mm = np.stack(np.gradient(look.data), -1)[chosen] @ np.linalg.inv(look.grid.vox2ras[:3, :3])
    values = look.data[chosen]
    unit = values.std()
    values, per_mm = values / unit, per_mm / unit
    points = voxel_points(look.grid, chosen)
    field = field_terms(points)
    moved = per_mm[:, :, np.newaxis] * field[:, np.newaxis, [1, 2, 3, 0]]
    design = np.column_stack([moved.reshape(-1, 12), field * values[:, np.newaxis], field[:, 0]])
    return Level(
        points.astype(np.float32),
        values.astype(np.float32),
        field.astype(np.float32),
        design.astype(np.float32),
        _products(design.astype(np.float32), design.astype(np.float32)),
        smoothing_mm,
        redundancy,
    )


def field_terms(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """The polynomials of a bias field at MNI305 points (mm), shape (n, 3); the constant first, shape (n, 10)."""
    x, y, z = (points / RADIUS_MM).T
    return np.column_stack([np.ones_like(x), x, y, z, x * x, y * y, z * z, x * y, x * z, y * z])


def refine(
    volume: Volume, level: Level, mni2ras: NDArray[np.float64], steps: int, last_step_mm: float, guarded: bool = False
) -> AffineFit:
    """Take Gauss-Newton steps from a start.

    Parameters
    ----------
    volume : Volume
        float32, as smooth as the level, white matter about 1.
    level : Level
    mni2ras : ndarray, shape (4, 4)
        Where to start, MNI305 RAS (mm) to scanner RAS (mm).
    steps : int
        How many at most.
    last_step_mm : float
        The first step that moves no voxel further than about this is the last.
    guarded : bool
        Stop where the score falls, and return to where it was best. The steps make the squared difference smaller,
        and a template that grows beyond the head into even air does that too.
    """
    points, design, normal = level.points, level.design, level.normal
    # Those in view at the start count to the end: were they chosen anew at each step, a template could leave a
    # narrow field of view and be rewarded for it.
    values, seen = sample(volume, mni2ras, points)
    if seen.mean() < MIN_SEEN:
        return AffineFit(mni2ras, 0.0)
    if not seen.all():
        design = design[seen]
        normal = _products(design, design)
    best = AffineFit(mni2ras, _score(values, seen, level, mni2ras) if guarded else 0.0)
    inside = seen
    for _ in range(steps):
        counted = values if seen.all() else values[seen]
        step = _step(counted, normal, _products(design, counted[:, np.newaxis])[:, 0], mni2ras, level.redundancy)
        longest = float(np.abs(step).max())
        step *= min(1.0, LONGEST_STEP_MM / max(longest, last_step_mm))
        warp = np.eye(4)
        warp[:3, :3] += step[:, :3] / RADIUS_MM
        warp[:3, 3] = step[:, 3]
        mni2ras = mni2ras @ np.linalg.inv(warp)
        values, inside = sample(volume, mni2ras, points)
        if guarded:
            here = AffineFit(mni2ras, _score(values, inside, level, mni2ras))
            if here.score < best.score - LOSS:
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
    """The template's move (3 x 4, see `Level.design`) that, with the prior, explains the image's values best."""
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
    """What a step adds to the logarithm of size, to three of proportion and three of shear; shape (7, 12)."""
    rows = np.zeros((7, 3, 4))
    rows[0, [0, 1, 2], [0, 1, 2]] = 1 / 3
    for axis in range(3):
        rows[1 + axis] = -rows[0]
        rows[1 + axis, axis, axis] += 1
    for row, (i, j) in enumerate(((0, 1), (0, 2), (1, 2)), 4):
        rows[row, i, j] = rows[row, j, i] = 0.5
    return rows.reshape(7, 12)


STRETCH_ROWS = _stretch_rows()
STRETCH_PRIOR = np.array([LOG_SIZE, 0, 0, 0, 0, 0, 0])
STRETCH_PRECISION = np.array([LOG_SIZE_SD, *[LOG_SHAPE_SD] * 6]) ** -2.0


def _prior(mni2ras: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Precision (12 x 12) and right-hand side (12) of the prior of size and shape, for a step from here."""
    # The step is undone in the image's transform, so it takes away from the logarithm of its stretch.
    eigenvalues, axes = np.linalg.eigh(mni2ras[:3, :3].T @ mni2ras[:3, :3])
    stretch = np.zeros((3, 4))
    stretch[:, :3] = (axes * (0.5 * np.log(eigenvalues))) @ axes.T
    excess = STRETCH_ROWS @ stretch.reshape(12) - STRETCH_PRIOR
    rows = STRETCH_ROWS / RADIUS_MM
    return rows.T @ (STRETCH_PRECISION[:, np.newaxis] * rows), rows.T @ (STRETCH_PRECISION * excess)


def _score(values: NDArray[np.float32], inside: NDArray[np.bool_], level: Level, mni2ras: NDArray[np.float64]) -> float:
    """Correlation with the template after the smooth field that fits best is divided out; less when partly seen."""
    seen = float(inside.mean())
    values = values[inside]
    if seen < MIN_SEEN or not VOLUME_RANGE[0] < np.linalg.det(mni2ras[:3, :3]) < VOLUME_RANGE[1]:
        return 0.0
    fitted = _fit_field(values, level, inside)
    field = level.field[inside] @ fitted[:-1]
    even = (values - fitted[-1]) / np.maximum(field, MIN_FIELD * abs(field.mean()) + 1e-6)
    return _correlation(even, level.values[inside]) * seen**0.25 if even.std() > 1e-6 else 0.0


def _correlation(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    one, other = (values - values.mean(dtype=np.float64) for values in (one, other))
    return float(np.sum(one * other) / np.sqrt(np.sum(one * one) * np.sum(other * other)))


def _products(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """``one.T @ other``, the same to the last bit for any number of threads.

    BLAS shares out large products among threads, and then the sums depend on how many there are. These blocks are
    too small for that (and waiting for a second thread takes longer than they do).
    """
    end = len(one) // BLOCK_ROWS * BLOCK_ROWS
    first, second = (values[:end].reshape(-1, BLOCK_ROWS, values.shape[1]) for values in (one, other))
    products = np.matmul(first.transpose(0, 2, 1), second).sum(axis=0, dtype=np.float64)
    return np.asarray(products + one[end:].T @ other[end:], np.float64)


def find_field(volume: Volume, level: Level, mni2ras: NDArray[np.float64]) -> NDArray[np.float32]:
    """The smooth field over the template that explains the image best: what `field_terms` are to be multiplied with."""
    values, inside = sample(volume, mni2ras, level.points)
    return _fit_field(values[inside], level, inside)[:-1]


def _fit_field(values: NDArray[np.float32], level: Level, inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The field's coefficients, and the offset last, for values at those points of the template that are inside."""
    design = level.design[inside, 12:]
    normal = _products(design, design)
    ridge = np.full(len(normal), FIELD_RIDGE * normal[0, 0])
    ridge[[0, -1]] = 1e-6 * normal[0, 0]
    fitted: NDArray[np.float32] = np.linalg.solve(
        normal + np.diag(ridge), _products(design, values[:, np.newaxis])[:, 0]
    ).astype(np.float32)
    return fitted
