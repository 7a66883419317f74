"""The whole head in three planes: where the structures lie in it, and where the transform puts the average brain."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..files.resources import data_file
from ..image.volume import Volume
from ..registration.average import read_average
from ..registration.brain_template import AVERAGE_BRAIN, HALF_PROBABILITY
from .canvas import Canvas, Color
from .slices import ACROSS, AXIAL, CORONAL, SAGITTAL, View, label_box, outlines, pick_nearest, sample_gray, to_gray

HEAD_PIXELS = 240
"""Edge of a view."""
GAP_PIXELS = 4
HEAD_MM_PER_PIXEL = 1.0
HEAD_OFFSET_MM = np.array([0.0, -10.0, 12.0])
"""From the middle of the structures to that of a head."""
BRAIN_COLOR: Color = (255, 255, 255)
NO_T1_GRAY = 40
"""Behind labels whose T1 is not there."""


@lru_cache(maxsize=1)
def average_brain() -> Volume:
    """How probable brain is, in MNI305 space: float32, 0 to 255."""
    return read_average(data_file(*AVERAGE_BRAIN)).probability


def draw_head_views(
    canvas: Canvas,
    row: int,
    head: Volume | None,
    labels: Volume,
    rgb: Mapping[int, Color],
    window: tuple[float, float],
    middle: NDArray[np.float64],
    ras2mni: NDArray[np.float64] | None,
) -> None:
    """Draw the head from the side, from behind and from below, through the middle of the structures.

    All voxels of the structures are shown, whatever slice they are in: one far from the others is seen.

    Parameters
    ----------
    canvas : Canvas
    row : int
        The first row.
    head : Volume or None
        RAS.
    labels : Volume
        SegIds on the same grid.
    rgb : mapping of int to Color
        By SegId.
    window : (float, float)
        Intensities that are black and white.
    middle : ndarray, shape (3,)
        Voxel coordinates of the structures' middle.
    ras2mni : ndarray, shape (4, 4), optional
        Scanner RAS to MNI305, mm; the outline of the average brain is drawn.
    """
    size = labels.grid.voxel_size_mm
    center = middle * size + HEAD_OFFSET_MM
    box = label_box(labels.data)
    for number, axis in enumerate((SAGITTAL, CORONAL, AXIAL)):
        first, second = ACROSS[axis]
        view = View(
            axis=axis,
            position_mm=float(middle[axis] * size[axis]),
            center_mm=(float(center[first]), float(center[second])),
            shape=(HEAD_PIXELS, HEAD_PIXELS),
            mm_per_pixel=HEAD_MM_PER_PIXEL,
        )
        if head is None:
            pixels = np.full((*view.shape, 3), NO_T1_GRAY, np.uint8)
        else:
            pixels = to_gray(sample_gray(head, view), *window)
        if ras2mni is not None:
            pixels[outlines(_brain_of(view, labels, ras2mni))] = BRAIN_COLOR
        columns, rows = (
            view.columns_mm / size[first] - box[first].start,
            view.rows_mm / size[second] - box[second].start,
        )
        seen = pick_nearest(_project(labels.data[box], axis), columns, rows)
        for index, color in rgb.items():
            pixels[seen == index] = color
        canvas.put(pixels, row, number * (HEAD_PIXELS + GAP_PIXELS))


def _project(labels: NDArray[np.int32], axis: int) -> NDArray[np.int32]:
    """The first label along an axis, of each line of voxels."""
    first = np.expand_dims((labels != 0).argmax(axis), axis)
    return np.asarray(np.take_along_axis(labels, first, axis).squeeze(axis), np.int32)


def _brain_of(view: View, volume: Volume, ras2mni: NDArray[np.float64]) -> NDArray[np.int32]:
    """1 where the average brain is in a slice, else 0."""
    first, second = ACROSS[view.axis]
    size, brain = volume.grid.voxel_size_mm, average_brain()
    voxels = np.empty((3, *view.shape))
    voxels[view.axis] = view.position_mm / size[view.axis]
    voxels[first] = (view.columns_mm / size[first])[None, :]
    voxels[second] = (view.rows_mm / size[second])[:, None]
    matrix = np.linalg.inv(brain.grid.vox2ras) @ ras2mni @ volume.grid.vox2ras
    points = np.tensordot(matrix[:3, :3], voxels, 1) + matrix[:3, 3][:, None, None]
    probability = ndimage.map_coordinates(brain.data, points, order=1, cval=0.0)
    return np.asarray(probability > HALF_PROBABILITY, np.int32)
