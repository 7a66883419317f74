"""From the network's posteriors to clean posteriors of the structures."""

from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..image.box import Box
from ..image.conform import resize, shift_grid
from ..image.volume import Volume
from ..network.structure_prior import large_parts

CROP_MARGIN_VOXELS = 2
"""Voxels kept around the bounding box of all labels."""
SIX_NEIGHBOURS = ndimage.generate_binary_structure(3, 1)


@dataclass(frozen=True, eq=False)
class CleanPosteriors:
    """Posteriors of the structures, cropped to them."""

    posteriors: Volume
    """float32, shape (x, y, z, labels); each voxel sums to 1."""
    box: Box
    """The voxels that were kept, counted from the first one of the posteriors before the crop."""


def clean_posteriors(posteriors: Volume, winner: NDArray[np.int_]) -> CleanPosteriors | None:
    """Crop to the structures and confine each posterior to its own structure.

    Parameters
    ----------
    posteriors : Volume
        float32 softmax, shape (x, y, z, labels), background first.
    winner : ndarray, shape (x, y, z)
        Their winning channels.

    Returns
    -------
    CleanPosteriors or None
        Cropped to the bounding box of all labels and two voxels; each structure's posterior is 0
        outside a one-voxel (6-neighbour) dilation of its own winning voxels; the background takes the
        rest; each voxel sums to 1. None if the network finds no structure anywhere.
    """
    box = bounding_box(winner > 0)
    if box is None:
        return None
    winner, clean = winner[box.slices], posteriors.data[box.slices].copy()
    for label in range(1, clean.shape[-1]):
        clean[..., label] *= ndimage.binary_dilation(winner == label, SIX_NEIGHBOURS)
    clean[..., 0] = 1 - clean[..., 1:].sum(axis=-1)
    clean = clean.clip(0, 1)
    clean /= clean.sum(axis=-1, keepdims=True)
    return CleanPosteriors(Volume(clean, shift_grid(posteriors.grid, box.low, clean.shape)), box)


def bounding_box(mask: NDArray[np.bool_], margin: int = CROP_MARGIN_VOXELS) -> Box | None:
    """The smallest box around a mask and a margin, inside the array.

    Parameters
    ----------
    mask : ndarray of bool, shape (x, y, z)
    margin : int
        Voxels added on each side where there is room.

    Returns
    -------
    Box or None
        None if the mask is empty.
    """
    ends = [(0, size) for size in mask.shape]
    for axis in range(3):  # each axis within what is left by those before: most of an image is read once
        inside = mask[tuple(slice(*span) for span in ends)]
        found = np.flatnonzero(inside.any(axis=tuple(other for other in range(3) if other != axis)))
        if not len(found):
            return None
        ends[axis] = (ends[axis][0] + int(found[0]), ends[axis][0] + int(found[-1]) + 1)
    low, high = zip(*ends, strict=True)
    return Box(low, high).grown(margin).clipped(Box.of_shape(mask.shape))


def box_without_islands(winner: NDArray[np.int_]) -> Box | None:
    """The smallest box around the large parts of all labels; None without a label.

    A part is large if it holds a tenth of its label's voxels: a label may stand for structures of both sides.
    """
    everything = bounding_box(winner > 0, margin=0)
    if everything is None:
        return None
    labels, boxes = winner[everything.slices], []
    for label in range(1, int(labels.max()) + 1):
        part = bounding_box(large_parts(labels == label), margin=0)
        boxes += [part.moved(everything.low)] if part else []
    return reduce(Box.hull, boxes) if boxes else None


def to_voxel_size(posteriors: Volume, voxel_size_mm: NDArray[np.float64], size_tolerance_voxels: float = 0.0) -> Volume:
    """Resample posteriors to an image's voxel size, where structures are measured.

    The sizes are taken in the order of the image's axes and laid along R, A, S in that order. For an
    anisotropic image in another orientation that is not its own voxel shape, but it is what the published
    numbers are; the volume of a voxel is the same.

    Parameters
    ----------
    posteriors : Volume
        float32, 1 mm, axes along RAS.
    voxel_size_mm : ndarray, shape (3,)
        Edge lengths of the image's voxels, mm.
    size_tolerance_voxels : float
        See `fs_sclimbic.image.conform.conform`.

    Returns
    -------
    Volume
    """
    return resize(posteriors, voxel_size_mm, size_tolerance_voxels)
