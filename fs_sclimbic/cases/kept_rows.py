"""Read a table that is to be updated, and keep what cannot be updated under another name."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

from ..files.staging import write_new


def is_table(text: str) -> bool:
    """Whether a text is a table of this tool, or holds nothing, so that rows can be added without loss.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool
        False for other separators, column names that occur twice, and rows with more cells than there are columns.
    """
    if not text.strip():
        return True
    try:
        header, *rows = csv.reader(io.StringIO(text))
    except csv.Error:  # a cell of more than 100 kB, for instance
        return False
    is_ours = header[:1] == ["case"] and len(set(header)) == len(header)
    return is_ours and all(len(row) <= len(header) for row in rows)


def read_rows_to_keep(path: Path, warn: Callable[[str], None]) -> str:
    """Read a table that is to be updated; a file that is none stays under another name.

    Parameters
    ----------
    path : Path
    warn : callable
        Is given a warning, one line, if the file is no table of this tool.

    Returns
    -------
    str
        Its text; empty if there is no table.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ""
    # Spreadsheet programs put a mark before the first name, and end lines in their own ways.
    text = content.decode("utf-8-sig", "surrogateescape").replace("\r\n", "\n").replace("\r", "\n")
    if is_table(text):
        return text
    copy = write_copy(path, content)
    warn(
        f"{path}: is no table of this tool (comma-separated, first column 'case', no column twice), so no row could be "
        f"added to it; it is kept as {copy}, and a new table was begun: put its rows there if they are needed"
    )
    return ""


def write_copy(path: Path, content: bytes) -> Path:
    """Write ``<name>.old``, or ``.old2`` and so on where there are earlier ones.

    Parameters
    ----------
    path : Path
        Of the file that is to be kept.
    content : bytes

    Returns
    -------
    Path
        Of the copy.
    """
    number = 1
    while True:
        copy = path.with_name(f"{path.name}.old{number if number > 1 else ''}")
        try:
            write_new(copy, content)
        except FileExistsError:
            number += 1
        else:
            return copy
