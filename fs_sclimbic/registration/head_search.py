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

from ..image.volume import Volume
from .affine import AffineFit, refine, sample, smooth
from .brain_template import SEARCH_MM, SEARCH_SMOOTHING_MM, AverageBrain, Template, shipped_brain

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

COARSE_STEPS, FINE_STEPS, LAST_STEP_MM = 12, 8, 0.2
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


def _fit(blocks: Volume, template: Template) -> AffineFit:
    """The best of several tries."""
    coarse = smooth(blocks, template.coarse.smoothing_mm)
    tries = [refine(coarse, template.coarse, start, COARSE_STEPS, LAST_STEP_MM) for start in _search(blocks, template)]
    best = sorted(tries, key=lambda fit: -fit.score)[:FINE_STARTS]
    fits = [refine(blocks, template.fine, fit.mni2ras, FINE_STEPS, LAST_STEP_MM) for fit in best]
    return max(fits, key=lambda fit: fit.score, default=AffineFit(np.eye(4), 0.0))


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
