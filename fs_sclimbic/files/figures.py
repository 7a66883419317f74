"""Matplotlib without a window, and figures as files."""

import io
from os import PathLike
from typing import Any

from ..errors import UsageError
from .staging import write_atomically

FIGURE_DPI = 110


def load_pyplot() -> Any:
    """Load Matplotlib's pyplot, without a window.

    Raises
    ------
    UsageError
        If matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise UsageError("pictures need matplotlib: python -m pip install matplotlib") from error
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def write_figure(figure: Any, path: str | PathLike[str]) -> None:
    """Write a figure as .png, whole or not at all, and close it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : path-like
    """
    content = io.BytesIO()
    figure.savefig(content, dpi=FIGURE_DPI, format="png", facecolor=figure.get_facecolor())
    load_pyplot().close(figure)
    write_atomically(path, content.getvalue())
