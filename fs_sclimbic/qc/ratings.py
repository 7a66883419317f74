"""Ratings of cases and structures by people: a table with tabs, as the pages of `fs_sclimbic qc` write it."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Literal, get_args

from ..errors import TableError, quote_text
from ..files.content import ContentError, read_small_file
from ..files.staging import encode_text, write_atomically

RatingWord = Literal["pass", "fail", "artefact", "unsure"]
RATINGS: tuple[str, ...] = get_args(RatingWord)
COLUMNS = ("case", "structure", "rating", "score", "note", "rater", "date")
NECESSARY = ("case", "rating")
MISSING = "n/a"
"""Where a cell has no value; of the structure it means the whole case."""
MISSING_CELLS = {"", "n/a", "na", "nan"}
LOWEST_SCORE, HIGHEST_SCORE = 1, 5
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
SPELLINGS = {"artifact": "artefact"}
MAX_FILE_BYTES = 1 << 26
MAX_PROBLEMS = 20


@dataclass(frozen=True, kw_only=True)
class Rating:
    """What one person thinks of a case, or of one structure of it."""

    case: str
    structure: str | None = None
    """StructName; None: the whole case."""
    rating: RatingWord | None = None
    score: int | None = None
    """1 to 5, 5 the best."""
    note: str = ""
    rater: str = ""
    date: str = ""
    """ISO 8601."""
    others: Mapping[str, str] = field(default_factory=dict)
    """Cells of further columns, by their names."""

    @property
    def subject(self) -> tuple[str, str | None]:
        """What is rated: case and structure."""
        return self.case, self.structure


def read_ratings(path: str | PathLike[str]) -> tuple[Rating, ...]:
    """Read ratings.

    Parameters
    ----------
    path : path-like
        UTF-8 or UTF-16 text with a header. Cells are separated by tabs, semicolons or commas, told by the header; lines
        end in any way. Column names count without regard to case; ``case`` and ``rating`` are necessary, others may be
        missing or more, in any order. Empty cells, ``n/a``, ``NA`` and ``NaN`` have no value.

    Returns
    -------
    tuple of Rating
        In the order of the file; lines that rate nothing and note nothing are left out.

    Raises
    ------
    TableError
        With file and line, one line a problem.
    """
    file = Path(path)
    rows = _read_rows(file)
    if not rows:
        raise TableError(f"{file}: is empty; expected a header with the columns {', '.join(COLUMNS)}")
    (line, header), *body = rows
    names = [name.strip().lower() if name.strip().lower() in COLUMNS else name.strip() for name in header]
    lacking = [name for name in NECESSARY if name not in names]
    if lacking:
        raise TableError(
            f"{file}:{line}: no table of ratings: column {' and '.join(lacking)} missing; expected "
            f"{', '.join(COLUMNS)}, found {quote_text(', '.join(header))}"
        )
    twice = {name for name in names if names.count(name) > 1 and name}
    if twice:
        raise TableError(f"{file}:{line}: column {', '.join(sorted(twice))} stands twice; remove one")
    found, problems = list[Rating](), list[str]()
    for line, cells in body:
        try:
            rating = _parse_row(names, cells)
        except ValueError as error:
            problems.append(f"{file}:{line}: {error}")
            continue
        if rating.rating or rating.score or rating.note:
            found.append(rating)
    if problems:
        more = len(problems) - MAX_PROBLEMS
        raise TableError("\n".join([*problems[:MAX_PROBLEMS], *([f"... and {more} more"] if more > 0 else [])]))
    return tuple(found)


def _read_rows(file: Path) -> list[tuple[int, list[str]]]:
    """Numbers of lines and their cells, without blank lines."""
    try:
        content = read_small_file(file, noun="table of ratings", max_bytes=MAX_FILE_BYTES)
        is_utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")  # a spreadsheet's "Unicode text"
        text = content.decode("utf-16" if is_utf16 else "utf-8-sig")
    except ContentError as error:
        raise TableError(f"{file}: {error}") from error
    except UnicodeDecodeError as error:
        raise TableError(
            f"{file}: expected UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from error
    if "\0" in text:
        raise TableError(f"{file}: expected text, found binary data")
    lines = re.sub(r"\r\n?", "\n", text).split("\n")
    header = next((line for line in lines if line.strip()), "")
    sign = next((sign for sign in "\t;," if sign in header), "\t")
    if sign == "\t":  # the pages quote nothing; spreadsheet programs quote cells that hold a quote
        rows = [(number, [_unquote(cell) for cell in line.split(sign)]) for number, line in enumerate(lines, 1)]
    else:
        reader = csv.reader(io.StringIO("\n".join(lines)), delimiter=sign)
        try:
            rows = [(reader.line_num, row) for row in reader]
        except csv.Error as error:
            raise TableError(f"{file}:{reader.line_num}: {error}") from error
    return [(number, cells) for number, cells in rows if any(cell.strip() for cell in cells)]


def _unquote(cell: str) -> str:
    cell = cell.strip()
    return cell[1:-1].replace('""', '"') if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


def _parse_row(names: Sequence[str], cells: Sequence[str]) -> Rating:
    """A line as a rating; ValueError says what is wrong."""
    if any(cell.strip() for cell in cells[len(names) :]):
        raise ValueError(f"expected {len(names)} cells as in the header, found {len(cells)}")
    values = {name: _clean(cell) for name, cell in zip(names, cells, strict=False)}
    values = {name: "" if name != "note" and cell.lower() in MISSING_CELLS else cell for name, cell in values.items()}
    if not values.get("case"):
        raise ValueError("no case is named")
    word = values.get("rating", "").lower()
    word = SPELLINGS.get(word, word)
    if word and word not in RATINGS:
        raise ValueError(f"expected {', '.join(RATINGS)} or {MISSING} as rating, found {quote_text(word)}")
    note = values.get("note", "")
    return Rating(
        case=values["case"],
        structure=values.get("structure") or None,
        rating=word or None,  # type: ignore[arg-type]
        score=_parse_score(values.get("score", "")),
        note="" if note.lower() == MISSING else note,
        rater=values.get("rater", ""),
        date=values.get("date", ""),
        others={name: cell for name, cell in values.items() if name and name not in COLUMNS},
    )


def _parse_score(text: str) -> int | None:
    if not text:
        return None
    found = re.fullmatch(r"([0-9])(?:[.,]0*)?", text)
    if not found or not LOWEST_SCORE <= int(found[1]) <= HIGHEST_SCORE:
        raise ValueError(
            f"expected a score from {LOWEST_SCORE} to {HIGHEST_SCORE} or {MISSING}, found {quote_text(text)}"
        )
    return int(found[1])


def _clean(cell: str) -> str:
    """A cell in one line, without signs that a terminal would obey."""
    return "".join(sign if sign.isprintable() else " " for sign in " ".join(cell.split()))


def format_ratings(ratings: Iterable[Rating]) -> str:
    """The text of a table of ratings.

    Parameters
    ----------
    ratings : iterable of Rating

    Returns
    -------
    str
        Tabs between the cells, ``n/a`` where there is no value, further columns behind those of `COLUMNS`.
    """
    ratings = tuple(ratings)
    more = list(dict.fromkeys(name for rating in ratings for name in rating.others))
    lines = ["\t".join([*COLUMNS, *map(_clean, more)])]
    for one in ratings:
        cells = [
            one.case,
            one.structure or "",
            one.rating or "",
            "" if one.score is None else str(one.score),
            one.note,
            one.rater,
            one.date,
            *(one.others.get(name, "") for name in more),
        ]
        lines.append("\t".join(_clean(cell) or MISSING for cell in cells))
    return "\n".join(lines) + "\n"


def write_ratings(path: str | PathLike[str], ratings: Iterable[Rating]) -> None:
    """Write a table of ratings, whole or not at all; see `format_ratings`.

    Parameters
    ----------
    path : path-like
    ratings : iterable of Rating
    """
    write_atomically(path, encode_text(format_ratings(ratings)))


def latest_ratings(ratings: Iterable[Rating]) -> tuple[Rating, ...]:
    """Of what a rater says twice of the same, the later one.

    Parameters
    ----------
    ratings : iterable of Rating
        The date tells which is later; where it is missing or the same, the order.

    Returns
    -------
    tuple of Rating
        In the order in which they first stand.

    Raises
    ------
    TableError
        If two that differ have dates that a spreadsheet program wrote in its own way: which is later is not known.
    """
    kept: dict[tuple[str, str | None, str], Rating] = {}
    for one in ratings:
        key = (one.case, one.structure, one.rater)
        before = kept.get(key)
        if before is not None and (before.rating, before.score) != (one.rating, one.score):
            dates = [date for date in (before.date, one.date) if date]
            if len(dates) == 2 and dates[0] != dates[1] and not all(map(ISO_DATE.match, dates)):
                what = one.case if one.structure is None else f"{one.case} {one.structure}"
                raise TableError(
                    f"{what} is rated twice by {one.rater or 'one rater'}, and which is later is not known: expected "
                    f"dates such as 2026-01-31, found {' and '.join(map(quote_text, dates))}; remove one of the two"
                )
        if before is None or one.date >= before.date:
            kept[key] = one
    return tuple(kept.values())


def merge_ratings(tables: Mapping[str, Sequence[Rating]]) -> tuple[Rating, ...]:
    """The ratings of several raters in one table.

    Parameters
    ----------
    tables : mapping of str to sequence of Rating
        By the name that a rater has who gave none.

    Returns
    -------
    tuple of Rating
        Sorted by case, structure (the whole case first) and rater; of the same thing said twice the later one.
    """
    named = [replace(one, rater=one.rater or name) for name, ratings in tables.items() for one in ratings]
    return tuple(sorted(latest_ratings(named), key=lambda one: (one.case, one.structure or "", one.rater)))
