"""Which boxes the network runs on: their sizes, their starts, and whether they cut the structures."""

import numpy as np

from ..image.box import Box, three
from ..image.conform import Conformed
from ..network.architecture import FOV_MULTIPLE

MIN_SLACK_VOXELS = 3
"""Voxels that are computed beyond the margin, so that a guess may be wrong by as much."""
SIZE_STEP_VOXELS = 8
"""Boxes measure multiples of this: a network is prepared for each size, and most heads of a cohort share one."""
EDGE_MM = 8
"""Structures nearer to a face of the network's box may be cut by it."""

# Boxes that begin and end 2 voxels off the multiples of 4 cost least: their maps end at whole voxels of every level.
CHEAP_START_VOXELS = (2, 2, 2)


def roomy_box(around: Box) -> Box:
    """A box of one of the usual sizes about the middle of another box, with some slack."""
    smallest = around.grown(MIN_SLACK_VOXELS)
    size = [_usual_size(n) for n in smallest.shape]
    low = [n - (wide - narrow) // 2 for n, wide, narrow in zip(smallest.low, size, smallest.shape, strict=True)]
    half = FOV_MULTIPLE // 2
    start = [n + (cheap - n + half) % FOV_MULTIPLE - half for n, cheap in zip(low, CHEAP_START_VOXELS, strict=True)]
    box = _box_of(start, size)
    return box if box.holds(around) else box.hull(around).aligned(FOV_MULTIPLE, CHEAP_START_VOXELS)


def box_from_start(around: Box, start: tuple[int, int, int]) -> Box:
    """A box around another one, of a usual size, for a network that starts elsewhere.

    Parameters
    ----------
    around : Box
    start : (int, int, int)
        Where the network starts, voxels modulo 4.

    Returns
    -------
    Box
        Of one size for all starts: else a network would have to be prepared for each.
    """
    axes = zip(around.low, CHEAP_START_VOXELS, start, strict=True)
    low = [n - (n - cheap - shift) % FOV_MULTIPLE for n, cheap, shift in axes]
    return _box_of(low, [_usual_size(n + FOV_MULTIPLE - 1) for n in around.shape])


def is_cut_by_box(conformed: Conformed, structures: Box) -> bool:
    """Whether structures lie near a face of the network's box beyond which the image goes on.

    Parameters
    ----------
    conformed : Conformed
    structures : Box
        The box around all structures, counted from the first voxel of the network's box.

    Returns
    -------
    bool
    """
    near = (np.array(structures.low) < EDGE_MM) | (np.array(structures.high) > np.array(conformed.box.high) - EDGE_MM)
    return bool((near & conformed.goes_on).any())


def _usual_size(voxels: int) -> int:
    """The smallest usual size that holds so many voxels."""
    return -(-voxels // SIZE_STEP_VOXELS) * SIZE_STEP_VOXELS


def _box_of(low: list[int], size: list[int]) -> Box:
    return Box(three(low), three(n + wide for n, wide in zip(low, size, strict=True)))
