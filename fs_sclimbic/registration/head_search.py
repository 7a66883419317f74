"""Find the head in a T1-weighted image: a quick affine to MNI305, good to a few mm, to place the network's box.

The image is averaged to blocks of about 4 mm and compared with a small average brain. Only voxels of brain count
(and the dark voxels around a stripped one), so a neck, a face or a missing face does not matter. First all
translations are tried at 8 mm, with a few sizes and pitch angles, by masked normalised cross-correlation (FFT). Then
`affine` refines the best ones to 12 parameters.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from ..image.grid import Volume
from .affine import AffineFit, refine
from .brain_template import SEARCH_MM, SEARCH_SMOOTHING_MM, AverageBrain, BrainContrast, shipped_brain
from .level import sample, smooth

BLOCK_MM = 4.0
MAX_BRIGHTNESS = 1.3
"""Over white matter; blocks are clipped there, because fat and hot voxels are brighter."""
MIN_BRIGHT_BLOCKS = 100

SEARCH_STARTS = 4
FINE_STARTS = 2
"""How many places of the search are refined at the coarse level, and how many of these at the fine one."""
MIN_CORRELATION = 0.2
"""Of a place in the search."""
MIN_CONTRAST = 0.05
"""Of a place in the search: standard deviation over white matter's brightness. Below, the place is empty."""

MAX_COARSE_STEPS, MAX_FINE_STEPS, LAST_STEP_MM = 12, 8, 0.2
MAX_STRIPPED_RING_BRIGHTNESS = 0.1
"""Around a stripped brain, over white matter's."""
MIN_STRIPPED_SCORE = 0.85
"""Real stripped brains reach 0.9, balls 0.79."""
MIN_SCORE = 0.5
"""Heads reach 0.53 (a child of little contrast under a strong bias field) to 0.97, noise and phantoms 0.46."""


@dataclass(frozen=True, eq=False)
class Head:
    """Where a head lies."""

    ras2mni: NDArray[np.float64]
    """4 x 4 matrix, scanner RAS (mm) to MNI305 RAS (mm), as talairach.xfm."""
    score: float
    """Normalised correlation of image and template inside the brain, bias field divided out; 1 at best."""


def locate_head(image: Volume, brain: AverageBrain | None = None) -> Head | None:
    """Find the head in a T1-weighted image.

    Parameters
    ----------
    image : Volume
        One frame of any real type, voxel size and orientation. Its ``vox2ras`` is believed: the head must be
        upright in scanner space to about 25 degrees.
    brain : AverageBrain, optional
        By default the one that comes with the package.

    Returns
    -------
    Head or None
        None when nothing in the image looks like a head.
    """
    brain = brain or shipped_brain()
    blocks = average_blocks(image)
    if blocks is None:
        return None
    fit = _fit(blocks, brain.stripped)
    ring = float(sample(blocks, fit.mni2ras, brain.ring)[0].mean())
    if ring > MAX_STRIPPED_RING_BRIGHTNESS or fit.score < MIN_STRIPPED_SCORE:
        fit = _fit(blocks, brain.covered)
    if fit.score < MIN_SCORE:
        return None
    return Head(np.asarray(np.linalg.inv(fit.mni2ras), np.float64), fit.score)


def average_blocks(image: Volume) -> Volume | None:
    """Average an image to blocks of about BLOCK_MM.

    Returns
    -------
    Volume or None
        float32, background about 0 and white matter about 1; None for a blank image.
    """
    grid = image.grid
    size = np.clip(np.rint(BLOCK_MM / grid.voxel_size_mm), 1, grid.shape).astype(int)
    data: NDArray[Any] = image.data
    with np.errstate(invalid="ignore", over="ignore"):  # NaN, or too large for float32
        # The axis of the longest stride first: whole planes are added, in the order of memory.
        for axis in np.argsort([-abs(stride) for stride in data.strides]):
            data = _average_axis(data, int(axis), int(size[axis]))
    data = np.nan_to_num(data, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    bottom, top = np.percentile(data, [1, 99.8])
    data = np.clip(data, bottom, top) - np.float32(bottom)
    bright = data[data > data.mean()]
    if bright.size < MIN_BRIGHT_BLOCKS:
        return None
    data = np.minimum(data / np.float32(np.percentile(bright, 90)), np.float32(MAX_BRIGHTNESS))
    vox2ras = grid.vox2ras.copy()
    vox2ras[:3, :3] *= size
    vox2ras[:3, 3] += grid.vox2ras[:3, :3] @ ((size - 1) / 2)
    return Volume(data, grid.derived(data.shape, vox2ras, grid.voxel_size_mm * size))


def _average_axis(data: NDArray[Any], axis: int, size: int) -> NDArray[np.float32]:
    """Means of ``size`` neighbours along an axis; an incomplete last block is left out."""
    moved = np.moveaxis(data, axis, 0)
    end = len(moved) // size * size
    total = moved[:end:size].astype(np.float32, order="K")
    for offset in range(1, size):
        total += moved[offset:end:size]
    total /= size
    return np.moveaxis(total, 0, axis)


def _fit(blocks: Volume, template: BrainContrast) -> AffineFit:
    """The best of several tries."""
    coarse = smooth(blocks, template.coarse.smoothing_mm)
    tries = [
        refine(coarse, template.coarse, start, max_steps=MAX_COARSE_STEPS, last_step_mm=LAST_STEP_MM)
        for start in _search(blocks, template)
    ]
    best = sorted(tries, key=lambda fit: -fit.score)[:FINE_STARTS]
    fits = [
        refine(blocks, template.fine, fit.mni2ras, max_steps=MAX_FINE_STEPS, last_step_mm=LAST_STEP_MM) for fit in best
    ]
    return max(fits, key=lambda fit: fit.score, default=AffineFit(np.eye(4), 0.0))


def _search(blocks: Volume, template: BrainContrast) -> list[NDArray[np.float64]]:
    """The best few mni2ras among all translations of all poses."""
    corners = np.stack(np.meshgrid(*((0, n - 1) for n in blocks.grid.shape))).reshape(3, -1)
    corners = blocks.grid.vox2ras[:3, :3] @ corners + blocks.grid.vox2ras[:3, 3:]
    low, high = corners.min(axis=1), corners.max(axis=1)
    shape = np.ceil((high - low) / SEARCH_MM).astype(int) + 1
    index2ras = np.diag([SEARCH_MM, SEARCH_MM, SEARCH_MM, 1.0])
    index2ras[:3, 3] = low
    index = np.indices(shape).reshape(3, -1).T.astype(np.float32)
    image = sample(smooth(blocks, SEARCH_SMOOTHING_MM), index2ras, index)[0].reshape(shape)
    # Fourier transforms are circular: pad by half a brain, because a brain may cross an edge of the image so far.
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
        # An entry stands for the template's first voxel; the middle of the template lies half its size further.
        correlation = np.roll(match / np.sqrt(variance), half, axis=(0, 1, 2))[tuple(slice(n) for n in shape)]
        peaks = (correlation == ndimage.maximum_filter(correlation, 5)) & (correlation > MIN_CORRELATION)
        for peak in np.argwhere(peaks):
            mni2ras = pose.mni2ras.copy()
            mni2ras[:3, 3] += low + peak * SEARCH_MM
            places.append((float(correlation[tuple(peak)]), mni2ras))
    places.sort(key=lambda place: -place[0])
    return [mni2ras for _, mni2ras in places[:SEARCH_STARTS]]
