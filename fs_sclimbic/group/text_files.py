"""Text files that people make: their text, their cells, the numbers in them, and how problems are listed."""

import csv
import io
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from ..errors import SclimbicError, TableError
from ..files.content import ContentError, check_content, is_shell_pipe, read_bounded

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
MAX_FILE_BYTES = 1 << 30
MAX_NUMBER = 1e100
"""No measurement is larger; squares and products of smaller numbers do not overflow."""
WHOLE_NUMBER = re.compile(r"\d{1,10}", re.ASCII)
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
# Spreadsheets and statistics programs write these where a value is missing.
MISSING_VALUES = {"na", "n/a", "nan", "-nan", "+nan", "null", "none", "nil", "-", ".", "?", "#n/a", "missing", "<na>"}
MAX_PROBLEMS = 20
MAX_LISTED = 20


@dataclass(frozen=True)
class TextRow:
    """One line of a delimited text file."""

    line: int
    """Number of the line in the file, from 1."""
    cells: tuple[str, ...]


def read_cells(path: str | PathLike[str], comment: str | None = None) -> tuple[TextRow, ...]:
    """Read a delimited text file into cells, without lines that are blank.

    Parameters
    ----------
    path : path-like
        UTF-8 text. The delimiter is what the first line holds outside quotes: tab, comma or semicolon, else blanks.
        If it holds several, the one that gives every line as many cells as the first.
    comment : str, optional
        Lines that begin with it are left out.

    Returns
    -------
    tuple of TextRow
        Cells without blanks around them; a last column that is empty in every line is dropped.

    Raises
    ------
    TableError
        If the file is missing, no text, or ends within a quote.
    """
    file = Path(path)
    text = read_text(file)
    if comment is not None:  # blank, so that the lines keep their numbers
        text = "\n".join("" if line.lstrip().startswith(comment) else line for line in text.split("\n"))
    first = next((line for line in text.split("\n") if line.strip()), "")
    unquoted = re.sub(r'"[^"]*"', "", first)
    present = [sign for sign in "\t,;" if sign in unquoted]
    # A header with tabs over rows with blanks: mri_glmfit takes any white space alike. Where rows have tabs too, a
    # blank may belong to a name, and splitting there could move values into other columns.
    blanks = not present or (present == ["\t"] and text.count("\t") == first.count("\t"))
    candidates = [*present, *([" "] if blanks else [])]
    splits = [_split(file, text, sign) for sign in candidates]
    return next((rows for rows in splits if len({len(row.cells) for row in rows}) == 1), splits[0])


def refuse_other_kinds(path: str | PathLike[str], noun: str, error_type: type[SclimbicError]) -> None:
    """Refuse what is not a file with content, before a read of it waits or fills the memory.

    Parameters
    ----------
    path : path-like
        A missing file, a folder and an empty file are left to the reader, which says what it expects.
    noun : str
        What is expected there, for the message.
    error_type : type
        Of the error.

    Raises
    ------
    SclimbicError
        Of that type, for a pipe, socket or device, a git-annex link or Git LFS pointer without its content, and a
        file of more than `MAX_FILE_BYTES`.
    """
    if os.path.isdir(path) or not os.path.lexists(path) or is_shell_pipe(path):
        return
    is_there = os.path.isfile(path)
    size = os.path.getsize(path) if is_there else 0
    if size > MAX_FILE_BYTES:
        raise error_type(f"{path}: expected a {noun}, found {size / 1e9:.1f} GB; at most {MAX_FILE_BYTES / 1e9:.1f} GB")
    if is_there and not size:
        return
    try:
        check_content(path, noun)
    except ContentError as error:
        raise error_type(f"{path}: {error}") from error


def read_content(path: str | PathLike[str], noun: str, error_type: type[SclimbicError]) -> bytes:
    """Read what is a file with content, or the output of a command.

    Parameters
    ----------
    path, noun, error_type
        As for `refuse_other_kinds`.

    Returns
    -------
    bytes
        At most `MAX_FILE_BYTES`.

    Raises
    ------
    SclimbicError
        Of that type, as `refuse_other_kinds`, and for a command that writes more.
    OSError
        If it is missing or cannot be read.
    """
    refuse_other_kinds(path, noun, error_type)
    content = read_bounded(path, MAX_FILE_BYTES)
    if content is None:
        raise error_type(f"{path}: expected a {noun}, found more than {MAX_FILE_BYTES / 1e9:.1f} GB")
    return content


def read_text(file: Path) -> str:
    """The text of a file in UTF-8, lines ended by a line feed; a TableError if it is missing or no text."""
    try:
        content = read_content(file, "text file", TableError)
    except FileNotFoundError as error:
        raise TableError(f"{file}: file does not exist") from error
    except OSError as error:
        raise TableError(f"{file}: file cannot be read ({error.strerror})") from error
    if b"\0" in content or content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise TableError(f"{file}: expected text in UTF-8, found another kind of file; save a table as CSV (UTF-8)")
    return content.decode("utf-8-sig", "surrogateescape").replace("\r\n", "\n").replace("\r", "\n")


def _split(file: Path, text: str, delimiter: str) -> tuple[TextRow, ...]:
    rows: list[TextRow] = []
    if delimiter == " ":
        for number, line in enumerate(text.split("\n"), 1):
            cells = [cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell for cell in line.split()]
            rows.append(TextRow(number, tuple(cells)))
    else:
        reader = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=delimiter != "\t", strict=True)
        try:
            rows += [TextRow(reader.line_num, tuple(cell.strip() for cell in cells)) for cells in reader]
        except csv.Error as error:
            raise TableError(f"{file}:{reader.line_num}: a quote is not closed or stands within a cell") from error
    rows = [row for row in rows if any(row.cells)]
    if rows and not any(row.cells[-1] for row in rows) and len({len(row.cells) for row in rows}) == 1:
        rows = [TextRow(row.line, row.cells[:-1]) for row in rows]
    return tuple(rows)


def finite_number(text: str) -> float | None:
    """The finite number that the whole text is; None for ``12abc``, ``1,5``, ``1_000`` or ``nan``."""
    if not NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if abs(value) <= MAX_NUMBER else None


def is_whole_number(text: str) -> bool:
    """Whether a text is a whole number that fits into 32 bits, without a sign."""
    return bool(WHOLE_NUMBER.fullmatch(text)) and int(text) < 2**31


def is_missing(cell: str) -> bool:
    """Whether a cell is empty or says that its value is missing."""
    return not cell or cell.lower() in MISSING_VALUES


def raise_problems(problems: Sequence[str]) -> None:
    """Raise a TableError of several problems, one a line; of very many only the first."""
    if problems:
        more = len(problems) - MAX_PROBLEMS
        raise TableError("\n".join([*problems[:MAX_PROBLEMS], *([f"... and {more} more"] if more > 0 else [])]))


def listed(names: Sequence[object], most: int = MAX_LISTED) -> str:
    """Names in a row; of very many only the first.

    Parameters
    ----------
    names : sequence
    most : int
        So many are named.

    Returns
    -------
    str
    """
    more = len(names) - most
    return ", ".join(map(str, names[:most])) + (f" and {more} more" if more > 0 else "")


def shortened(text: str) -> str:
    """A text with at most 40 characters."""
    return text if len(text) <= 40 else f"{text[:37]}..."


def displayable(text: str) -> str:
    """A text whose bytes that are not UTF-8 are read as Windows-1252; what that lacks becomes a question mark."""
    return "".join(
        bytes([ord(sign) - 0xDC00]).decode("cp1252", "replace").replace("\ufffd", "?")
        if "\udc80" <= sign <= "\udcff"
        else sign
        for sign in text
    )


def name_key(name: str) -> str:
    """Equal for names that differ in their bytes only: composed and decomposed letters, UTF-8 and Windows-1252."""
    return unicodedata.normalize("NFC", displayable(name))


def same_names(wanted: Iterable[str], there: Sequence[str]) -> dict[str, str]:
    """Find names among others, also where they are written with other bytes.

    Parameters
    ----------
    wanted : iterable of str
    there : sequence of str

    Returns
    -------
    dict of str to str
        For each wanted name that is found the name that is there: the same, else the only one of its `name_key`.
        No two wanted names get one.
    """
    names, known = list(dict.fromkeys(wanted)), set(there)
    found = {name: name for name in names if name in known}
    lost = [name for name in names if name not in known and not name.isascii()]
    free = [name for name in there if name not in found and not name.isascii()]
    by_key: dict[str, tuple[list[str], list[str]]] = {}
    for side, side_names in enumerate((lost, free)):
        for name in side_names:
            by_key.setdefault(name_key(name), ([], []))[side].append(name)
    found |= {asked[0]: alike[0] for asked, alike in by_key.values() if len(asked) == len(alike) == 1}
    return {name: found[name] for name in names if name in found}
