"""What labels say about where a model's structures are in a head."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..image.box import Box, three
from ..network.structure_prior import Expectation

MARGIN_VOXELS = 3
"""Voxels kept around the structures: labels nearer to them than this are theirs."""
TOLERANCE_VOXELS = 10
"""Voxels between a structure and its position predicted from the others; a guess may be turned or stretched."""
MIN_FOUND_FRACTION = 0.5
"""Fraction of the structures, and of their average volume, that must be at their predicted positions."""
MAX_VOLUME_RATIO = 4.0
"""Largest ratio of their volume to the average one."""
MIN_VOLUME_RATIO = 0.1
"""Ratio of a structure's volume to its average below which it is not seen: it may be an island."""
MIN_KEPT_FRACTION = 0.75
"""Fraction of a structure's labels that must be kept: an island is smaller than the structure it belongs to."""
MIN_LENGTH_RATIO = 0.6
"""Ratio of a structure's length along an axis to the expected one below which a part of it may be missing."""
MIN_SHORT_FRACTION = 0.5
"""Fraction of short structures from which the structures are only seen in part: one of two sides, for instance."""


@dataclass(frozen=True, kw_only=True)
class PlacementCheck:
    """What labels say about where the structures are."""

    found: int
    """Number of structures at their predicted positions."""
    volume_ratio: float
    """Their volume divided by the average volume of all structures."""
    good: bool
    """Whether enough structures are found."""
    complete: bool
    """Whether all are found, none has a large part elsewhere, and most are as long as expected."""
    astray: bool
    """Whether a structure has a large part elsewhere."""
    structures: Box
    """All structures; those that are not found at their predicted positions."""
    sites: Box
    """The predicted positions of all structures."""


def check_placement(winner: NDArray[np.int_], box: Box, expected: Expectation) -> PlacementCheck:
    """Compare labels with the expected positions of the structures.

    The structures may be shifted together: only their positions relative to each other are compared.

    Parameters
    ----------
    winner : ndarray, shape (x, y, z)
        Channel of the winning posterior in each voxel, 0 for the background.
    box : Box
        The voxels of ``winner``, in the coordinates of ``expected``.
    expected : Expectation
        From a guess of where the head lies, which may be wrong.

    Returns
    -------
    PlacementCheck
    """
    voxels = np.nonzero(winner)
    labels, positions = winner[voxels] - 1, np.stack(voxels, -1) + box.low
    by_label = [positions[labels == label] for label in range(len(expected.voxels))]
    here = _shifted_to(by_label, expected)
    if here is None:
        return PlacementCheck(
            found=0, volume_ratio=0.0, good=False, complete=False, astray=False, structures=box, sites=box
        )
    counts, structures = _extents(by_label, here)
    volume_ratio = float(counts.sum() / expected.voxels.sum())
    found = int(np.count_nonzero(counts))
    good = found >= MIN_FOUND_FRACTION * len(counts) and MIN_FOUND_FRACTION <= volume_ratio <= MAX_VOLUME_RATIO
    structures = _closed(structures, positions) if good else structures
    kept = [_between(some, np.array(structures.low), np.array(structures.high) - 1) for some in by_label]
    astray = any(len(some) < MIN_KEPT_FRACTION * len(voxels) for some, voxels in zip(kept, by_label, strict=True))
    # One half of each structure has the same relative positions as the whole ones, at another place: compare lengths.
    length = here.high - here.low
    seen = np.array([np.ptp(some, axis=0) if len(some) else np.zeros(3) for some in kept])
    is_short = ((seen < MIN_LENGTH_RATIO * length) & (seen < length - TOLERANCE_VOXELS)).any(1)
    are_large = counts >= np.maximum(MIN_VOLUME_RATIO * expected.voxels, 1)
    complete = bool(are_large.all()) and not (astray or is_short.mean() >= MIN_SHORT_FRACTION)
    return PlacementCheck(
        found=found,
        volume_ratio=volume_ratio,
        good=good,
        complete=complete,
        astray=astray,
        structures=structures,
        sites=hull_of(here),
    )


def _shifted_to(by_label: list[NDArray[np.int_]], expected: Expectation) -> Expectation | None:
    """The expectation, shifted by the median offset of the labelled structures; None without labels."""
    offsets = [
        np.median(found, axis=0) - centre for found, centre in zip(by_label, expected.centre, strict=True) if len(found)
    ]
    return expected.moved(np.median(offsets, axis=0)) if offsets else None


def _extents(by_label: list[NDArray[np.int_]], here: Expectation) -> tuple[NDArray[np.int_], Box]:
    """How many voxels each structure has near its predicted position, and the box around all structures."""
    counts, structures = [], None
    for label, all_voxels in enumerate(by_label):
        low, high = here.low[label], here.high[label]
        inside = _between(all_voxels, low - TOLERANCE_VOXELS, high + TOLERANCE_VOXELS)
        counts.append(len(inside))
        if len(inside) >= max(MIN_VOLUME_RATIO * here.voxels[label], 1):
            # Voxels further away join later if they are near to the kept box, whichever box they were seen in.
            nearest = _between(inside, low - MARGIN_VOXELS, high + MARGIN_VOXELS)
            inside = nearest if len(nearest) else inside
            low, high = inside.min(0), inside.max(0)
        site = Box(three(np.floor(low)), three(np.ceil(high) + 1))
        structures = site if structures is None else structures.hull(site)
    assert structures is not None
    return np.array(counts), structures


def _between(voxels: NDArray[np.int_], low: NDArray[Any], high: NDArray[Any]) -> NDArray[np.int_]:
    """The voxels of a list that lie between two corners."""
    return voxels[((voxels >= low) & (voxels <= high)).all(1)]


def _closed(box: Box, labelled: NDArray[np.int_]) -> Box:
    """The box, grown until no label outside lies nearer to it than the margin."""
    while True:
        labelled = labelled[((labelled < box.low) | (labelled >= box.high)).any(1)]
        near = _between(labelled, np.array(box.low) - MARGIN_VOXELS, np.array(box.high) - 1 + MARGIN_VOXELS)
        if not len(near):
            return box
        box = box.hull(Box(three(near.min(0)), three(near.max(0) + 1)))


def hull_of(expected: Expectation) -> Box:
    """The box that holds the expected positions of all structures."""
    return Box(three(np.floor(expected.low.min(0))), three(np.ceil(expected.high.max(0)) + 1))
