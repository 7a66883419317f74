"""From the network's posteriors to clean posteriors and labels."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..image.conform import resize, shift_grid
from ..image.volume import Volume

CROP_MARGIN = 2
"""Voxels left around the bounding box of all labels."""
SIX_NEIGHBOURS = ndimage.generate_binary_structure(3, 1)


def clean_posteriors(posteriors: Volume) -> Volume | None:
    """Crop to the structures and confine each posterior to its own structure.

    Parameters
    ----------
    posteriors : Volume
        float32 softmax, shape (x, y, z, labels), background first.

    Returns
    -------
    Volume or None
        Cropped to the bounding box of all labels and two voxels; each structure's posterior is 0
        outside a one-voxel (6-neighbour) dilation of its own winning voxels; the background takes the
        rest; each voxel sums to 1. None if the network finds no structure anywhere.
    """
    winner = posteriors.data.argmax(axis=-1)
    box = bounding_box(winner > 0)
    if box is None:
        return None
    winner, clean = winner[box], posteriors.data[box].copy()
    for label in range(1, clean.shape[-1]):
        clean[..., label] *= ndimage.binary_dilation(winner == label, SIX_NEIGHBOURS)
    clean[..., 0] = 1 - clean[..., 1:].sum(axis=-1)
    clean = clean.clip(0, 1)
    clean /= clean.sum(axis=-1, keepdims=True)
    start = tuple(axis.start for axis in box)
    return Volume(clean, shift_grid(posteriors.grid, start, clean.shape))


def bounding_box(mask: NDArray[np.bool_], margin: int = CROP_MARGIN) -> tuple[slice, slice, slice] | None:
    """The smallest box around a mask, wider by ``margin`` voxels where there is room; None if it is empty."""
    spans = []
    for axis in range(3):
        hits = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        if not hits.size:
            return None
        spans.append(slice(max(int(hits[0]) - margin, 0), min(int(hits[-1]) + 1 + margin, mask.shape[axis])))
    return spans[0], spans[1], spans[2]


def to_voxel_size(posteriors: Volume, voxel_size_mm: NDArray[np.float64], size_tolerance_voxels: float = 0.0) -> Volume:
    """Resample posteriors (1 mm, RAS) to an image's voxel size, where structures are measured.

    The sizes are taken in the order of the image's axes and laid along R, A, S in that order. For an
    anisotropic image in another orientation that is not its own voxel shape, but it is what the published
    numbers are; the volume of a voxel is the same.
    """
    return resize(posteriors, voxel_size_mm, size_tolerance_voxels)
