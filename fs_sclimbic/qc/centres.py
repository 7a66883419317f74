"""Where the structures of a segmentation are; and where a structure should be that is lost."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..files.content import read_small_file
from ..files.resources import data_file
from ..image.labels import ColorTable
from ..image.volume import Grid, Volume
from ..network.store import KNOWN_PRIORS_NAME
from ..network.structure_prior import MAX_FILE_BYTES, MIN_STRUCTURE_VOXELS, Site, large_parts, parse_prior
from .slices import label_box

Point = NDArray[np.float64]

ADULT_HEAD_OVER_MNI305 = 0.91
"""Size of a usual head: the median of adults."""
MIN_FOUND_FOR_TURN = 5
"""Structures that must be found before the head's turn and size are taken from their positions."""


@dataclass(frozen=True, eq=False)
class Centre:
    """Where the middle of a structure is."""

    voxel: Point
    """Voxel coordinates, shape (3,)."""
    is_found: bool
    """False: it has hardly a voxel, and this is where it should be."""


@dataclass(frozen=True, eq=False)
class StructureLocations:
    """Where the structures of a segmentation are, in voxels of its grid."""

    centres: Mapping[str, Centre]
    """By StructName, in the order of the table; without a lost structure of which nothing is known."""
    middle: Point
    """Of the field that the structures fill in a usual head, shape (3,); it does not hang on which ones are found."""


@lru_cache(maxsize=1)
def read_usual_sites() -> Mapping[str, Site]:
    """Where structures lie in average heads, in MNI305 space, by StructName; of all models that are known."""
    text = read_small_file(
        data_file("models", KNOWN_PRIORS_NAME), noun="list of structure priors", max_bytes=MAX_FILE_BYTES
    )
    priors = [parse_prior(content) for content in json.loads(text).values()]
    return {site.name: site for prior in reversed(priors) for site in prior.sites}


def locate_structures(
    labels: Volume,
    colors: ColorTable,
    ras2mni: NDArray[np.float64] | None = None,
    usual: Mapping[str, Site] | None = None,
) -> StructureLocations:
    """Find the middle of each structure.

    A lost structure is placed by the structures that are found, of which the usual positions in a head are known; where
    few are found, by the transform to MNI305.

    Parameters
    ----------
    labels : Volume
        SegIds.
    colors : ColorTable
    ras2mni : ndarray, shape (4, 4), optional
        Scanner RAS to MNI305, mm.
    usual : mapping of str to Site, optional
        Positions in MNI305 space by StructName; by default those of the models that are known.

    Returns
    -------
    StructureLocations
    """
    usual = read_usual_sites() if usual is None else usual
    found = _found_centres(labels, colors)
    mni2voxel = _mni_to_voxel(found, usual, labels.grid, ras2mni)
    centres = {}
    for structure in colors.foreground:
        name = structure.name
        if name in found:
            centres[name] = Centre(found[name], is_found=True)
        elif mni2voxel is not None and name in usual:
            centres[name] = Centre(mni2voxel[:3, :3] @ usual[name].centre + mni2voxel[:3, 3], is_found=False)
    sites = [usual[structure.name] for structure in colors.foreground if structure.name in usual]
    if mni2voxel is not None and sites:
        corners = np.array([[site.low, site.high] for site in sites])
        field = (corners.min((0, 1)) + corners.max((0, 1))) / 2
        return StructureLocations(centres, mni2voxel[:3, :3] @ field + mni2voxel[:3, 3])
    points = np.array([centre.voxel for centre in centres.values()])
    middle = (points.min(0) + points.max(0)) / 2 if len(points) else (np.array(labels.data.shape) - 1) / 2
    return StructureLocations(centres, middle)


def _found_centres(labels: Volume, colors: ColorTable) -> dict[str, Point]:
    """Medians of the structures' voxels without islands."""
    ids = {structure.index: structure.name for structure in colors.foreground}
    box = label_box(labels.data)
    there = np.asarray(labels.data[box])
    # Ids of a foreign colour table may be large: only those of this one are counted, from 1.
    channels = np.zeros(there.shape, np.int16)
    for number, index in enumerate(ids, 1):
        channels[there == index] = number
    corner = np.array([part.start for part in box])
    centres = {}
    for number, (name, part) in enumerate(zip(ids.values(), ndimage.find_objects(channels, len(ids)), strict=True), 1):
        if part is None:
            continue
        inside = channels[part] == number
        if np.count_nonzero(inside) >= MIN_STRUCTURE_VOXELS:
            start = corner + [axis.start for axis in part]
            centres[name] = start + np.median(np.argwhere(large_parts(inside)), axis=0)
    return centres


def _mni_to_voxel(
    found: Mapping[str, Point], usual: Mapping[str, Site], grid: Grid, ras2mni: NDArray[np.float64] | None
) -> NDArray[np.float64] | None:
    ras2voxel = np.linalg.inv(grid.vox2ras)
    names = [name for name in found if name in usual]
    # A transform may have failed, and the picture is to show that; many structures are a better witness.
    if ras2mni is not None and len(names) < MIN_FOUND_FOR_TURN:
        return np.asarray(ras2voxel @ np.linalg.inv(ras2mni), np.float64)
    if not names:
        return None
    average = np.array([usual[name].centre for name in names])
    here = np.array([found[name] for name in names]) @ grid.vox2ras[:3, :3].T + grid.vox2ras[:3, 3]
    return np.asarray(ras2voxel @ fit_similarity(average, here), np.float64)


def fit_similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """The shift, turn and scale that bring points closest to others (Umeyama 1991); of few points the shift alone.

    Parameters
    ----------
    source, target : ndarray, shape (n, 3)
        MNI305 and scanner RAS, mm.

    Returns
    -------
    ndarray, shape (4, 4)
    """
    matrix = np.eye(4)
    middle, goal = source.mean(0), target.mean(0)
    turn, scale = np.eye(3), ADULT_HEAD_OVER_MNI305
    if len(source) >= MIN_FOUND_FOR_TURN:
        left, weights, right = np.linalg.svd((target - goal).T @ (source - middle))
        signs = np.array([1, 1, np.sign(np.linalg.det(left @ right))])
        turn = left @ np.diag(signs) @ right
        scale = float((weights * signs).sum() / ((source - middle) ** 2).sum())
    matrix[:3, :3] = scale * turn
    matrix[:3, 3] = goal - matrix[:3, :3] @ middle
    return matrix
