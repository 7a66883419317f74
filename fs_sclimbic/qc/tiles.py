"""Which slices show the structures of a case: one in each plane, through the middle of each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..image.labels import ColorTable, Structure
from ..image.volume import Volume
from .centres import StructureLocations
from .slices import ACROSS, AXIAL, AXIS_ENDS, CORONAL, SAGITTAL, View, take_slice, voxel_index

PIXELS_PER_MM = 3
FIELD_MM = (72, 72, 56)
"""What a slice shows of each axis (right, front, top): all structures, with 10 mm and more around them."""
TILE_COLUMNS = FIELD_MM[0] * PIXELS_PER_MM
TILE_ROWS = tuple(FIELD_MM[ACROSS[axis][1]] * PIXELS_PER_MM for axis in (CORONAL, AXIAL, SAGITTAL, SAGITTAL))
"""Heights of the tiles of a group, from top to bottom."""
SEARCH_MM = 4.0
"""How far from a structure's middle a slice is taken, if the middle itself has none of its voxels."""
SIDE = re.compile(r"^(left|right|lh|rh)[-_.]", re.IGNORECASE)


@dataclass(frozen=True)
class StructureGroup:
    """Structures that share slices: the two sides of one, or a single one."""

    name: str
    """Without the side."""
    structures: tuple[Structure, ...]

    @property
    def sides(self) -> tuple[tuple[Structure, str], ...]:
        """The structures with their sides as their names have them, in small letters; empty for a single one."""
        named = [(structure, SIDE.match(structure.name)) for structure in self.structures]
        return tuple((structure, side[1].lower() if side else "") for structure, side in named)


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One slice, and what is written on it."""

    view: View
    corner: str = ""
    """In the upper left corner: the side of a sagittal slice."""
    is_lost: bool = False
    """Whether this is where a lost structure should be."""

    @property
    def ends(self) -> tuple[str, str]:
        """What lies to the left and to the right of the tile: L and R, or P and A."""
        return AXIS_ENDS[ACROSS[self.view.axis][0]]


def group_structures(colors: ColorTable) -> list[StructureGroup]:
    """The structures of a table, the two sides of one together, in the order of the table.

    Parameters
    ----------
    colors : ColorTable

    Returns
    -------
    list of StructureGroup
    """
    groups: dict[str, list[Structure]] = {}
    for structure in colors.foreground:
        groups.setdefault(SIDE.sub("", structure.name), []).append(structure)
    return [StructureGroup(name, tuple(structures)) for name, structures in groups.items()]


def sort_groups(groups: Sequence[StructureGroup], locations: StructureLocations) -> list[StructureGroup]:
    """Groups from the front to the back; those of which nothing is known last.

    Parameters
    ----------
    groups : sequence of StructureGroup
    locations : StructureLocations

    Returns
    -------
    list of StructureGroup
    """

    def front(group: StructureGroup) -> float:
        there = [locations.centres[s.name].voxel[CORONAL] for s in group.structures if s.name in locations.centres]
        return -float(np.mean(there)) if there else np.inf

    return sorted(groups, key=front)


def choose_tiles(group: StructureGroup, labels: Volume, locations: StructureLocations) -> list[Tile | None]:
    """A coronal and an axial slice of a group, and a sagittal one of each side.

    Parameters
    ----------
    group : StructureGroup
        The first two structures have sagittal slices.
    labels : Volume
        SegIds, RAS.
    locations : StructureLocations

    Returns
    -------
    list of Tile or None
        Four; None where there is nothing to show.
    """
    there = [structure for structure in group.structures if structure.name in locations.centres]
    if not there:
        return [None] * 4
    size, centres = labels.grid.voxel_size_mm, [locations.centres[structure.name] for structure in there]
    points = np.array([centre.voxel for centre in centres]) * size
    middle, midline_mm = points.mean(0), locations.middle[SAGITTAL] * size[SAGITTAL]
    found = [structure.index for structure, centre in zip(there, centres, strict=True) if centre.is_found]
    both = [
        Tile(view=_view(axis, _nearest_slice(labels, axis, middle[axis], found), labels, locations), is_lost=not found)
        for axis in (CORONAL, AXIAL)
    ]
    sides: list[Tile | None] = []
    for structure, centre, point in zip(there[:2], centres, points, strict=False):
        ids = [structure.index] if centre.is_found else []
        position_mm = _nearest_slice(labels, SAGITTAL, point[SAGITTAL], ids)
        sides.append(
            Tile(
                view=_view(SAGITTAL, position_mm, labels, locations),
                corner="" if len(group.structures) == 1 else "L" if position_mm < midline_mm else "R",
                is_lost=not centre.is_found,
            )
        )
    return [*both, *sides, *[None] * (2 - len(sides))]


def _view(axis: int, position_mm: float, labels: Volume, locations: StructureLocations) -> View:
    columns, rows = ACROSS[axis]
    middle: NDArray[np.float64] = locations.middle * labels.grid.voxel_size_mm
    return View(
        axis=axis,
        position_mm=position_mm,
        center_mm=(float(middle[columns]), float(middle[rows])),
        shape=(FIELD_MM[rows] * PIXELS_PER_MM, FIELD_MM[columns] * PIXELS_PER_MM),
        mm_per_pixel=1 / PIXELS_PER_MM,
    )


def _nearest_slice(labels: Volume, axis: int, position_mm: float, ids: Sequence[int]) -> float:
    """The position of the nearest slice that shows most of some structures."""
    size = float(labels.grid.voxel_size_mm[axis])
    here, reach = voxel_index(labels, axis, position_mm), int(np.ceil(SEARCH_MM / size))
    best, most = here, 0
    for index in sorted(range(here - reach, here + reach + 1), key=lambda index: abs(index - here)):
        plane = take_slice(labels, axis, index)
        shown = 0 if plane is None else sum(bool((plane == seg_id).any()) for seg_id in ids)
        if shown > most:
            best, most = index, shown
        if most == len(ids):
            break
    return best * size
