"""All flags of one case: of its numbers, its labels and its image."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..image.box import Box
from ..image.conform import shift_grid
from ..image.intensity import IntensityRange
from ..image.labels import ColorTable, Structure
from ..image.volume import Volume
from ..network.structure_prior import StructurePrior
from .edge_flags import edge_flags
from .flag import Flag
from .flag_limits import LIMITS
from .image_flags import contrast_flags, image_flags
from .intensity_check import IntensityProfile
from .label_flags import part_flags, place_flags
from .measure import SegStats
from .population import Population
from .postprocess import bounding_box
from .structure_flags import structure_flags

TOLD_BY_THE_IMAGE = frozenset(
    {"LABELS", "HOT", "COLD", "SATURATED", "COARSE", "ORIENTATION", "CUT", "OFF_CENTRE", "ETIV"}
)
"""Kinds that warnings of their own tell of, at lower limits and with more advice."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SeenImage:
    """The image of a case, and how the network saw it."""

    image: Volume
    """As it was read."""
    profile: IntensityProfile
    """Its intensities."""
    intensities: IntensityRange
    """The range that the network saw."""


def find_flags(
    stats: SegStats,
    population: Population,
    labels: Volume,
    colors: ColorTable,
    *,
    seen: SeenImage | None = None,
    prior: StructurePrior | None = None,
    box_mm: float | None = None,
    is_beyond: bool = False,
    doubt: str = "",
) -> tuple[Flag, ...]:
    """Find all flags of one case.

    Parameters
    ----------
    stats : SegStats
    population : Population
        Norms of volumes.
    labels : Volume
        SegIds on the grid of the image.
    colors : ColorTable
        All labels, also those that are left out of the numbers.
    seen : SeenImage, optional
        The image; without it nothing is said about it.
    prior : StructurePrior, optional
        Where the structures lie in an average head.
    box_mm : float, optional
        Edge of the network's box, if it may cut structures.
    is_beyond : bool
        Whether structures were found beyond the box in which the published tool looks.
    doubt : str
        Why the position of the structures is in doubt.

    Returns
    -------
    tuple of Flag
        Those of single structures only for structures of the numbers.
    """
    structures = tuple(row.structure for row in stats.structures)
    cropped = crop_labels(labels)
    found = structure_flags(stats, population)
    found += part_flags(cropped, structures)
    if prior is not None:
        found += place_flags(cropped, colors.foreground, prior)
    found += edge_flags(cropped, labels.grid, structures, None if is_beyond else box_mm)
    if is_beyond:
        reason = "structures lie beyond the box about the image centre in which the published tool looks"
        found.append(Flag(kind="OFF_CENTRE", severity="look", reason=reason))
    if doubt:
        found.append(Flag(kind="PLACE", severity="look", reason=doubt))
    if seen is not None:
        found += image_flags(seen.image, seen.profile, seen.intensities)
        found += contrast_flags(seen.image, labels, colors.foreground)
    return tuple(flag for flag in found if flag.structure is None or _is_measured(flag.structure, structures))


def _is_measured(name: str, structures: Sequence[Structure]) -> bool:
    return any(structure.name == name for structure in structures)


def crop_labels(labels: Volume) -> Volume:
    """The part of a segmentation that has labels, as integers: measuring it takes little time then.

    Parameters
    ----------
    labels : Volume
        SegIds.

    Returns
    -------
    Volume
        int32; one voxel where there is no label.
    """
    box = bounding_box(labels.data != 0) or Box.of_shape((1, 1, 1))
    return Volume(labels.data[box.slices].astype(np.int32), shift_grid(labels.grid, box.low, box.shape))


def flag_messages(flags: Sequence[Flag]) -> list[str]:
    """The flags of a case, for the log and the screen.

    Parameters
    ----------
    flags : sequence of Flag

    Returns
    -------
    list of str
        One line for each kind of flag, with the names of its structures. Kinds that have warnings of their own, with
        more advice, are left out.
    """
    by_kind: dict[str, list[Flag]] = {}
    for flag in flags:
        if flag.kind not in TOLD_BY_THE_IMAGE and not (flag.kind == "PLACE" and flag.structure is None):
            by_kind.setdefault(flag.kind, []).append(flag)
    return [
        f"{kind} ({LIMITS[kind].about}): {', '.join(flag.structure or flag.reason for flag in found)}"
        for kind, found in by_kind.items()
    ]
