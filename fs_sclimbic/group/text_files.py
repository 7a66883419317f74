"""Text files that people make: their text, their cells, the numbers in them, and how problems are listed."""

import csv
import io
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from ..errors import TableError

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
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


def read_text(file: Path) -> str:
    """The text of a file in UTF-8, lines ended by a line feed; a TableError if it is missing or no text."""
    try:
        content = file.read_bytes()
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
    return value if math.isfinite(value) else None


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
    """
    known = set(there)
    by_key: dict[str, list[str]] = {}
    for name in there:
        if not name.isascii():
            by_key.setdefault(name_key(name), []).append(name)
    found = {}
    for name in wanted:
        alike = [name] if name in known else by_key.get(name_key(name), [])
        if len(alike) == 1:
            found[name] = alike[0]
    return found
