"""Flags that the image of a case gives: its intensities, its contrast and noise, its voxels and its header."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..image.box import Box, three
from ..image.grid import Grid
from ..image.intensity import IntensityRange
from ..image.labels import Structure
from ..image.volume import Volume
from .flag import Flag, Severity
from .flag_limits import LIMITS
from .intensity_check import IntensityProfile
from .postprocess import bounding_box
from .structure_words import describe_structure, pair_sides, split_side

NEAR_MM = 8.0
"""What lies nearer to the labels shows the contrast around them: fluid, grey and white matter."""
CONTRAST_PERCENTILES = 2, 98
WHITE, GREY = frozenset({"AntCom", "Fornix"}), frozenset({"Nucleus-Accumbens", "HypoThal-noMB"})
"""Structures of white and of grey matter, StructNames without their sides."""
MIN_TISSUE_VOXELS = 20
PLANE_STEP = 3
"""Every third pair of neighbouring planes is compared."""
MAD_TO_SD = 1.4826


@dataclass(frozen=True)
class TissueContrast:
    """What an image shows around the structures."""

    noise: float
    """Its standard deviation over the contrast."""
    white_above_grey: float | None
    """Median of white matter minus that of grey matter, over the contrast; None where the structures are missing."""
    left_above_right: Mapping[str, float]
    """Median of a structure's left side minus that of its right one, over the contrast, by the right StructName."""
    spread: Mapping[str, float]
    """Distance between the quartiles inside each structure, over the contrast, by its StructName."""


def image_flags(image: Volume, profile: IntensityProfile, intensities: IntensityRange) -> list[Flag]:
    """Flags of an image alone.

    Parameters
    ----------
    image : Volume
        As it was read.
    profile : IntensityProfile
        Its intensities.
    intensities : IntensityRange
        The range that the network sees.

    Returns
    -------
    list of Flag
        Any of ``LABELS``, ``HOT``, ``COLD``, ``SATURATED``, ``COARSE``, ``ORIENTATION``.
    """
    found = [*labels_flags(image.data), *_intensity_flags(profile, intensities)]
    longest = float(image.grid.voxel_size_mm.max())
    sizes = " x ".join(f"{size:.3g}" for size in image.grid.voxel_size_mm)
    found += _above("COARSE", longest, f"voxels of {sizes} mm")
    if problem := _orientation_problem(image.grid):
        found.append(Flag(kind="ORIENTATION", severity="look", reason=problem))
    return found


def contrast_flags(image: Volume, labels: Volume, structures: Sequence[Structure]) -> list[Flag]:
    """Flags of the contrast and the noise around the structures.

    Parameters
    ----------
    image, labels : Volume
        On one grid; labels are SegIds.
    structures : sequence of Structure

    Returns
    -------
    list of Flag
        ``NOISE``, ``CONTRAST``, ``BRIGHTNESS``, ``SMOOTH``.
    """
    contrast = measure_contrast(image, labels, structures)
    if contrast is None:
        return []
    found = _above("NOISE", contrast.noise, f"noise is {100 * contrast.noise:.0f} % of the contrast")
    limit, value = LIMITS["CONTRAST"].bad, contrast.white_above_grey
    if limit is not None and value is not None and value < limit:
        reason = "white matter is not brighter than grey matter: not the contrast of a T1"
        found.append(Flag(kind="CONTRAST", severity="bad", reason=reason, value=value, threshold=limit))
    for name, difference in contrast.left_above_right.items():
        words = f"left and right {describe_structure(name).removeprefix('right ')}"
        threshold = LIMITS["BRIGHTNESS"].look_for(name)
        if abs(difference) > threshold:
            reason = f"{words} differ in brightness by {100 * abs(difference):.0f} % of the contrast"
            found.append(_look("BRIGHTNESS", None, reason, abs(difference), threshold))
    for name, spread in contrast.spread.items():
        threshold = LIMITS["SMOOTH"].look_of.get(split_side(name)[1], 0.0)
        if spread < threshold:
            reason = f"{describe_structure(name)} is smoother than in any good head: what does it lie on?"
            found.append(_look("SMOOTH", name, reason, spread, threshold))
    return found


def measure_contrast(image: Volume, labels: Volume, structures: Sequence[Structure]) -> TissueContrast | None:
    """Measure the contrast and the noise around the structures.

    Parameters
    ----------
    image, labels : Volume
        On one grid; labels are SegIds.
    structures : sequence of Structure

    Returns
    -------
    TissueContrast or None
        None if there is no label, or no contrast.
    """
    size = labels.grid.voxel_size_mm
    inner = bounding_box(labels.data != 0, margin=0)
    if inner is None:
        return None
    margin = np.ceil(NEAR_MM / size).astype(int)
    box = Box(three(np.array(inner.low) - margin), three(np.array(inner.high) + margin))
    box = box.clipped(Box.of_shape(labels.data.shape))
    ids, values = labels.data[box.slices], np.asarray(image.data[box.slices], np.float32)
    near = ndimage.distance_transform_edt(ids == 0, sampling=size) <= NEAR_MM
    shown = values[near & (values != 0)]
    if not shown.size:
        return None
    low, high = np.percentile(shown, CONTRAST_PERCENTILES)
    contrast = float(high - low)
    if contrast <= 0:
        return None
    white, grey = (_median_of(values, ids, structures, names) for names in (WHITE, GREY))
    difference = None if white is None or grey is None else (white - grey) / contrast
    quartiles = {one.name: _quartiles_inside(values, ids == one.index) for one in structures}
    pairs = [(right, quartiles[left], quartiles[right]) for left, right in pair_sides(quartiles)]
    sides = {name: (left[1] - right[1]) / contrast for name, left, right in pairs if left and right}
    spreads = {name: (found[2] - found[0]) / contrast for name, found in quartiles.items() if found}
    return TissueContrast(_noise_of(values, ids) / contrast, difference, sides, spreads)


def labels_flags(data: NDArray[Any]) -> list[Flag]:
    """Flag an image of whole numbers whose neighbouring voxels mostly have one value: it is no T1, it has no noise.

    Parameters
    ----------
    data : ndarray, shape (x, y, z)

    Returns
    -------
    list of Flag
        One ``LABELS``, or none.
    """
    first, second = data[:-1:PLANE_STEP], data[1::PLANE_STEP]
    # The background has one value in brains without their heads, too, and it need not be 0.
    values, counts = np.unique(first[:, ::PLANE_STEP, ::PLANE_STEP], return_counts=True)
    background = values[counts.argmax()]
    inside = (first != 0) & (second != 0) & (first != background) & (second != background)
    count = int(np.count_nonzero(inside))
    if not count or not (data.dtype.kind in "iub" or np.array_equal(first, np.rint(first))):
        return []
    share = int(np.count_nonzero((first == second) & inside)) / count
    return _above("LABELS", share, f"{100 * share:.0f} % of neighbouring voxels have the same value: a segmentation?")


def _intensity_flags(profile: IntensityProfile, intensities: IntensityRange) -> Iterator[Flag]:
    bottom, top = float(intensities.bottom), float(intensities.top)
    share = (profile.high - profile.low) / max(top - profile.low, profile.high - profile.low, 1e-12)
    limit = LIMITS["HOT"]
    if limit.look is not None and share < limit.look:
        severity: Severity = "bad" if limit.bad is not None and share < limit.bad else "look"
        yield Flag(
            kind="HOT", severity=severity, value=share, threshold=limit.bad if severity == "bad" else limit.look,
            reason=f"few bright voxels, up to {top:g}, squeeze the head into {100 * share:.0f} % of the range",
        )  # fmt: skip
    below = (profile.low - bottom) / (top - bottom)
    yield from _above("COLD", below, f"{100 * below:.0f} % of the range lies below the head and the air")
    if top >= profile.brightest:
        yield from _above(
            "SATURATED", profile.saturated_share, f"{100 * profile.saturated_share:.0f} % of the voxels are clipped"
        )


def _above(kind: str, value: float, reason: str) -> list[Flag]:
    """A flag if a value lies above a limit; that of the last step it passes."""
    limit = LIMITS[kind]
    if limit.bad is not None and value > limit.bad:
        return [Flag(kind=kind, severity="bad", reason=reason, value=value, threshold=limit.bad)]
    if limit.look is not None and value > limit.look:
        return [Flag(kind=kind, severity="look", reason=reason, value=value, threshold=limit.look)]
    return []


def _orientation_problem(grid: Grid) -> str:
    if not grid.oriented:
        return "the header does not say how the head lies: left and right may be swapped"
    if grid.qform2ras is not None:
        signs = [np.sign(np.linalg.det(form[:3, :3])) for form in (grid.qform2ras, grid.vox2ras)]
        if signs[0] * signs[1] < 0:
            return "qform and sform of the header disagree about which side is left"
    return ""


def _median_of(
    values: NDArray[np.float32], ids: NDArray[Any], structures: Sequence[Structure], names: frozenset[str]
) -> float | None:
    wanted = [structure.index for structure in structures if split_side(structure.name)[1] in names]
    quartiles = _quartiles_inside(values, np.isin(ids, wanted))
    return quartiles[1] if quartiles else None


def _quartiles_inside(values: NDArray[np.float32], inside: NDArray[np.bool_]) -> tuple[float, float, float] | None:
    """The quartiles of some voxels; None where there are few."""
    if np.count_nonzero(inside) < MIN_TISSUE_VOXELS:
        return None
    low, middle, high = np.percentile(values[inside], (25, 50, 75))
    return float(low), float(middle), float(high)


def _look(kind: str, structure: str | None, reason: str, value: float, threshold: float) -> Flag:
    return Flag(kind=kind, severity="look", structure=structure, reason=reason, value=value, threshold=threshold)


def _noise_of(values: NDArray[np.float32], ids: NDArray[Any]) -> float:
    """Standard deviation of the noise, from differences of neighbours of one label, along the quietest axis."""
    found = []
    for axis in range(3):
        first, second = (np.moveaxis(array, axis, 0) for array in (values, ids))
        step = np.diff(first, axis=0)[(second[1:] > 0) & (second[1:] == second[:-1])]
        if step.size >= MIN_TISSUE_VOXELS:
            found.append(MAD_TO_SD * float(np.median(np.abs(step - np.median(step)))) / np.sqrt(2))
    return min(found, default=0.0)
