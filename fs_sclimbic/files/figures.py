"""Matplotlib without a window, and figures as files."""

import io
import os
from os import PathLike
from typing import Any

from ..errors import UsageError
from .environment import private_folder, variable_is
from .staging import write_atomically

FIGURE_DPI = 110
# Matplotlib keeps its settings and its list of fonts there; without it in the user's home.
CONFIG_VARIABLE = "MPLCONFIGDIR"


def load_pyplot() -> Any:
    """Load Matplotlib's pyplot, without a window, and so that it writes nothing into the user's home.

    Its list of fonts lies in a private folder of the system's temporary folder, unless ``MPLCONFIGDIR`` is set.

    Raises
    ------
    UsageError
        If matplotlib is not installed, or there is no temporary folder.
    """
    try:
        folder = os.environ.get(CONFIG_VARIABLE) or str(private_folder())
    except OSError as error:
        raise UsageError("pictures need a temporary folder that can be written; set TMPDIR to one") from error
    with variable_is(CONFIG_VARIABLE, folder):
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
