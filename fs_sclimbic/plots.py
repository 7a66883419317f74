"""Pictures: the course of a training, and labels over a head."""

import io
from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checkpoint import Epoch
from .conform import reorient_ras
from .errors import UsageError
from .labels import ColorTable
from .staging import write_atomically
from .volume import Volume

DPI = 110
PANELS_PER_PLANE = 4
CROP_MARGIN_MM = 22
PLANES = ("sagittal", "coronal", "axial")


def _pyplot() -> Any:
    """Matplotlib without a window."""
    try:
        import matplotlib
    except ImportError as error:
        raise UsageError("pictures need matplotlib: python -m pip install matplotlib") from error
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def plot_training(path: str | PathLike[str], losses: Sequence[float], epochs: Sequence[Epoch]) -> None:
    """Draw the loss of each step, and the validation Dice of each structure after each epoch.

    Parameters
    ----------
    path : path-like
        The .png to write.
    losses : sequence of float
        One a step.
    epochs : sequence of Epoch

    Raises
    ------
    UsageError
        If matplotlib is not installed.
    """
    plt = _pyplot()
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5), constrained_layout=True)
    steps = np.arange(1, len(losses) + 1)
    left.plot(steps, losses, color="0.8", linewidth=0.5, label="each step")
    width = min(50, len(losses))
    left.plot(steps[width - 1 :], np.convolve(losses, np.ones(width) / width, "valid"), label=f"mean of {width}")
    # A loss falls by powers of ten, and most of what one wants to see lies at the end.
    left.set(xlabel="step", ylabel="loss", title="training loss", yscale="log")
    left.legend()
    at = [epoch.steps for epoch in epochs]
    for i, name in enumerate(epochs[-1].dice if epochs else ()):
        style = ("-", "--", ":")[i // 10 % 3]
        right.plot(at, [epoch.dice[name] for epoch in epochs], style, linewidth=1, marker=".", label=name)
    if epochs and epochs[-1].dice:
        right.plot(at, [epoch.mean_dice for epoch in epochs], "k", linewidth=2.5, label="mean")
        right.legend(fontsize=7, ncols=2, loc="lower right")
    right.set(xlabel="step", ylabel="Dice", ylim=(0, 1), title="validation")
    _save(figure, path)


def plot_labels(path: str | PathLike[str], t1: Volume, labels: Volume, colors: ColorTable, title: str = "") -> None:
    """Draw labels over a head: four slices in each plane, cropped to the structures.

    Parameters
    ----------
    path : path-like
        The .png to write.
    t1, labels : Volume
        On one grid; labels are SegIds.
    colors : ColorTable
    title : str

    Raises
    ------
    UsageError
        If matplotlib is not installed.
    """
    plt = _pyplot()
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
        row[0].set_title(PLANES[axis], color="white", loc="left", fontsize=10)
    shown = [s for s in colors.foreground if (segmentation.data == s.index).any()]
    handles = [plt.Rectangle((0, 0), 1, 1, color=np.array(s.rgba[:3]) / 255) for s in shown]
    figure.legend(
        handles, [s.name for s in shown], loc="outside lower center", ncols=5, fontsize=9, frameon=False,
        labelcolor="white",
    )  # fmt: skip
    figure.suptitle(title, color="white", fontsize=11)
    _save(figure, path)


def _colored(labels: NDArray[Any], colors: ColorTable) -> NDArray[np.float32]:
    """RGBA (0-1) of SegIds, half transparent, the background invisible."""
    image = np.zeros((*labels.shape, 4), np.float32)
    for structure in colors.foreground:
        image[labels == structure.index] = [*np.array(structure.rgba[:3]) / 255, 0.6]
    return image


def _save(figure: Any, path: str | PathLike[str]) -> None:
    content = io.BytesIO()
    figure.savefig(content, dpi=DPI, format="png", facecolor=figure.get_facecolor())
    _pyplot().close(figure)
    write_atomically(path, content.getvalue())
