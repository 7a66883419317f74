"""The picture of a training: loss and validation Dice."""

from collections.abc import Sequence
from os import PathLike

import numpy as np

from ..files.figures import load_pyplot, write_figure
from .checkpoint import Epoch


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
    plt = load_pyplot()
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
    write_figure(figure, path)
