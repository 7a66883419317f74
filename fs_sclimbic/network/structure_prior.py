"""Where in the head a model's structures lie: known of a model besides its weights.

A prior says where the network looks first, never what it finds: what it finds there is checked
(`fs_sclimbic.segmentation.placement_check`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..errors import ModelError
from ..files.content import ContentError, read_small_file
from ..image.box import moved_corners
from ..image.labels import ColorTable
from ..image.volume import Grid

FORMAT = 1
MAX_FILE_BYTES = 1 << 20
SPACE = "MNI305"
MIN_PART_FRACTION = 0.1
"""A part of a structure that is smaller than this fraction of it is an island."""
MIN_STRUCTURE_VOXELS = 5
"""A structure with fewer voxels was not found."""

# Further from the centre of MNI305 space, or larger, is nothing in a head.
MAX_COORDINATE_MM = 300.0
MAX_VOLUME_MM3 = 3e6

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Site:
    """Where one structure lies in MNI305 space, the target of ``talairach.xfm``; RAS, mm."""

    name: str
    low: Point
    """Smallest coordinates of its voxels."""
    high: Point
    """Largest coordinates."""
    centre: Point
    """Median of its voxels."""
    volume_mm3: float
    """Voxels times voxel volume, in MNI305 space."""


@dataclass(frozen=True)
class StructurePrior:
    """Where all structures of a model lie."""

    sites: tuple[Site, ...]
    """One a structure, in the order of the model's colour table, without the background."""
    heads: int = 1
    """How many heads it was measured on."""


@dataclass(frozen=True, eq=False)
class Expectation:
    """Where the structures should be in one head, in voxels of its grid; an array's rows are structures."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    centre: NDArray[np.float64]
    voxels: NDArray[np.float64]
    """How many voxels each has in an average head."""

    def moved(self, by: NDArray[np.float64]) -> "Expectation":
        """The same, shifted."""
        return Expectation(self.low + by, self.high + by, self.centre + by, self.voxels)


def expect(prior: StructurePrior, ras2mni: NDArray[np.float64], grid: Grid) -> Expectation:
    """Bring a prior into a head.

    Parameters
    ----------
    prior : StructurePrior
    ras2mni : ndarray, shape (4, 4)
        The head's scanner RAS to MNI305, mm.
    grid : Grid
        Voxels of the head.

    Returns
    -------
    Expectation
        In voxels of ``grid``.
    """
    to_voxels = np.asarray(np.linalg.inv(ras2mni @ grid.vox2ras), np.float64)
    low, high, centre = [], [], []
    for site in prior.sites:
        lowest, highest = moved_corners(to_voxels, site.low, site.high)
        low.append(lowest)
        high.append(highest)
        centre.append(to_voxels[:3, :3] @ site.centre + to_voxels[:3, 3])
    voxels = np.array([site.volume_mm3 for site in prior.sites]) * abs(np.linalg.det(to_voxels[:3, :3]))
    return Expectation(np.array(low), np.array(high), np.array(centre), voxels)


def measure_prior(
    winner: NDArray[np.int_], colors: ColorTable, ras2mni: NDArray[np.float64], grid: Grid
) -> StructurePrior | None:
    """The prior of one head, without islands.

    Parameters
    ----------
    winner : ndarray, three axes
        Channel of the winning posterior in each voxel of ``grid``.
    colors : ColorTable
    ras2mni : ndarray, shape (4, 4)
        The head's scanner RAS to MNI305, mm.
    grid : Grid

    Returns
    -------
    StructurePrior or None
        None if the head does not show all structures.
    """
    to_mni = ras2mni @ grid.vox2ras
    sites = []
    for channel, structure in enumerate(colors.foreground, 1):
        voxels = np.argwhere(large_parts(winner == channel))
        if len(voxels) < MIN_STRUCTURE_VOXELS:
            return None
        ras = voxels @ to_mni[:3, :3].T + to_mni[:3, 3]
        volume = len(voxels) * abs(float(np.linalg.det(to_mni[:3, :3])))
        sites.append(Site(structure.name, _point(ras.min(0)), _point(ras.max(0)), _point(np.median(ras, 0)), volume))
    return StructurePrior(tuple(sites))


def large_parts(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A structure without islands; a label may stand for two sides, so it may have several parts."""
    parts, _ = ndimage.label(mask, np.ones((3, 3, 3)))
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    large: NDArray[np.bool_] = sizes >= MIN_PART_FRACTION * sizes.sum()
    return np.asarray(large[parts] & mask)


def average_priors(priors: Sequence[StructurePrior]) -> StructurePrior:
    """The average of the priors of single heads."""

    def mean(points: Sequence[Point]) -> Point:
        return _point(np.mean(points, axis=0))

    sites = tuple(
        Site(
            same[0].name,
            mean([site.low for site in same]),
            mean([site.high for site in same]),
            mean([site.centre for site in same]),
            float(np.mean([site.volume_mm3 for site in same])),
        )
        for same in zip(*(prior.sites for prior in priors), strict=True)
    )
    return StructurePrior(sites, sum(prior.heads for prior in priors))


def _point(values: Sequence[float] | NDArray[np.float64]) -> Point:
    x, y, z = (float(value) for value in values)
    return x, y, z


def format_prior(prior: StructurePrior) -> dict[str, Any]:
    """A prior in json's types."""
    return {
        "format": FORMAT,
        "space": SPACE,
        "heads": prior.heads,
        "structures": [
            {
                "name": site.name,
                "low": [round(x, 2) for x in site.low],
                "high": [round(x, 2) for x in site.high],
                "centre": [round(x, 2) for x in site.centre],
                "volume_mm3": round(site.volume_mm3, 1),
            }
            for site in prior.sites
        ],
    }


def parse_prior(content: Mapping[str, Any], names: Sequence[str] | None = None) -> StructurePrior:
    """Read what `format_prior` gives.

    Parameters
    ----------
    content : mapping
    names : sequence of str, optional
        Structures that the prior must have, in this order; by default any.

    Returns
    -------
    StructurePrior

    Raises
    ------
    ValueError
        If it is not a prior of these structures.
    """
    try:
        if content["format"] != FORMAT or content["space"] != SPACE:
            raise ValueError(f"format {content['format']}, space {content['space']}; expected {FORMAT}, {SPACE}")
        sites = tuple(
            Site(row["name"], _point(row["low"]), _point(row["high"]), _point(row["centre"]), float(row["volume_mm3"]))
            for row in content["structures"]
        )
        prior = StructurePrior(sites, int(content["heads"]))
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"not the place of a model ({error})") from error
    if names is not None and [site.name for site in sites] != list(names):
        raise ValueError("its structures are not those of the colour table")
    points = np.array([(*site.low, *site.high, *site.centre) for site in sites])
    volumes = np.array([site.volume_mm3 for site in sites])
    if not (np.isfinite(points).all() and np.isfinite(volumes).all()):
        raise ValueError("holds numbers that are not finite")
    if not (np.abs(points) <= MAX_COORDINATE_MM).all() or not ((volumes > 0) & (volumes <= MAX_VOLUME_MM3)).all():
        raise ValueError("holds numbers that no head has")
    if not all((np.array(site.low) <= site.high).all() for site in sites):
        raise ValueError("a structure ends before it begins")
    return prior


def read_prior(path: str | PathLike[str], names: Sequence[str], sha256: str) -> StructurePrior:
    """Read the prior of a model from a json file.

    Parameters
    ----------
    path : path-like
    names : sequence of str
        The model's structures, in this order.
    sha256 : str
        SHA-256 of the model's weights, hexadecimal.

    Returns
    -------
    StructurePrior

    Raises
    ------
    ModelError
        If the file cannot be read, or is of another model.
    """
    try:
        content = json.loads(read_small_file(path, noun="place of a model", max_bytes=MAX_FILE_BYTES))
        if isinstance(content, dict) and content.get("weights_sha256", sha256) != sha256:
            raise ValueError("it was measured with other weights")
        return parse_prior(content, names)
    except RecursionError:
        raise ModelError(f"{path}: is nested too deep; make it again with fs_sclimbic model place") from None
    except (ContentError, ValueError) as error:
        raise ModelError(f"{path}: cannot be used ({error}); make it again with fs_sclimbic model place") from error


def read_shipped_prior(path: str | PathLike[str], sha256: str) -> StructurePrior | None:
    """Read the prior of a model from the file that holds those of known models.

    Parameters
    ----------
    path : path-like
    sha256 : str
        SHA-256 of the model's weights, hexadecimal.

    Returns
    -------
    StructurePrior or None
        None if the model is not among them.

    Raises
    ------
    ModelError
        If the file cannot be read.
    """
    try:
        priors = json.loads(read_small_file(path, noun="list of structure priors", max_bytes=MAX_FILE_BYTES))
        return parse_prior(priors[sha256]) if sha256 in priors else None
    except (ContentError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ModelError(f"{path}: is damaged ({type(error).__name__}); install fs_sclimbic again") from error
