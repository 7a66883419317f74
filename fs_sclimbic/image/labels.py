"""Structures and colour tables: which label number is which structure, in which colour."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from ..errors import TableError
from ..files.content import ContentError, quote_text, read_small_file
from ..files.resources import data_file

DEFAULT_CTAB = ("ctab", "sclimbic.ctab")

OPAQUE = 0
"""FreeSurfer's colour tables give transparency, not opacity: 0 is solid."""
MGH_TAG_VERSION = -2
MAX_SEG_ID = 2**31 - 2
"""FreeSurfer stores SegIds, and one more than the largest, as int32."""


@dataclass(frozen=True)
class Structure:
    """One row of a colour table."""

    index: int
    """SegId: the number of the structure in the label image."""
    name: str
    """StructName, without blanks."""
    rgba: tuple[int, int, int, int]
    """Red, green, blue and transparency, each 0-255; transparency 0 is solid."""


@dataclass(frozen=True)
class ColorTable:
    """Structures in the order of the network's channels; the first one is the background."""

    structures: tuple[Structure, ...]

    def __len__(self) -> int:
        return len(self.structures)

    def __iter__(self) -> Iterator[Structure]:
        return iter(self.structures)

    @property
    def foreground(self) -> tuple[Structure, ...]:
        """All structures but the background."""
        return self.structures[1:]

    def to_mgh_tag(self) -> bytes:
        """The table as FreeSurfer stores it inside an image: version -2, big-endian int32 and strings."""
        highest = max(structure.index for structure in self)
        parts = [struct.pack(">4i", MGH_TAG_VERSION, highest + 1, 0, len(self))]
        for structure in self:
            name = structure.name.encode() + b"\0"
            parts += [struct.pack(">2i", structure.index, len(name)), name, struct.pack(">4i", *structure.rgba)]
        return b"".join(parts)


def read_ctab(path: str | PathLike[str] | None = None) -> ColorTable:
    """Read a FreeSurfer colour table.

    Parameters
    ----------
    path : path-like, optional
        Text file with rows ``SegId Name R G B A``; further columns (tissue type) and ``#`` lines are
        skipped. Without a path: the limbic table that is shipped.

    Returns
    -------
    ColorTable
        The rows in file order, which must be the order of the network's channels. A table
        without the background gets ``0 Unknown`` as its first row.

    Raises
    ------
    TableError
        If the file is missing, has a row that is not a label, or repeats a SegId or a name.
    """
    file = data_file(*DEFAULT_CTAB) if path is None else Path(path)
    try:
        lines = read_small_file(file, noun="colour table").decode("utf-8-sig").splitlines()
    except (ContentError, UnicodeDecodeError) as error:
        raise TableError(f"{file}: colour table cannot be read ({error}); give a text file to --ctab") from error
    rows = [_read_row(file, number, line) for number, line in enumerate(lines, 1) if line.split("#")[0].strip()]
    if not rows:
        raise TableError(f"{file}: colour table has no row; expected lines 'SegId Name R G B A'")
    for what, values in (("SegId", [str(row.index) for row in rows]), ("name", [row.name for row in rows])):
        repeated = sorted({value for value in values if values.count(value) > 1})
        if repeated:
            raise TableError(
                f"{file}: colour table gives {what} {', '.join(repeated)} more than once; keep one row each"
            )
    if all(row.index != 0 for row in rows):
        rows.insert(0, Structure(0, "Unknown", (0, 0, 0, OPAQUE)))
    if rows[0].index != 0:
        raise TableError(f"{file}: SegId 0 (background) must be the first row, found {rows[0].index} {rows[0].name}")
    return ColorTable(tuple(rows))


def _read_row(file: Path, number: int, line: str) -> Structure:
    fields = line.split("#")[0].split()
    try:
        index, colour = int(fields[0]), [int(field) for field in fields[2:6]]
    except ValueError:
        index, colour = -1, []
    if not 0 <= index <= MAX_SEG_ID or len(colour) not in (3, 4) or not all(0 <= value <= 255 for value in colour):
        raise TableError(f"{file}:{number}: expected 'SegId Name R G B A' with colours 0-255, found {quote_text(line)}")
    if not fields[1].isprintable():  # a terminal would obey it
        raise TableError(f"{file}:{number}: expected a name of printable characters, found {quote_text(fields[1])}")
    red, green, blue, transparency = (*colour, OPAQUE)[:4]
    return Structure(index, fields[1], (red, green, blue, transparency))


def format_ctab(colors: ColorTable) -> str:
    """The table as text with six columns, which FreeSurfer, freeview, MRtrix and FSLeyes read.

    The published table has a seventh column (tissue type) on which other readers stumble.
    """
    width = max(len(structure.name) for structure in colors)
    rows = [
        f"{s.index:>6d} {s.name:<{width}s} {s.rgba[0]:>3d} {s.rgba[1]:>3d} {s.rgba[2]:>3d} {s.rgba[3]:>3d}"
        for s in colors
    ]
    return "\n".join(["# No. Label Name: R G B A", *rows]) + "\n"
