"""Pictures of labels over a head."""

from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files.figures import load_pyplot, write_figure
from ..image.conform import reorient_ras
from ..image.labels import ColorTable
from ..image.volume import Volume

PANELS_PER_PLANE = 4
CROP_MARGIN_MM = 22
PLANES = ("sagittal", "coronal", "axial")
AXIS_ENDS = (("L", "R"), ("P", "A"), ("I", "S"))
"""The low and the high end of each axis of a RAS volume."""


def plot_labels(path: str | PathLike[str], t1: Volume, labels: Volume, colors: ColorTable, title: str = "") -> None:
    """Draw labels over a head, and write the figure.

    Parameters
    ----------
    path : path-like
        The .png to write.
    t1, labels : Volume
        On one grid; labels are SegIds.
    colors : ColorTable
    title : str
        Above the picture.

    Raises
    ------
    UsageError
        If matplotlib is not installed.
    """
    write_figure(draw_labels(t1, labels, colors, title), path)


def draw_labels(t1: Volume, labels: Volume, colors: ColorTable, title: str = "") -> Any:
    """Draw labels over a head: four slices in each plane, cropped to the structures, with the sides marked.

    The subject's left is on the left of the picture.

    Parameters
    ----------
    t1, labels : Volume
        On one grid; labels are SegIds.
    colors : ColorTable
    title : str

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UsageError
        If matplotlib is not installed.
    """
    plt = load_pyplot()
    head, segmentation = reorient_ras(t1), reorient_ras(labels)
    size = head.grid.voxel_size_mm
    where = np.argwhere(segmentation.data > 0)
    first, last = (where.min(0), where.max(0)) if len(where) else (np.zeros(3, int), np.array(head.data.shape) - 1)
    margin = np.rint(CROP_MARGIN_MM / size).astype(int)
    low, high = np.maximum(first - margin, 0), np.minimum(last + margin + 1, head.data.shape)
    crop = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    gray = np.asarray(head.data[crop], np.float32)
    top = float(np.percentile(gray, 99.5)) or 1.0
    colored = _colored(segmentation.data[crop], colors)
    figure, axes = plt.subplots(3, PANELS_PER_PLANE, figsize=(14, 10.5), facecolor="black", constrained_layout=True)
    for axis, row in enumerate(axes):
        across = [i for i in range(3) if i != axis]
        aspect = size[across[1]] / size[across[0]]
        span = np.linspace(first[axis], last[axis], PANELS_PER_PLANE + 2)[1:-1] - low[axis]
        for panel, index in zip(row, np.rint(span).astype(int), strict=True):
            options = {"origin": "lower", "aspect": aspect, "interpolation": "nearest"}
            panel.imshow(gray.take(index, axis).T, cmap="gray", vmin=0, vmax=top, **options)
            panel.imshow(colored.take(index, axis).transpose(1, 0, 2), **options)
            panel.axis("off")
            _mark_sides(panel, *AXIS_ENDS[across[0]])
        row[0].set_title(PLANES[axis], color="white", loc="left", fontsize=10)
    shown = [s for s in colors.foreground if (segmentation.data == s.index).any()]
    handles = [plt.Rectangle((0, 0), 1, 1, color=np.array(s.rgba[:3]) / 255) for s in shown]
    figure.legend(
        handles, [s.name for s in shown], loc="outside lower center", ncols=5, fontsize=9, frameon=False,
        labelcolor="white",
    )  # fmt: skip
    figure.suptitle(title, color="white", fontsize=11)
    return figure


def _mark_sides(panel: Any, low: str, high: str) -> None:
    """Write which end of the head lies on the left and on the right of a slice."""
    for text, x, side in ((low, 0.02, "left"), (high, 0.98, "right")):
        panel.text(
            x, 0.5, text, color="white", fontsize=11, fontweight="bold", ha=side, va="center",
            transform=panel.transAxes, bbox={"facecolor": "black", "alpha": 0.6, "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip


def _colored(labels: NDArray[Any], colors: ColorTable) -> NDArray[np.float32]:
    """RGBA (0-1) of SegIds, half transparent, the background invisible."""
    image = np.zeros((*labels.shape, 4), np.float32)
    for structure in colors.foreground:
        image[labels == structure.index] = [*np.array(structure.rgba[:3]) / 255, 0.6]
    return image
