"""Who is in a table: subjects or stats files, named one by one or listed in a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from ...errors import TableError
from ..design.fsgd_tags import TAGS
from ..text_files import is_whole_number, raise_problems, read_cells, read_text


@dataclass(frozen=True)
class Listed:
    """One row that is asked for."""

    name: str
    """Name of the subject or case."""
    origin: str = ""
    """``file:line`` where it is listed; empty for the command line."""


def read_subjects_file(path: str | PathLike[str]) -> tuple[Listed, ...]:
    """Subjects of a text file, one a line; blank lines and lines that begin with ``#`` are left out."""
    file = Path(path)
    lines = ((number, line.strip()) for number, line in enumerate(read_text(file).split("\n"), 1))
    return _some([Listed(line, f"{file}:{number}") for number, line in lines if line and line[0] != "#"], file)


def read_fsgd_subjects(path: str | PathLike[str]) -> tuple[tuple[Listed, ...], tuple[str, ...]]:
    """Subjects of the Input lines of an FSGD, in its order; nothing else of it is looked at.

    Returns
    -------
    subjects : tuple of Listed
    warnings : tuple of str
        Lines whose first word is no tag: a misspelt Input loses its subject.

    Raises
    ------
    TableError
        If there is no Input line, or one without a subject.
    """
    file = Path(path)
    found, warnings = [], []
    for number, line in enumerate(read_text(file).split("\n"), 1):
        words = line.split()
        tag = words[0].lower() if words else "#"
        if tag == "input":
            if len(words) < 2:
                raise TableError(f"{file}:{number}: expected 'Input SUBJECT CLASS VALUES', found '{line.strip()}'")
            found.append(Listed(words[1], f"{file}:{number}"))
        elif not tag.startswith("#") and tag not in TAGS:
            warnings.append(f"{file}:{number}: '{words[0]}' is no FSGD tag, the line is ignored: '{line.strip()[:80]}'")
    return _some(found, file, "a line 'Input SUBJECT CLASS VALUES'"), tuple(warnings)


def read_qdec_subjects(path: str | PathLike[str], *, longitudinal: bool = False) -> tuple[Listed, ...]:
    """Subjects of a QDEC table: its column ``fsid``, or ``<fsid>.long.<fsid-base>``.

    Parameters
    ----------
    path : path-like
    longitudinal : bool
        Take ``<fsid>.long.<fsid-base>``.

    Returns
    -------
    tuple of Listed
        In the order of the file.

    Raises
    ------
    TableError
        With file and line, if a column or a name is missing.
    """
    file = Path(path)
    rows = read_cells(file, comment="#")
    wanted = ("fsid", "fsid-base") if longitudinal else ("fsid",)
    if not rows:
        raise TableError(f"{file}: expected a header with a column 'fsid' and a row a subject, found nothing")
    header = rows[0]
    missing = [name for name in wanted if name not in header.cells]
    if missing:
        raise TableError(
            f"{file}:{header.line}: expected a header with a column '{missing[0]}', found '{' '.join(header.cells)}'"
        )
    listed, problems = [], []
    for row in rows[1:]:
        if len(row.cells) != len(header.cells):
            problems.append(
                f"{file}:{row.line}: expected {len(header.cells)} cells as in the header, found {len(row.cells)}"
            )
            continue
        names = [row.cells[header.cells.index(name)] for name in wanted]
        if not all(names):
            problems.append(f"{file}:{row.line}: the cell of '{wanted[names.index('')]}' is empty")
        listed.append(Listed(".long.".join(names), f"{file}:{row.line}"))
    raise_problems(problems)
    return _some(listed, file)


def read_segids(path: str | PathLike[str]) -> tuple[int, ...]:
    """SegIds of a text file, one a line; blank lines are left out."""
    file, found = Path(path), []
    for number, line in enumerate(read_text(file).split("\n"), 1):
        if line.strip() and not is_whole_number(line.strip()):
            raise TableError(f"{file}:{number}: expected a SegId such as 26, found '{line.strip()[:40]}'")
        found += [int(line.strip())] if line.strip() else []
    if not found:
        raise TableError(f"{file}: lists no SegId; expected one a line")
    return tuple(found)


def _some(listed: Sequence[Listed], file: Path, expected: str = "one a line") -> tuple[Listed, ...]:
    if not listed:
        raise TableError(f"{file}: lists no subject; expected {expected}")
    return tuple(listed)
