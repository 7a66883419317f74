"""What labels say about where a model's structures are in a head."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..image.box import Box, three
from ..network.structure_prior import Expectation

MARGIN = 3
"""Voxels kept around the structures: labels nearer to them than this are theirs."""
TOLERANCE = 10
"""Voxels that a structure may lie away from where the others let expect it; a guess may be turned or stretched."""
ENOUGH, TOO_MUCH = 0.5, 4.0
"""Share of the structures, and of their average volume, that must be where they are expected."""
LEAST = 0.1
"""Share of its average volume that a structure must have to be seen at all: less may be an island of it."""
MOSTLY = 0.75
"""Share of a structure's labels that must be kept: an island is smaller than what it is an island of."""
SHORT = 0.6
"""Share of its length along an axis below which a structure may be seen in part: one of two sides, for instance."""


@dataclass(frozen=True)
class PlacementCheck:
    """What labels say about where the structures are."""

    found: int
    """Structures that are where the others let expect them."""
    share: float
    """Their volume, as a share of the average."""
    good: bool
    """Whether these are enough."""
    complete: bool
    """Whether they are all, none has a large part elsewhere, and most are as long as they should be."""
    astray: bool
    """Whether one has a large part elsewhere."""
    structures: Box
    """All structures; those that are lost, where they should be."""
    sites: Box
    """Where all structures should be."""


def check_placement(posteriors: NDArray[np.float32], box: Box, expected: Expectation) -> PlacementCheck:
    """Compare labels with where the structures should be, wherever these are as a whole.

    Parameters
    ----------
    posteriors : ndarray, shape (x, y, z, labels)
        Background first.
    box : Box
        Their voxels, in the coordinates of ``expected``.
    expected : Expectation
        From a guess of where the head lies, which may be wrong.
    """
    winner = posteriors.argmax(-1)
    voxels = np.nonzero(winner)
    labels, places = winner[voxels] - 1, np.stack(voxels, -1) + box.low
    by_label = [places[labels == label] for label in range(len(expected.voxels))]
    away = [
        np.median(found, axis=0) - centre for found, centre in zip(by_label, expected.centre, strict=True) if len(found)
    ]
    if not away:
        return PlacementCheck(0, 0.0, good=False, complete=False, astray=False, structures=box, sites=box)
    here = expected.moved(np.median(away, axis=0))
    sites = hull_of(here)
    counts, structures = [], None
    for label, all_voxels in enumerate(by_label):
        low, high = here.low[label], here.high[label]
        inside = _between(all_voxels, low - TOLERANCE, high + TOLERANCE)
        counts.append(len(inside))
        if len(inside) >= max(LEAST * expected.voxels[label], 1):
            # What lies further from its place joins if it is near to what is kept, whichever box it was seen in.
            nearest = _between(inside, low - MARGIN, high + MARGIN)
            inside = nearest if len(nearest) else inside
            low, high = inside.min(0), inside.max(0)
        site = Box(three(np.floor(low)), three(np.ceil(high) + 1))
        structures = site if structures is None else structures.hull(site)
    assert structures is not None
    in_place = np.array(counts)
    share = float(in_place.sum() / expected.voxels.sum())
    found = int(np.count_nonzero(in_place))
    good = found >= ENOUGH * len(in_place) and ENOUGH <= share <= TOO_MUCH
    structures = _closed(structures, places) if good else structures
    kept = [_between(voxels, np.array(structures.low), np.array(structures.high) - 1) for voxels in by_label]
    astray = any(len(some) < MOSTLY * len(voxels) for some, voxels in zip(kept, by_label, strict=True))
    # Halves of all structures lie to each other as the wholes do, elsewhere.
    length = here.high - here.low
    seen = np.array([np.ptp(some, axis=0) if len(some) else np.zeros(3) for some in kept])
    short = ((seen < SHORT * length) & (seen < length - TOLERANCE)).any(1).mean() >= ENOUGH
    complete = bool((in_place >= np.maximum(LEAST * expected.voxels, 1)).all()) and not (astray or short)
    return PlacementCheck(found, share, good, complete, astray, structures, sites)


def _between(voxels: NDArray[np.int_], low: NDArray[Any], high: NDArray[Any]) -> NDArray[np.int_]:
    """Those of a list of voxels from a corner to another."""
    return voxels[((voxels >= low) & (voxels <= high)).all(1)]


def _closed(box: Box, labelled: NDArray[np.int_]) -> Box:
    """The box, grown until no label lies nearer to it than the margin."""
    while True:
        labelled = labelled[((labelled < box.low) | (labelled >= box.high)).any(1)]
        near = _between(labelled, np.array(box.low) - MARGIN, np.array(box.high) - 1 + MARGIN)
        if not len(near):
            return box
        box = box.hull(Box(three(near.min(0)), three(near.max(0) + 1)))


def hull_of(expected: Expectation) -> Box:
    """The box that all structures are expected in."""
    return Box(three(np.floor(expected.low.min(0))), three(np.ceil(expected.high.max(0)) + 1))
