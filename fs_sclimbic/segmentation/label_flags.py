"""Flags that the labels of a case give: far parts, and structures out of place relative to the others."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..image.labels import Structure
from ..image.volume import Volume
from ..network.structure_prior import MIN_STRUCTURE_VOXELS, StructurePrior
from .flag import Flag
from .flag_limits import LIMITS
from .structure_words import describe_structure

MIN_PART_MM3, MIN_PART_FRACTION = 20.0, 0.1
"""A part is told if it reaches one of them: volume, and fraction of its structure."""
MIN_PLACED_STRUCTURES = 6
"""So few say nothing about where the others should be."""


@dataclass(frozen=True)
class Part:
    """A part of a structure that does not touch its largest part."""

    volume_mm3: float
    fraction: float
    """Of the structure's voxels."""
    gap_mm: float
    """Between its voxels and those of the largest part, centre to centre."""


def find_parts(inside: NDArray[np.bool_], voxel_size_mm: NDArray[np.float64]) -> list[Part]:
    """The parts of a structure besides its largest one (26 neighbours).

    Parameters
    ----------
    inside : ndarray of bool, shape (x, y, z)
    voxel_size_mm : ndarray, shape (3,)

    Returns
    -------
    list of Part
        Largest first; empty for a structure in one part.
    """
    parts, number = ndimage.label(inside, np.ones((3, 3, 3)))
    if number < 2:
        return []
    sizes = np.bincount(parts.ravel())[1:]
    largest = int(sizes.argmax()) + 1
    distance = ndimage.distance_transform_edt(parts != largest, sampling=voxel_size_mm)
    gaps = ndimage.minimum(distance, parts, range(1, number + 1))
    voxel_mm3, whole = float(np.prod(voxel_size_mm)), sizes.sum()
    found = [
        Part(float(size * voxel_mm3), float(size / whole), float(gap))
        for index, (size, gap) in enumerate(zip(sizes, gaps, strict=True), 1)
        if index != largest
    ]
    return sorted(found, key=lambda part: -part.volume_mm3)


def part_flags(labels: Volume, structures: tuple[Structure, ...]) -> Iterator[Flag]:
    """Flag parts of structures that lie far from the rest.

    Parameters
    ----------
    labels : Volume
        SegIds; cropped to the labels, or it takes long.
    structures : tuple of Structure

    Yields
    ------
    Flag
        ``DETACHED``, one a structure.
    """
    for structure in structures:
        limit = LIMITS["DETACHED"].look_for(structure.name)
        far = [
            part
            for part in find_parts(labels.data == structure.index, labels.grid.voxel_size_mm)
            if part.gap_mm > limit and (part.volume_mm3 >= MIN_PART_MM3 or part.fraction >= MIN_PART_FRACTION)
        ]
        if far:
            part = far[0]
            yield Flag(
                kind="DETACHED", severity="look", structure=structure.name, value=part.gap_mm, threshold=limit,
                reason=f"{describe_structure(structure.name)}: a part of {part.volume_mm3:.0f} mm^3 lies "
                f"{part.gap_mm:.0f} mm from the rest",
            )  # fmt: skip


def place_flags(labels: Volume, structures: tuple[Structure, ...], prior: StructurePrior) -> Iterator[Flag]:
    """Flag structures that do not lie where the others predict them, by a shift, a turn and one scale.

    Parameters
    ----------
    labels : Volume
        SegIds.
    structures : tuple of Structure
    prior : StructurePrior
        Where structures lie in an average head; those that it lacks are passed over.

    Yields
    ------
    Flag
        ``PLACE``, one a structure.
    """
    sites = {site.name: site.centre for site in prior.sites}
    names, found = [], []
    for structure in structures:
        voxels = np.argwhere(labels.data == structure.index)
        if structure.name in sites and len(voxels) >= MIN_STRUCTURE_VOXELS:
            names.append(structure.name)
            found.append(np.median(voxels @ labels.grid.vox2ras[:3, :3].T + labels.grid.vox2ras[:3, 3], axis=0))
    if len(names) < MIN_PLACED_STRUCTURES:
        return
    distances = _distances_mm(np.array([sites[name] for name in names]), np.array(found))
    for name, distance in zip(names, distances, strict=True):
        limit = LIMITS["PLACE"].look_for(name)
        if distance > limit:
            yield Flag(
                kind="PLACE", severity="look", structure=name, value=float(distance), threshold=limit,
                reason=f"{describe_structure(name)} lies {distance:.0f} mm from where the other structures predict it",
            )  # fmt: skip


def _distances_mm(expected: NDArray[np.float64], found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances of points from their expected places; the fit is made again without the worst point."""
    distances = np.linalg.norm(_fitted(expected, found, np.arange(len(found))) - found, axis=1)
    return np.linalg.norm(_fitted(expected, found, np.argsort(distances)[:-1]) - found, axis=1)  # type: ignore[no-any-return]


def _fitted(points: NDArray[np.float64], targets: NDArray[np.float64], used: NDArray[np.int_]) -> NDArray[np.float64]:
    """Points laid on targets by the best shift, turn and scale of some of them (Umeyama 1991)."""
    mean, target_mean = points[used].mean(0), targets[used].mean(0)
    centred, target = points[used] - mean, targets[used] - target_mean
    left, singular, right = np.linalg.svd(target.T @ centred)
    signs = np.array([1, 1, np.sign(np.linalg.det(left @ right))])
    turn = (left * signs) @ right
    scale = (singular * signs).sum() / (centred**2).sum()
    return scale * (points - mean) @ turn.T + target_mean  # type: ignore[no-any-return]
