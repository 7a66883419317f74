"""The transform from scanner space to MNI305 from the image alone, for eTIV without recon-all.

`head_search` finds the head, good to a few mm. From there, and from eleven starts around it that are turned and
scaled, `affine` registers an average head to the image with 12 parameters, gain and bias field together, coarse and
then fine. The brain and the centimetre around it count: fluid and skull tell the size of the head. Scalp, face and
neck do not count, so they may be missing. A brain that was taken out of its head is compared with an average brain
without a head. The average has the size that eTIV is calibrated on.

Nothing is random: the same image gives the same transform.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError, TransformError
from ..image.grid import Grid, Volume
from .affine import MIN_FIELD_RATIO, AffineFit, find_field, refine
from .etiv import etiv_mm3
from .head_search import locate_head
from .head_template import AverageHead, HeadContrast, shipped_head
from .level import field_terms, pitch_matrix, sample, smooth, voxel_points
from .plausibility import find_distortions, why_implausible

MAX_BRIGHTNESS = 1.6
"""Over the brain's mean; intensities are clipped there, because fat and vessels are brighter."""
START_SCALES = (1.0, 0.93, 1.07, 0.87)
START_PITCH_DEG = (0.0, -10.0, 10.0)
"""Starts around the first guess. A child's brain lies so near to the scalp that only a small start finds it."""
START_CENTER_MNI_MM = np.array([0.0, -18.0, 12.0])
MAX_STEPS, COARSE_LAST_STEP_MM, FINE_LAST_STEP_MM = 60, 0.1, 0.005
MAX_STRIPPED_RING_BRIGHTNESS = 0.1
"""Around a stripped brain, over the brain's own: 0.00-0.02 in 56 stripped brains, 0.20 in the whole head with the
darkest scalp (fat suppressed, part of it out of view)."""
CROP_MARGIN_MM = 25.0
MAX_TISSUE_RATIO = 3.0
"""Over the median deep in the brain; brighter voxels are not tissue, which reaches 1.6."""
STRONG_FIELD_RATIO = 2.2
"""Bias field in the brightest places of the head over that in the darkest. A stronger one is divided out first, because
intensities would be clipped in some places only. 1.1 to 1.9 in 15 heads."""
MAX_CLIPPED_FRACTION = 0.002
"""Of places deep in the brain; with fewer clipped ones the field stays. 0 in even heads. Where part of a head was
removed the field looks strong too, but nothing is clipped."""

MIN_SCORE, MIN_STRIPPED_SCORE = 0.65, 0.85
"""Sound registrations of whole heads reach 0.75 to 0.92 (0.70 for a head unlike those of the average), of stripped
brains 0.89 to 0.95. Where eTIV is wrong by 20 %, whole heads reach at most 0.60 and stripped brains 0.91; where it is
wrong by 40 %, stripped brains reach 0.83."""
MIN_SEEN_FRACTION = 0.8
"""Of the average head, in the field of view. 47 cuts of six heads that leave 0.8 or more change eTIV by 0.7 % in the
median and by 4.3 % at most (a child)."""
MAX_TURN_DEG = 45.0
"""Between the axes of scanner and head: 0 to 20 degrees in sound images, often 90 or 180 with a wrong header."""


@dataclass(frozen=True, eq=False)
class Registration:
    """How a head lies in MNI305."""

    ras2mni: NDArray[np.float64]
    """4 x 4 matrix, scanner RAS (mm) to MNI305 RAS (mm), as talairach.xfm."""
    score: float
    """Correlation with the average head, bias field divided out; 1 at best."""
    stripped: bool
    """Whether the image was taken for a brain without a head."""
    doubts: tuple[str, ...]
    """Reasons to doubt it, each with the figure that is expected; empty for a sound one."""


def register(
    image: Volume,
    *,
    head: AverageHead | None = None,
    start: NDArray[np.float64] | None = None,
    stripped: bool | None = None,
) -> Registration:
    """Find the transform to MNI305 in a T1-weighted image.

    Parameters
    ----------
    image : Volume
        One frame of any real type, voxel size and orientation; whole head, defaced head or stripped brain. Its
        ``vox2ras`` is believed: the head must be upright in scanner space to about 25 degrees.
    head : AverageHead, optional
        By default the one that comes with the package.
    start : ndarray, shape (4, 4), optional
        First guess of the transform; by default the head is searched for.
    stripped : bool, optional
        Whether the image is a brain without a head; by default this is found from the image.

    Returns
    -------
    Registration

    Raises
    ------
    ImageError
        If nothing in the image looks like a head.
    """
    head = head or shipped_head()
    if start is None:
        found = locate_head(image)
        if found is None:
            raise ImageError(
                "no upright T1-weighted head was found, so eTIV cannot be computed; check the orientation in freeview"
            )
        start = found.ras2mni
    mni2ras = np.asarray(np.linalg.inv(start), np.float64)
    cropped = _cropped(image, mni2ras, head)
    even = _clipped(cropped, mni2ras, head)
    if stripped is None:
        stripped = float(sample(even, mni2ras, head.ring)[0].mean()) < MAX_STRIPPED_RING_BRIGHTNESS
    contrast = head.stripped if stripped else head.whole
    fit = _fit(even, contrast, mni2ras)
    unbiased = _without_strong_field(cropped, even, head, contrast, fit.mni2ras)
    if unbiased is not None:
        even = _clipped(unbiased, fit.mni2ras, head)
        fit = max(fit, _fit(even, contrast, mni2ras), key=lambda one: one.score)
    ras2mni = np.asarray(np.linalg.inv(fit.mni2ras), np.float64)
    seen = float(sample(even, fit.mni2ras, contrast.fine.points)[1].mean())
    doubts = find_doubts(ras2mni, score=fit.score, stripped=stripped, seen=seen)
    return Registration(ras2mni, fit.score, stripped, tuple(doubts))


def find_doubts(ras2mni: NDArray[np.float64], *, score: float, stripped: bool, seen: float) -> Iterator[str]:
    """Find reasons to doubt a registration.

    Parameters
    ----------
    ras2mni : ndarray, shape (4, 4)
        Scanner RAS (mm) to MNI305 RAS (mm).
    score : float
        Correlation with the average head.
    stripped : bool
        Whether the image was taken for a brain without a head.
    seen : float
        Share of the average head that lies in the field of view.

    Yields
    ------
    str
        What was found, and what is expected.
    """
    lowest = MIN_STRIPPED_SCORE if stripped else MIN_SCORE
    if score < lowest:
        yield f"it looks like an average {'brain' if stripped else 'head'} to {score:.2f} only (sound: {lowest:.2f})"
    if seen < MIN_SEEN_FRACTION:
        yield f"{1 - seen:.0%} of the head lies outside the image (sound: up to {1 - MIN_SEEN_FRACTION:.0%})"
    yield from find_distortions(ras2mni[:3, :3])
    left, _, right = np.linalg.svd(ras2mni[:3, :3])
    turned = float(np.degrees(np.arccos(np.clip((np.trace(left @ right) - 1) / 2, -1, 1))))
    if turned > MAX_TURN_DEG:
        yield f"the head is turned by {turned:.0f} degrees: the image's header may be wrong (sound: {MAX_TURN_DEG:.0f})"
    try:
        etiv = etiv_mm3(ras2mni)
    except TransformError:
        etiv = float("nan")
    if implausible := why_implausible(etiv):
        yield implausible


def _fit(even: Volume, contrast: HeadContrast, mni2ras: NDArray[np.float64]) -> AffineFit:
    """Refine from several starts at the coarse level, and the best one at the fine level."""
    blurred, sharp = (
        smooth(even, smoothing_to_reach(level.smoothing_mm, even.grid)) for level in (contrast.coarse, contrast.fine)
    )
    tries = [
        refine(blurred, contrast.coarse, start, max_steps=MAX_STEPS, last_step_mm=COARSE_LAST_STEP_MM, guarded=True)
        for start in _starts(mni2ras)
    ]
    best = max(tries, key=lambda fit: fit.score)
    return refine(sharp, contrast.fine, best.mni2ras, max_steps=MAX_STEPS, last_step_mm=FINE_LAST_STEP_MM, guarded=True)


def _starts(mni2ras: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """The first guess, and others turned and scaled about the middle of the brain."""
    for scale in START_SCALES:
        for pitch in np.deg2rad(START_PITCH_DEG):
            warp = np.eye(4)
            warp[:3, :3] = pitch_matrix(scale, pitch)
            warp[:3, 3] = START_CENTER_MNI_MM - warp[:3, :3] @ START_CENTER_MNI_MM
            yield mni2ras @ warp


def smoothing_to_reach(sigma_mm: float, grid: Grid) -> float:
    """Sigma (mm) of the Gaussian after which images of different voxel sizes are equally smooth.

    A voxel is the mean over a box, whose variance is size^2 / 12. The levels are made for voxels of 1 mm.

    Parameters
    ----------
    sigma_mm : float
        Sigma for voxels of 1 mm.
    grid : Grid

    Returns
    -------
    float
    """
    return float(np.sqrt(max(sigma_mm**2 - (float(np.mean(grid.voxel_size_mm**2)) - 1) / 12, 0.25)))


def _cropped(image: Volume, mni2ras: NDArray[np.float64], head: AverageHead) -> Volume:
    """The image around the head, float32, background about 0."""
    corners = np.linalg.inv(image.grid.vox2ras) @ mni2ras @ np.column_stack([head.corners, np.ones(8)]).T
    margin = CROP_MARGIN_MM / image.grid.voxel_size_mm
    shape = np.array(image.grid.shape)
    low = np.clip(np.floor(corners[:3].min(axis=1) - margin), 0, shape - 1).astype(int)
    high = np.clip(np.ceil(corners[:3].max(axis=1) + margin) + 1, low + 1, shape).astype(int)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    with np.errstate(over="ignore"):  # values too large for float32
        data = image.data[box].astype(np.float32)
    known = np.isfinite(data)
    # Intensities without their mean, or like Hounsfield units, have a background far below 0.
    bottom = min(0.0, float(np.percentile(data[known], 1))) if known.any() else 0.0
    data = np.where(known, data - np.float32(bottom), 0)
    vox2ras = image.grid.vox2ras.copy()
    vox2ras[:3, 3] += vox2ras[:3, :3] @ low
    return Volume(data, image.grid.derived(data.shape, vox2ras, image.grid.voxel_size_mm))


def _clipped(cropped: Volume, mni2ras: NDArray[np.float64], head: AverageHead) -> Volume:
    """Scale the brain's mean to 1, and clip what is brighter than tissue."""
    deep = sample(cropped, mni2ras, head.inner)[0]
    brightness = float(np.minimum(deep, MAX_TISSUE_RATIO * np.median(deep)).mean())
    return Volume(np.clip(cropped.data / max(brightness, 1e-6), 0, np.float32(MAX_BRIGHTNESS)), cropped.grid)


def _without_strong_field(
    cropped: Volume, even: Volume, head: AverageHead, contrast: HeadContrast, mni2ras: NDArray[np.float64]
) -> Volume | None:
    """Divide the bias field out where it is so strong that tissue was clipped; None where it is not."""
    if np.mean(sample(even, mni2ras, head.inner)[0] > 0.99 * MAX_BRIGHTNESS) < MAX_CLIPPED_FRACTION:
        return None
    level = contrast.coarse
    blurred = smooth(even, smoothing_to_reach(level.smoothing_mm, even.grid))
    found = find_field(blurred, level, mni2ras)
    there = level.field @ found
    darkest, brightest = np.percentile(there, [1, 99])
    if brightest < STRONG_FIELD_RATIO * max(darkest, 0):
        return None
    # Far from the head the polynomials mean nothing: use the nearest point at its border.
    points = voxel_points(cropped.grid, np.ones(cropped.grid.shape, bool))
    ras2mni = np.linalg.inv(mni2ras)
    points = points @ ras2mni[:3, :3].T + ras2mni[:3, 3]
    points = np.clip(points, level.points.min(axis=0), level.points.max(axis=0)).astype(np.float32)
    field = (field_terms(points) @ found).reshape(cropped.grid.shape)
    return Volume(cropped.data / np.maximum(field, MIN_FIELD_RATIO * there.mean()), cropped.grid)
