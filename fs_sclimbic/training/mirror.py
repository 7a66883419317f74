"""Left and right of a mirrored head: which channel becomes which."""

import re

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..image.labels import ColorTable

SIDE = re.compile(r"(?P<before>|ctx-)(?P<side>Left|Right|lh|rh)(?P<rest>[-_.].+)")
OTHER_SIDE = {"Left": "Right", "Right": "Left", "lh": "rh", "rh": "lh"}


def other_side(name: str) -> str | None:
    """The StructName of the same structure on the other side: ``Right-Fornix`` for ``Left-Fornix``; None: no side."""
    found = SIDE.fullmatch(name)
    return f"{found['before']}{OTHER_SIDE[found['side']]}{found['rest']}" if found else None


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
