"""What the stats files of many cases say of one measure, read strictly and side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...cases.stats_files import COLUMNS, ETIV_MEASURE, QA_COLUMNS
from ...errors import TableError
from ...segmentation.flags import FLAGS
from ..text_files import finite_number, raise_problems
from ..text_table import ETIV_NAMES
from .subject_lists import StatsFile, side_by_side

FEWEST_BYTES = 10
"""A file with less holds nothing; the limit is asegstats2table's."""
UNKNOWN = float("nan")

KINDS = {*FLAGS, "ETIV"}
"""First words of warnings that name their kind."""
OTHER = "other"

ETIV_START = ",".join(ETIV_MEASURE.split(",")[:2]) + ","
SEGID_COLUMN, NAME_COLUMN = COLUMNS.index("SegId"), COLUMNS.index("StructName")
# Names of FreeSurfer before version 6.
NEW_NAMES = {f"{side}-Thalamus-Proper": f"{side}-Thalamus" for side in ("Left", "Right")}


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
    concerns: tuple[str, ...] = ()
    """Kinds of the header's warnings, each once: a flag such as SMALL, or ``other``."""


class NotThere(TableError):
    """A stats file that is missing, or too small to be one."""


def read_many(
    files: Sequence[StatsFile],
    measure: Measure,
    *,
    with_etiv: bool = True,
    lenient: bool = False,
    new_names: bool = False,
) -> tuple[list[StatsValues | None], list[str]]:
    """Read stats files.

    Parameters
    ----------
    files : sequence of StatsFile
    measure : Measure
    with_etiv : bool
        Whether eTIV is wanted, if the measure goes with it.
    lenient : bool
        Take what asegstats2table takes: a file with fewer rows than its line NRows says, and a row with a ``#`` in
        it, which is left out.
    new_names : bool
        Give the thalamus its name of FreeSurfer 6.

    Returns
    -------
    values : list of StatsValues or None
        In the order of the files; None where a file is not there.
    missing : list of str
        Why, one line a file.

    Raises
    ------
    TableError
        If files are no stats files; all of them, one line a problem.
    """
    shared: dict[tuple[Column, ...], tuple[Column, ...]] = {}

    def read_one(file: StatsFile) -> StatsValues | TableError:
        try:
            return parse_values(_read(file.path), str(file.path), measure, shared, with_etiv, lenient, new_names)
        except TableError as error:
            return error

    results = side_by_side(read_one, files)
    raise_problems(
        [str(error) for error in results if isinstance(error, TableError) and not isinstance(error, NotThere)]
    )
    missing = [str(error) for error in results if isinstance(error, NotThere)]
    return [None if isinstance(result, TableError) else result for result in results], missing


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotThere(f"{path}: stats file does not exist") from error
    except OSError as error:
        raise TableError(f"{path}: stats file cannot be read ({error.strerror})") from error
    if len(content) < FEWEST_BYTES:
        raise NotThere(f"{path}: stats file is too small ({len(content)} bytes) to hold anything")
    return content.decode("utf-8", "surrogateescape")


def parse_values(
    text: str,
    source: str,
    measure: Measure,
    shared: dict[tuple[Column, ...], tuple[Column, ...]] | None = None,
    with_etiv: bool = True,
    lenient: bool = False,
    new_names: bool = False,
) -> StatsValues:
    """One measure from the text of a stats file; see `read_many`.

    Parameters
    ----------
    shared : dict, optional
        Columns seen so far, so that equal ones are kept once.
    """

    def wrong(line: int | None, message: str) -> TableError:
        return TableError(f"{source}{'' if line is None else f':{line}'}: {message}")

    etiv, position, width, promised = None, measure.position, None, None
    columns: list[Column] = []
    lines: list[int] = []
    values: list[float] = []
    left_out: list[str] = []
    others: list[str] = []
    concerns: list[str] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line:
            continue
        if line[0] == "#":
            words = line.split()
            if line.startswith(ETIV_START):
                if etiv is not None:
                    raise wrong(number, "a second eTIV; expected one")
                etiv = _etiv(line)
                if etiv is None:
                    raise wrong(number, f"expected '{ETIV_START} NAME, VOLUME, mm^3' above 0, found '{line[:120]}'")
            elif words[1:2] == ["Measure"]:
                others.append(line.removeprefix("# Measure ").split(",")[0].strip())
            elif words[1:2] == ["Warning"]:
                concerns.append(words[2] if words[2:] and words[2] in KINDS else OTHER)
            elif words[1:2] == ["NRows"] and words[2:] and words[2].isdigit():
                promised = int(words[2])
            elif words[1:2] == ["ColHeaders"]:
                position, width = _position(words[2:], measure, source, number), len(words) - 2
            continue
        if "#" in line:
            if not lenient:
                raise wrong(
                    number,
                    f"a row with a '#' in it, which asegstats2table leaves out: '{' '.join(line.split())[:80]}'; "
                    "rename the structure, or leave the row out with --lenient",
                )
            left_out.append(f"{source}:{number}: '{' '.join(line.split())[:80]}'")
            continue
        fields = line.split()
        if len(fields) != width if width is not None else len(fields) <= max(position, NAME_COLUMN):
            raise wrong(
                number,
                f"expected {width or f'at least {max(position, NAME_COLUMN) + 1}'} fields "
                f"('{' '.join(COLUMNS)}' ...), found {len(fields)}: '{' '.join(fields)[:80]}'",
            )
        segid, name, cell = fields[SEGID_COLUMN], fields[NAME_COLUMN], fields[position]
        if not (segid.isascii() and segid.isdigit()):
            raise wrong(number, f"expected a SegId such as 26, found '{segid[:40]}'")
        value = UNKNOWN if measure.may_be_unknown and cell == "-" else finite_number(cell)
        if (
            value is None
            or (measure.lowest is not None and value < measure.lowest)
            or (measure.highest is not None and value > measure.highest)
        ):
            raise wrong(number, f"expected {_range(measure)} as {measure.headers[0]} of {name}, found '{cell[:40]}'")
        columns.append((int(segid), NEW_NAMES.get(name, name) if new_names else name))
        lines.append(number)
        values.append(value)

    _check_once(columns, lines, source)
    rows = len(columns)
    if rows != promised and promised is not None:
        short = f"holds {rows} rows, its line NRows says {promised}"
        if not lenient:
            raise wrong(
                None, f"{short}: the file is cut off or was changed; write it again, or take it as it is with --lenient"
            )
        left_out.append(f"{source}: {short}")
    if not rows and not lenient:
        raise wrong(None, f"holds no row of a structure ('{' '.join(COLUMNS)}'); write it again")
    if measure.with_etiv and with_etiv and etiv is not None:
        columns.append(ETIV)
        values.append(etiv)
    layout = tuple(columns)
    if shared is not None:
        layout = shared.setdefault(layout, layout)
    return StatsValues(layout, tuple(values), tuple(left_out), tuple(others), tuple(dict.fromkeys(concerns)))


def _etiv(line: str) -> float | None:
    parts = line.split(",")
    value = finite_number(parts[3].strip()) if len(parts) > 3 else None
    return value if value is not None and value > 0 else None


def _position(headers: Sequence[str], measure: Measure, source: str, line: int) -> int:
    """Where a measure stands among the columns of a file."""
    found = next((headers.index(name) for name in measure.headers if name in headers), None)
    if (
        found is None
        or len(headers) <= NAME_COLUMN
        or (headers[SEGID_COLUMN], headers[NAME_COLUMN]) != (COLUMNS[SEGID_COLUMN], COLUMNS[NAME_COLUMN])
    ):
        hint = "; it stands in the .qa.stats that --write_qa_stats writes" if measure.quality else ""
        raise TableError(
            f"{source}:{line}: expected the columns '{' '.join(COLUMNS)}' with {' or '.join(measure.headers)} for "
            f"{measure.name}, found '{' '.join(headers)[:120]}'{hint}"
        )
    return found


def _range(measure: Measure) -> str:
    if measure.lowest is None:
        return "a finite number"
    return f"a finite number from {measure.lowest:g}{'' if measure.highest is None else f' to {measure.highest:g}'}"


def _check_once(columns: Sequence[Column], lines: Sequence[int], source: str) -> None:
    """Refuse a SegId or a name that stands twice: it is not known which row is meant."""
    segids, names = {segid for segid, _ in columns}, {name for _, name in columns}
    if len(segids) == len(names) == len(columns):
        return
    seen: dict[int | str | None, int] = {}
    for (segid, name), line in zip(columns, lines, strict=True):
        for key, what in ((segid, f"SegId {segid}"), (name, f"structure '{name}'")):
            if key in seen:
                raise TableError(f"{source}:{line}: {what} stands in line {seen[key]} too; expected it once")
            seen[key] = line
