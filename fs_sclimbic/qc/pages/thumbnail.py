"""A small picture of a case for the page of all cases: three planes through the structures."""

import numpy as np
from numpy.typing import NDArray

from ..picture import Picture
from ..pictures import lighten
from .case_images import BYTE_MAX, CaseImages

THUMBNAIL_PIXELS = 144
"""Edge of a plane; shown at two thirds of it, sharp on fine screens too."""
THUMBNAIL_MM = 72.0
"""Edge of what a plane shows."""
LABEL_OPACITY = 0.55
PLANES = ((0, 1, 2), (1, 0, 2), (2, 0, 1))
"""The axis that a plane is perpendicular to; the axes along its columns and its rows."""


def draw_thumbnail(images: CaseImages) -> Picture:
    """Draw three planes through the middle of all labels; the subject's left is left.

    Parameters
    ----------
    images : CaseImages

    Returns
    -------
    Picture
        THUMBNAIL_PIXELS high and three times as wide.
    """
    labels, size = images.labels.data, images.labels.grid.voxel_size_mm
    where = np.argwhere(labels > 0)
    middle = where.mean(0) if len(where) else (np.array(labels.shape) - 1) / 2
    colors = np.zeros((BYTE_MAX + 1, 3))
    colors[1 : len(images.structures) + 1] = [lighten(structure.rgba[:3]) for structure in images.structures]
    offsets = (np.arange(THUMBNAIL_PIXELS) + 0.5 - THUMBNAIL_PIXELS / 2) * (THUMBNAIL_MM / THUMBNAIL_PIXELS)
    planes = []
    for axis, across, up in PLANES:
        index = int(np.rint(middle[axis]))
        columns = np.rint(middle[across] + offsets / size[across]).astype(int)
        rows = np.rint(middle[up] + offsets[::-1] / size[up]).astype(int)
        gray, label = (_pixels(image.data.take(index, axis).T, rows, columns) for image in (images.gray, images.labels))
        opacity = LABEL_OPACITY * (label > 0)[..., None]
        planes.append(gray[..., None] * (1 - opacity) + colors[label] * opacity)
    return Picture(np.rint(np.concatenate(planes, axis=1)).astype(np.uint8))


def _pixels(plane: NDArray[np.uint8], rows: NDArray[np.int_], columns: NDArray[np.int_]) -> NDArray[np.uint8]:
    """The nearest voxels of a plane; 0 outside of it."""
    inside = ((rows >= 0) & (rows < plane.shape[0]))[:, None] & ((columns >= 0) & (columns < plane.shape[1]))
    taken = plane[np.clip(rows, 0, plane.shape[0] - 1)][:, np.clip(columns, 0, plane.shape[1] - 1)]
    return np.where(inside, taken, 0).astype(np.uint8)
