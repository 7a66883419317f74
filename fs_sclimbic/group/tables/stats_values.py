"""Read one measure from the stats files of many cases, strictly and in parallel."""

import re
from collections.abc import Sequence
from pathlib import Path

from ...cases.stats_files import COLUMNS, ETIV_MEASURE
from ...errors import TableError
from ...segmentation.flag_limits import LIMITS
from ...segmentation.intensity_check import OFF_BY
from ..text_files import finite_number, is_whole_number, raise_problems, read_content
from .measures import ETIV, STRICT, Column, Measure, ReadOptions, StatsValues
from .provenance import parse_provenance
from .stats_paths import StatsFile, side_by_side

MIN_STATS_BYTES = 10
"""A smaller file counts as missing; the limit is asegstats2table's."""
UNKNOWN = float("nan")

KINDS = frozenset(LIMITS)
"""First words of warnings that name their kind."""
INTENSITIES, OTHER = "intensities", "other"
"""What is said of warnings that do not."""

ETIV_START = ",".join(ETIV_MEASURE.split(",")[:2]) + ","
SEGID_COLUMN, NAME_COLUMN = COLUMNS.index("SegId"), COLUMNS.index("StructName")
# Names of FreeSurfer before version 6.
NEW_NAMES = {f"{side}-Thalamus-Proper": f"{side}-Thalamus" for side in ("Left", "Right")}


class NotThere(TableError):
    """A stats file that is missing, or too small to be one."""


def read_many(
    files: Sequence[StatsFile], measure: Measure, options: ReadOptions = STRICT
) -> tuple[list[StatsValues | None], list[str]]:
    """Read stats files.

    Parameters
    ----------
    files : sequence of StatsFile
    measure : Measure
    options : ReadOptions

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
            return parse_values(_read(file.path), str(file.path), measure, options, shared)
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
        content = read_content(path, "stats file", TableError if path.exists() else NotThere)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotThere(f"{path}: stats file does not exist") from error
    except OSError as error:
        raise TableError(f"{path}: stats file cannot be read ({error.strerror})") from error
    if len(content) < MIN_STATS_BYTES:
        raise NotThere(f"{path}: stats file is too small ({len(content)} bytes) to hold anything")
    return content.decode("utf-8", "surrogateescape")


def parse_values(
    text: str,
    source: str,
    measure: Measure,
    options: ReadOptions = STRICT,
    shared: dict[tuple[Column, ...], tuple[Column, ...]] | None = None,
) -> StatsValues:
    """Read one measure from the text of a stats file.

    Parameters
    ----------
    text : str
    source : str
        Name of the file, for messages.
    measure : Measure
    options : ReadOptions
    shared : dict, optional
        Columns seen so far, so that equal ones are kept once.

    Returns
    -------
    StatsValues

    Raises
    ------
    TableError
        With the line, if it is not a stats file with this measure.
    """
    header = _Header(measure, source)
    columns: list[Column] = []
    lines: list[int] = []
    values: list[float] = []
    left_out: list[str] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if line.startswith("#"):
            header.take(number, line)
        elif "#" in line:
            shown = f"'{' '.join(line.split())[:80]}'"
            if not options.lenient:
                raise TableError(
                    f"{source}:{number}: a row with a '#' in it, which asegstats2table leaves out: {shown}; "
                    "rename the structure, or leave the row out with --lenient"
                )
            left_out.append(f"{source}:{number}: {shown}")
        elif line:
            segid, name, value = _row(line.split(), header, number)
            columns.append((segid, NEW_NAMES.get(name, name) if options.new_names else name))
            lines.append(number)
            values.append(value)
    _check_once(columns, lines, source)
    left_out += _check_number(len(columns), header, source, lenient=options.lenient)
    if measure.with_etiv and options.with_etiv and header.etiv is not None:
        columns.append(ETIV)
        values.append(header.etiv)
    layout = tuple(columns)
    if shared is not None:
        layout = shared.setdefault(layout, layout)
    return StatsValues(
        columns=layout,
        values=tuple(values),
        left_out=tuple(left_out),
        other_measures=tuple(header.other_measures),
        concerns=tuple(dict.fromkeys(header.concerns)),
        provenance=parse_provenance(header.lines),
    )


class _Header:
    """What the lines that begin with ``#`` say, filled while they are read."""

    def __init__(self, measure: Measure, source: str) -> None:
        self.measure, self.source = measure, source
        self.etiv: float | None = None
        self.position = measure.position
        """Index of the measure's column."""
        self.width: int | None = None
        """Fields of a row; None without a line ColHeaders."""
        self.n_rows: int | None = None
        """Rows that the file promises."""
        self.other_measures: list[str] = []
        self.concerns: list[str] = []
        self.lines: list[str] = []

    def take(self, number: int, line: str) -> None:
        self.lines.append(line)
        words = line.split()
        if line.startswith(ETIV_START):
            if self.etiv is not None:
                raise TableError(f"{self.source}:{number}: a second eTIV; expected one")
            self.etiv = _etiv(line)
            if self.etiv is None:
                raise TableError(
                    f"{self.source}:{number}: expected '{ETIV_START} NAME, VOLUME, mm^3' above 0, found '{line[:120]}'"
                )
        elif words[1:2] == ["Measure"]:
            self.other_measures.append(line.removeprefix("# Measure ").split(",")[0].strip())
        elif words[1:2] == ["Warning"]:
            self.concerns.append(_kind_of(line))
        elif words[1:2] == ["NRows"] and words[2:] and is_whole_number(words[2]):
            self.n_rows = int(words[2])
        elif words[1:2] == ["ColHeaders"]:
            self.position = _position(words[2:], self.measure, self.source, number)
            self.width = len(words) - 2


def _row(fields: Sequence[str], header: _Header, number: int) -> tuple[int, str, float]:
    """SegId, name and value of one row."""
    measure, where = header.measure, f"{header.source}:{number}"
    fewest = max(header.position, NAME_COLUMN) + 1
    if len(fields) != header.width if header.width is not None else len(fields) < fewest:
        is_table = len(re.split(r"[,;]", " ".join(fields))) >= fewest or fields[0].startswith("Measure:")
        raise TableError(
            f"{where}: expected {header.width or f'at least {fewest}'} fields "
            f"('{' '.join(COLUMNS)}' ...), found {len(fields)}: '{' '.join(fields)[:80]}'"
            + ("; this is a table over subjects already, which fs_sclimbic glm takes" if is_table else "")
        )
    segid, name, cell = fields[SEGID_COLUMN], fields[NAME_COLUMN], fields[header.position]
    if not is_whole_number(segid):
        raise TableError(f"{where}: expected a SegId such as 26, found '{segid[:40]}'")
    value = UNKNOWN if measure.may_be_unknown and cell == "-" else finite_number(cell)
    if (
        value is None
        or (measure.lowest is not None and value < measure.lowest)
        or (measure.highest is not None and value > measure.highest)
    ):
        raise TableError(f"{where}: expected {_range(measure)} as {measure.headers[0]} of {name}, found '{cell[:40]}'")
    return int(segid), name, value


def _check_number(rows: int, header: _Header, source: str, *, lenient: bool) -> list[str]:
    """Refuse a file with fewer or more rows than it promises; if lenient, say so."""
    left_out = []
    if rows != header.n_rows and header.n_rows is not None:
        short = f"holds {rows} rows, its line NRows says {header.n_rows}"
        if not lenient:
            raise TableError(
                f"{source}: {short}: the file is cut off or was changed; write it again, or take it as it is with "
                "--lenient"
            )
        left_out.append(f"{source}: {short}")
    if not rows and not lenient:
        raise TableError(f"{source}: holds no row of a structure ('{' '.join(COLUMNS)}'); write it again")
    return left_out


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


def _kind_of(line: str) -> str:
    """The kind of a warning: the flag that it names, else what it is about."""
    first = line.split()[2:3]
    if first and first[0] in KINDS:
        return first[0]
    return INTENSITIES if OFF_BY in line else OTHER


def _range(measure: Measure) -> str:
    if measure.lowest is None:
        return "a finite number"
    return f"a finite number from {measure.lowest:g}{'' if measure.highest is None else f' to {measure.highest:g}'}"


def _check_once(columns: Sequence[Column], lines: Sequence[int], source: str) -> None:
    """Refuse a SegId or a name that stands twice, since either row may be meant."""
    segids, names = {segid for segid, _ in columns}, {name for _, name in columns}
    if len(segids) == len(names) == len(columns):
        return
    seen: dict[int | str | None, int] = {}
    for (segid, name), line in zip(columns, lines, strict=True):
        for key, what in ((segid, f"SegId {segid}"), (name, f"structure '{name}'")):
            if key in seen:
                raise TableError(f"{source}:{line}: {what} stands in line {seen[key]} too; expected it once")
            seen[key] = line
