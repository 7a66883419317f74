"""How figures of a group analysis look: widths of journals' columns, sizes of letters, colours, files."""

import io
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ...files.figures import load_pyplot
from ..text_files import displayable

DPI = 300
MM_PER_INCH = 25.4
WIDTHS_MM = {1: 88.0, 2: 180.0}
"""Of figures over one and two columns of a page."""
FORMATS = ("png", "pdf", "svg")
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
"""Okabe and Ito's, told apart by colour-blind readers too."""
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
"""Beside the colours, for print without colour."""
LETTERS_PER_INCH = 15
"""About so many letters of 8 points stand in an inch."""
LETTER_SETTINGS = {
    "font.size": 7.5,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "pdf.fonttype": 42,
    "svg.hashsalt": "fs_sclimbic",
}
"""Letters stay letters in a PDF, and the same data give the same SVG."""
METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
}


@dataclass(frozen=True)
class FigureOptions:
    """What figures are made for."""

    columns: int = 2
    """Of a journal's page that a figure spans: 1 (88 mm) or 2 (180 mm)."""
    formats: tuple[str, ...] = ("png", "pdf")
    """Some of `FORMATS`; a PNG is made in any case, for report.html."""

    @property
    def width_inches(self) -> float:
        """Width of a figure."""
        return WIDTHS_MM[self.columns] / MM_PER_INCH


DEFAULT_FIGURES = FigureOptions()


@contextmanager
def print_style() -> Iterator[Any]:
    """Give pyplot with the settings of a printed figure."""
    plt = load_pyplot()
    with plt.rc_context(LETTER_SETTINGS):
        yield plt


def encode_figure(figure: Any, formats: Sequence[str] = ("png",)) -> dict[str, bytes]:
    """The bytes of a figure by format; the figure is closed.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    formats : sequence of {'png', 'pdf', 'svg'}

    Returns
    -------
    dict of str to bytes
        Without the date and the version of matplotlib, so that the same data give the same bytes.
    """
    files = {}
    with print_style() as plt:
        for name in formats:
            content = io.BytesIO()
            figure.savefig(content, dpi=DPI, format=name, metadata=METADATA[name])
            files[name] = content.getvalue()
        plt.close(figure)
    return files


def plain(text: str) -> str:
    """A name with its dollars escaped: matplotlib takes text between dollars for a formula."""
    return displayable(text).replace("$", r"\$")


def in_lines(text: str, width_inches: float) -> str:
    """A text in lines that fit into so many inches.

    Parameters
    ----------
    text : str
    width_inches : float

    Returns
    -------
    str
    """
    return textwrap.fill(text, max(12, int(width_inches * LETTERS_PER_INCH)), break_on_hyphens=False)
