"""Left and right of a mirrored head: which channel becomes which."""

import re

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..image.labels import ColorTable

# A whole word anywhere in the name, else a single letter at its start or end: Left-Fornix, ctx_lh_G_cuneus, Fornix_L.
SIDES = (
    re.compile(r"(?<![A-Za-z0-9])(left|right|lh|rh)(?![A-Za-z0-9])", re.IGNORECASE),
    re.compile(r"^([LR])(?=[-_. ])|(?<=[-_. ])([LR])$"),
)
PAIRS = (("Left", "Right"), ("left", "right"), ("LEFT", "RIGHT"), ("lh", "rh"), ("LH", "RH"), ("L", "R"))
OTHER_SIDE = {one: other for pair in PAIRS for one, other in (pair, pair[::-1])}


def other_side(name: str) -> str | None:
    """The StructName of the same structure on the other side: ``Right-Fornix`` for ``Left-Fornix``; None: no side."""
    for side in SIDES:
        found = side.search(name)
        if found and found[0] in OTHER_SIDE:
            return f"{name[: found.start()]}{OTHER_SIDE[found[0]]}{name[found.end() :]}"
    return None


def mirrored_channels(colors: ColorTable) -> NDArray[np.int32]:
    """Which channel of a head becomes which channel of its mirror image.

    Parameters
    ----------
    colors : ColorTable
        In the order of the channels.

    Returns
    -------
    ndarray of int32, shape (labels,)
        ``mirrored[..., i] = head[..., result[i]]``. A structure whose other side is not in the table stays itself.
    """
    channels = {structure.name: i for i, structure in enumerate(colors)}
    return np.array([channels.get(other_side(structure.name) or "", i) for i, structure in enumerate(colors)], np.int32)


def check_mirrored(colors: ColorTable) -> None:
    """Error if heads are to be mirrored, and a structure of one side has no partner.

    Parameters
    ----------
    colors : ColorTable

    Raises
    ------
    UsageError
    """
    names = {structure.name for structure in colors}
    for name in sorted(names):
        partner = other_side(name)
        if partner and partner not in names:
            raise UsageError(f"--flip: the colour table has {name}, but not {partner}; leave --flip out")


def describe_mirrored(colors: ColorTable) -> str:
    """A line for the log: how many structures change places in a mirrored head, and which ones do not.

    Parameters
    ----------
    colors : ColorTable

    Returns
    -------
    str
    """
    channels = mirrored_channels(colors)
    same = [structure.name for i, structure in enumerate(colors) if i and channels[i] == i]
    pairs = (len(colors) - 1 - len(same)) // 2
    return (
        f"mirrored heads: {pairs} pair{'' if pairs == 1 else 's'} of left and right structures change places; "
        f"these keep their names: {', '.join(same) or 'none'}"
    )
