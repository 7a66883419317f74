"""Find the head in a T1-weighted image: a quick affine to MNI305, good to a few mm, to place the network's box.

The image is averaged down to blocks of about 4 mm and compared with a small average brain. Only voxels of brain
(and, where it was stripped, the dark around it) count, so that a neck, a face or its absence do not matter. First
every translation is tried at 8 mm with a few sizes and pitch angles, by masked normalised cross-correlation (FFT).
The best starts are refined to 12 parameters by inverse-compositional Gauss-Newton steps (Baker & Matthews, IJCV
56:221-255, 2004): the template's slopes are known beforehand, gain and bias field are linear nuisance terms, and a
prior keeps size and proportions those of a head.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from .average_brain import (
    RADIUS_MM,
    SEARCH_MM,
    SEARCH_SMOOTHING_MM,
    AverageBrain,
    Level,
    Template,
    sample,
    shipped_brain,
    smooth,
)
from .volume import Volume

BLOCK_MM = 4.0
BRIGHTEST = 1.3
"""Where blocks are clipped, over white matter: fat and hot voxels are brighter."""
MIN_BRIGHT_BLOCKS = 100

SEARCH_STARTS = 4
FINE_STARTS = 2
"""How many places of the search go on to the coarse, and of these to the fine level."""
MIN_CORRELATION = 0.2
"""Of a place in the search."""
MIN_CONTRAST = 0.05
"""Standard deviation, over white matter's brightness, below which a place in the search is empty."""

COARSE_STEPS, FINE_STEPS = 12, 8
LONGEST_STEP_MM = 15.0
LAST_STEP_MM = 0.2
"""Steps are cut at the one (so that their matrix has an inverse), and end below the other."""
LOG_SIZE, LOG_SIZE_SD = np.log(0.91), 0.08
LOG_SHAPE_SD = 0.06
"""Prior of a head's size over the template's, and of its stretch and shear, as natural logarithms."""
REDUNDANCY = 60.0
"""Residuals of neighbours go together: so many voxels are worth one independent observation."""
VOLUME_RANGE = (0.35, 1.3)
"""Of a brain over the template's."""

MIN_SEEN = 0.5
"""Share of the brain that must lie in the field of view."""
FIELD_RIDGE = 1e-2
MIN_FIELD = 0.3
"""Lowest bias field over its mean, when it is divided out."""
MAX_STRIPPED_RING = 0.1
MIN_STRIPPED_SCORE = 0.85
"""Brightness around a stripped brain over white matter's, and its score: real ones reach 0.9, balls 0.79."""
MIN_SCORE = 0.5
"""Heads reach 0.53 (a child of little contrast under a strong bias field) to 0.97, noise and phantoms 0.46."""


@dataclass(frozen=True, eq=False)
class Head:
    """Where the head lies."""

    ras2mni: NDArray[np.float64]
    """4 x 4 matrix, scanner RAS (mm) to MNI305 RAS (mm), as talairach.xfm."""
    score: float
    """Normalised correlation of image and template inside the brain, bias field divided out; 1 at best."""


@dataclass(frozen=True, eq=False)
class Fit:
    """One try to lay the template over the image."""

    mni2ras: NDArray[np.float64]
    """4 x 4 matrix, MNI305 RAS (mm) to scanner RAS (mm)."""
    score: float
    """As a head's; 0 where the brain would be of impossible size or out of view."""


def locate_head(image: Volume) -> Head | None:
    """Find the head in a T1-weighted image.

    Parameters
    ----------
    image : Volume
        One frame of any real type, voxel size and orientation. Its ``vox2ras`` is believed: the head must be
        upright in scanner space to about 25 degrees.

    Returns
    -------
    Head or None
        None when nothing in the image looks like a head.
    """
    return locate_in(image, shipped_brain())


def locate_in(image: Volume, brain: AverageBrain) -> Head | None:
    """Find the head with another average brain; the parameters are those of `locate_head`."""
    blocks = mean_blocks(image)
    if blocks is None:
        return None
    fit = _fit(blocks, brain.stripped)
    ring = float(sample(blocks, fit.mni2ras, brain.ring)[0].mean())
    if ring > MAX_STRIPPED_RING or fit.score < MIN_STRIPPED_SCORE:
        fit = _fit(blocks, brain.covered)
    if fit.score < MIN_SCORE:
        return None
    return Head(np.asarray(np.linalg.inv(fit.mni2ras), np.float64), fit.score)


def mean_blocks(image: Volume) -> Volume | None:
    """Average an image down to blocks of about BLOCK_MM.

    Returns
    -------
    Volume or None
        float32, background about 0 and white matter about 1; None for a blank image.
    """
    grid = image.grid
    size = np.clip(np.rint(BLOCK_MM / grid.voxel_size_mm), 1, grid.shape).astype(int)
    data: NDArray[Any] = image.data
    with np.errstate(invalid="ignore", over="ignore"):  # voxels that are no number, or too large for float32
        # The axis of the longest stride first: whole planes are added, in the order of memory.
        for axis in np.argsort([-abs(stride) for stride in data.strides]):
            data = _axis_means(data, int(axis), int(size[axis]))
    data = np.nan_to_num(data, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    bottom, top = np.percentile(data, [1, 99.8])
    data = np.clip(data, bottom, top) - np.float32(bottom)
    bright = data[data > data.mean()]
    if bright.size < MIN_BRIGHT_BLOCKS:
        return None
    data = np.minimum(data / np.float32(np.percentile(bright, 90)), np.float32(BRIGHTEST))
    vox2ras = grid.vox2ras.copy()
    vox2ras[:3, :3] *= size
    vox2ras[:3, 3] += grid.vox2ras[:3, :3] @ ((size - 1) / 2)
    return Volume(data, grid.derived(data.shape, vox2ras, grid.voxel_size_mm * size))


def _axis_means(data: NDArray[Any], axis: int, size: int) -> NDArray[np.float32]:
    """Means of ``size`` neighbours along an axis; an incomplete last block is left out."""
    moved = np.moveaxis(data, axis, 0)
    end = len(moved) // size * size
    total = moved[:end:size].astype(np.float32, order="K")
    for offset in range(1, size):
        total += moved[offset:end:size]
    total /= size
    return np.moveaxis(total, 0, axis)


def _fit(blocks: Volume, template: Template) -> Fit:
    """The best of several tries."""
    coarse = smooth(blocks, template.coarse.smoothing_mm)
    tries = [_refine(coarse, template.coarse, start, COARSE_STEPS) for start in _search(blocks, template)]
    best = sorted(tries, key=lambda fit: -fit.score)[:FINE_STARTS]
    fits = [_refine(blocks, template.fine, fit.mni2ras, FINE_STEPS) for fit in best]
    return max(fits, key=lambda fit: fit.score, default=Fit(np.eye(4), 0.0))


def _search(blocks: Volume, template: Template) -> list[NDArray[np.float64]]:
    """The best few mni2ras among all translations of all poses."""
    corners = np.stack(np.meshgrid(*((0, n - 1) for n in blocks.grid.shape))).reshape(3, -1)
    corners = blocks.grid.vox2ras[:3, :3] @ corners + blocks.grid.vox2ras[:3, 3:]
    low, high = corners.min(axis=1), corners.max(axis=1)
    shape = np.ceil((high - low) / SEARCH_MM).astype(int) + 1
    index2ras = np.diag([SEARCH_MM, SEARCH_MM, SEARCH_MM, 1.0])
    index2ras[:3, 3] = low
    index = np.indices(shape).reshape(3, -1).T.astype(np.float32)
    image = sample(smooth(blocks, SEARCH_SMOOTHING_MM), index2ras, index)[0].reshape(shape)
    # The transforms are circular: a brain whose middle lies in the image may reach over an edge by half its size.
    half = np.array(template.poses[0].mask.shape) // 2
    padded = [fft.next_fast_len(int(n), real=True) for n in shape + half + 1]
    spectrum, spectrum_of_square = fft.rfftn(image, padded), fft.rfftn(image**2, padded)
    places: list[tuple[float, NDArray[np.float64]]] = []
    for pose in template.poses:
        pattern, window = (np.conj(fft.rfftn(array, padded)) for array in (pose.values, pose.mask))
        match, total, squares = (
            fft.irfftn(product, padded)
            for product in (spectrum * pattern, spectrum * window, spectrum_of_square * window)
        )
        count = pose.mask.sum()
        variance = np.maximum(squares - total**2 / count, count * MIN_CONTRAST**2)
        # An entry belongs to the place of the template's first voxel; its middle lies half its size further.
        correlation = np.roll(match / np.sqrt(variance), half, axis=(0, 1, 2))[tuple(slice(n) for n in shape)]
        peaks = (correlation == ndimage.maximum_filter(correlation, 5)) & (correlation > MIN_CORRELATION)
        for peak in np.argwhere(peaks):
            mni2ras = pose.mni2ras.copy()
            mni2ras[:3, 3] += low + peak * SEARCH_MM
            places.append((float(correlation[tuple(peak)]), mni2ras))
    places.sort(key=lambda place: -place[0])
    return [mni2ras for _, mni2ras in places[:SEARCH_STARTS]]


def _refine(volume: Volume, level: Level, mni2ras: NDArray[np.float64], steps: int) -> Fit:
    """Gauss-Newton steps from a start, and the score where they end."""
    for _ in range(steps):
        values, inside = sample(volume, mni2ras, level.points)
        design, normal = level.design, level.normal
        if not inside.all():
            if inside.mean() < MIN_SEEN:
                return Fit(mni2ras, 0.0)
            values, design = values[inside], design[inside]
            normal = (design.T @ design).astype(np.float64)
        step = _step(values, normal, (design.T @ values).astype(np.float64), mni2ras)
        longest = float(np.abs(step).max())
        step *= min(1.0, LONGEST_STEP_MM / max(longest, LAST_STEP_MM))
        warp = np.eye(4)
        warp[:3, :3] += step[:, :3] / RADIUS_MM
        warp[:3, 3] = step[:, 3]
        mni2ras = mni2ras @ np.linalg.inv(warp)
        if longest < LAST_STEP_MM:
            break
    return Fit(mni2ras, _score(volume, level, mni2ras))


def _step(
    values: NDArray[np.float32],
    normal: NDArray[np.float64],
    projected: NDArray[np.float64],
    mni2ras: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The template's move (3 x 4, see `Level.design`) that, with the prior, explains the image's values best."""
    tiny = 1e-6 * np.trace(normal) / len(normal) * np.eye(len(normal))
    free = np.linalg.solve(normal + tiny, projected)
    # The affine unknowns are the move times the image's gain over the template.
    gain = max(float(free[12]), 1e-3)
    noise = max(float(values @ values) - float(projected @ free), 1e-6) / len(values) * REDUNDANCY
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


def _score(volume: Volume, level: Level, mni2ras: NDArray[np.float64]) -> float:
    """Correlation with the template after the smooth field that fits best is divided out; less when partly seen."""
    values, inside = sample(volume, mni2ras, level.points)
    seen = float(inside.mean())
    values = values[inside]
    if seen < MIN_SEEN or not VOLUME_RANGE[0] < np.linalg.det(mni2ras[:3, :3]) < VOLUME_RANGE[1]:
        return 0.0
    design = level.design[inside, 12:]
    normal = (design.T @ design).astype(np.float64)
    ridge = np.full(len(normal), FIELD_RIDGE * normal[0, 0])
    ridge[[0, -1]] = 1e-6 * normal[0, 0]
    fitted = np.linalg.solve(normal + np.diag(ridge), design.T @ values).astype(np.float32)
    field = level.field[inside] @ fitted[:-1]
    even = (values - fitted[-1]) / np.maximum(field, MIN_FIELD * abs(field.mean()) + 1e-6)
    return float(np.corrcoef(even, level.values[inside])[0, 1]) * seen**0.25 if even.std() > 1e-6 else 0.0
