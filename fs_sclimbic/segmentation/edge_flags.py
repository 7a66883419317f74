"""Flags of structures that the edge of the image, or of the network's box, may cut."""

from collections.abc import Sequence

import numpy as np

from ..image.grid import Grid
from ..image.labels import Structure
from ..image.volume import Volume
from .box_choice import EDGE_MM
from .flag import Flag
from .flag_limits import LIMITS
from .postprocess import bounding_box
from .structure_words import describe_structure

MIN_BEYOND_MM = 1.0
"""An image that is larger than the box by less does not go on beyond it."""
MAX_NAMED = 3


def edge_flags(labels: Volume, grid: Grid, structures: Sequence[Structure], box_mm: float | None) -> list[Flag]:
    """Flag structures at the edge of the image, or of the network's box about its centre.

    Parameters
    ----------
    labels : Volume
        SegIds; its first voxel may lie anywhere in the image (a crop).
    grid : Grid
        Of the whole image; the labels' voxels are some of its.
    structures : sequence of Structure
    box_mm : float or None
        Edge of the network's box; None: it does not cut (the structures were looked for beyond it).

    Returns
    -------
    list of Flag
        One ``CUT``, or none.
    """
    start = np.rint((np.linalg.inv(grid.vox2ras) @ labels.grid.vox2ras[:, 3])[:3]).astype(int)
    size, shape = grid.voxel_size_mm, np.array(grid.shape)
    at_edge: list[tuple[float, str]] = []
    in_box: list[str] = []
    for structure in structures:
        inside = bounding_box(labels.data == structure.index, margin=0)
        if inside is None:
            continue
        low, high = np.array(inside.low) + start, shape - (np.array(inside.high) + start)
        nearest = float(min((low * size).min(), (high * size).min()))
        if nearest < (LIMITS["CUT"].look or 0):
            at_edge.append((nearest, structure.name))
        if box_mm is not None:
            # Distances from the faces of a cube about the image centre, where the image goes on beyond it.
            beyond = shape * size / 2 - box_mm / 2
            gaps = np.minimum(low * size - beyond, high * size - beyond)
            if ((gaps < EDGE_MM) & (beyond > MIN_BEYOND_MM)).any():
                in_box.append(structure.name)
    if at_edge:
        nearest = min(at_edge)[0]
        limit = LIMITS["CUT"]
        is_bad = limit.bad is not None and nearest < limit.bad
        return [
            Flag(
                kind="CUT", severity="bad" if is_bad else "look", value=nearest,
                threshold=limit.bad if is_bad else limit.look,
                reason=f"{describe_several([name for _, name in at_edge])} at the edge of the image",
            )
        ]  # fmt: skip
    if in_box:
        reason = f"{describe_several(in_box)} at the edge of the network's box about the image centre"
        return [Flag(kind="CUT", severity="look", reason=reason, threshold=EDGE_MM)]
    return []


def describe_several(names: Sequence[str]) -> str:
    """Several structures in words: the first ones by name, the others by their number.

    Parameters
    ----------
    names : sequence of str
        StructNames.

    Returns
    -------
    str
        Such as ``left fornix, right fornix and 4 more``.
    """
    words = [describe_structure(name) for name in names[:MAX_NAMED]]
    more = len(names) - len(words)
    return ", ".join(words) + (f" and {more} more" if more else "")
