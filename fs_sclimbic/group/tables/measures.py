"""The measures of a stats file that can become a table, and their values."""

from dataclasses import dataclass

from ...cases.stats_files import QA_COLUMNS
from ..text_table import ETIV_NAMES
from .provenance import Provenance


@dataclass(frozen=True)
class Measure:
    """A column of the stats files that can become a table."""

    name: str
    headers: tuple[str, ...]
    """Names that the column may have in the line ColHeaders."""
    position: int
    """Index of the column in files without that line."""
    lowest: float | None = 0.0
    highest: float | None = None
    with_etiv: bool = False
    """Whether eTIV is added as the last column."""
    may_be_unknown: bool = False
    """Whether ``-`` may stand for a value."""
    quality: bool = False
    """Whether the column stands in the .qa.stats only."""


_COUNTS = ("NVoxels", "NVertices")
MEASURES = {
    measure.name: measure
    for measure in (
        Measure("volume", ("Volume_mm3",), 3, with_etiv=True),
        Measure("nvoxels", _COUNTS, 2),
        Measure("nvertices", _COUNTS, 2),
        Measure("confidence", ("Confidence",), QA_COLUMNS.index("Confidence"), highest=1.0, quality=True),
        Measure("z", ("ZScore",), QA_COLUMNS.index("ZScore"), lowest=None, may_be_unknown=True, quality=True),
    )
}

Column = tuple[int | None, str]
"""SegId and name of a structure; eTIV has no SegId."""
ETIV: Column = (None, ETIV_NAMES[0])


@dataclass(frozen=True)
class StatsValues:
    """One measure of one stats file."""

    columns: tuple[Column, ...]
    """In the order of the file, eTIV last. Files with the same structures share one object."""
    values: tuple[float, ...]
    """One a column; nan where the file says that the value is unknown."""
    left_out: tuple[str, ...] = ()
    """Rows that were not read, with file and line, and files with fewer or more than they say."""
    other_measures: tuple[str, ...] = ()
    """Global measures of the header other than eTIV, which aseg.stats has many of; they are not read."""
    provenance: Provenance | None = None
    """How the file was made; None for other programs' files. Files made alike share one object."""
    concerns: tuple[str, ...] = ()
    """Kinds of the header's warnings, each once: a flag such as SMALL, or ``other``."""


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What is read of each stats file, and what is let pass."""

    with_etiv: bool = True
    """Read eTIV, if the measure goes with it."""
    lenient: bool = False
    """Take what asegstats2table takes: a file with fewer rows than its line NRows says, and a row with a ``#`` in it,
    which is left out."""
    new_names: bool = False
    """Give the thalamus its name of FreeSurfer 6."""


STRICT = ReadOptions()
