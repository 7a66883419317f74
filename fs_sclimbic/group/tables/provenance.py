"""How the rows of a table were made: weights, settings, source of eTIV. Rows made in different ways are refused."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ...cases.record import Record
from ...cases.study_folder import StudyFolder
from ...errors import TableError
from ...files.staging import encode_text
from ...notice import Notice
from ..text_files import listed

CREATED = "# Created by mri_sclimbic_seg"
SETTING_WORDS = ("Network", "Engine", "Preset", "IntensityRange", "Posteriors", "Volumes")
"""First words of header lines that name a setting."""
ENDING = ".provenance.json"
"""Of the file beside a table that says how its rows were made."""
MAX_BYTES = 50_000_000
TABLE_OF_A_RUN = re.compile(r"(.+)_(volumes|zqa_scores|confidences|confidence)_all\.csv")
MAX_NAMES = 5
"""A message names no more rows than this."""
ADVICE = "run them again with the same weights and settings, leave them out, or give --allow-mixed"


@dataclass(frozen=True)
class Provenance:
    """How one row was made."""

    weights: str
    """Name of the weights, and the first digits of their SHA-256; empty if the stats file does not say it."""
    settings: tuple[str, ...] = ()
    """The settings that the stats file names, in its words."""
    etiv: str = ""
    """``transform`` or ``image``; empty without eTIV."""

    @property
    def is_known(self) -> bool:
        """Whether the file says how it was made; those of the published tool do not."""
        return bool(self.weights)


OF_THE_ORIGINAL = Provenance("")


def parse_provenance(lines: Iterable[str]) -> Provenance | None:
    """How a stats file was made, from the lines of its header.

    Parameters
    ----------
    lines : iterable of str
        Such as ``# Weights NAME SHA-256 HASH (origin)``.

    Returns
    -------
    Provenance or None
        None for files of other programs, such as aseg.stats.
    """
    weights, settings, etiv, is_ours = "", list[str](), "", False
    for line in lines:
        words = line.removeprefix("#").split()
        is_ours = is_ours or line.startswith(CREATED)
        if words[:1] == ["Weights"] and len(words) >= 4:
            weights = f"{words[1]} {words[3][:8]}"
        elif words[:1] == ["TransformFile"]:
            etiv = etiv or "transform"
        elif words[:2] == ["Transform", "computed"]:
            etiv = "image"
        elif words and words[0] in SETTING_WORDS and words != ["Engine", *words[1:-1], "float32"]:
            settings.append(" ".join(words))
    return Provenance(weights, tuple(settings), etiv) if is_ours else None


def provenance_of_record(record: Record) -> Provenance:
    """How a case was made, from its record."""
    return parse_provenance([CREATED, *record.provenance]) or OF_THE_ORIGINAL


def check_provenance(
    rows: Sequence[tuple[str, Provenance | None]], *, with_etiv: bool = True, allow_mixed: bool = False
) -> tuple[list[str], list[str]]:
    """Refuse rows that were made in different ways.

    Parameters
    ----------
    rows : sequence of (name, Provenance or None)
        None: nothing is to be expected of it.
    with_etiv : bool
        Whether eTIV is among the columns.
    allow_mixed : bool
        Give a warning for each difference instead.

    Returns
    -------
    warnings : list of str
        What differs, a line each.
    made_with : list of str
        Weights, settings and source of eTIV of all rows, for a report's head.

    Raises
    ------
    TableError
        With a line for each difference, which names who differs in what.
    """
    known = [(name, one) for name, one in rows if one is not None]
    unknown = [name for name, one in known if not one.is_known]
    if not known:
        return [], []
    if len(unknown) == len(known):
        return [], ["weights: not named in the files, as in those of the published tool"]
    mixed = []
    if unknown:
        mixed.append(
            f"{len(unknown)} of {len(known)} rows do not say their weights (files of the published tool do not), the "
            f"others do: {listed(unknown, MAX_NAMES)}"
        )
    said = [(name, one) for name, one in known if one.is_known]
    parts: list[tuple[str, Callable[[Provenance], str]]] = [
        ("weights", lambda one: one.weights),
        ("settings", lambda one: "; ".join(one.settings)),
    ]
    if with_etiv:
        parts.append(("source of eTIV", lambda one: one.etiv or "none"))
    made_with = []
    for noun, value_of in parts:
        values = Counter(value_of(one) for _, one in said)
        (usual, count), *others = values.most_common()
        if not others:
            made_with.append(f"{noun}: {usual or 'not named'}")
            continue
        for value, _ in others:
            names = [name for name, one in said if value_of(one) == value]
            mixed.append(
                f"{noun} of {listed(names, MAX_NAMES)}: {_difference(value, usual)}; of {count} others: "
                f"{_difference(usual, value)}"
            )
        made_with.append(f"{noun}: mixed")
    if mixed and not allow_mixed:
        raise TableError("\n".join(["rows that were made in different ways do not belong together:", *mixed, ADVICE]))
    return [f"mixed rows: {line}" for line in mixed], made_with


def _difference(value: str, other: str) -> str:
    """The parts of a value that another one lacks."""
    left = [part for part in value.split("; ") if part not in other.split("; ")]
    return "; ".join(left) or "without these"


def provenance_notices(
    table: Path, names: Sequence[str], *, with_etiv: bool = True, allow_mixed: bool = False
) -> list[Notice]:
    """How the rows of a table were made, for the reader of an analysis.

    Parameters
    ----------
    table : Path
    names : sequence of str
        Of the rows that are analysed.
    with_etiv : bool
        Whether eTIV is used.
    allow_mixed : bool
        Warn of rows that were made in different ways.

    Returns
    -------
    list of Notice

    Raises
    ------
    TableError
        If rows were made in different ways, and that is not allowed.
    """
    warnings, made_with = check_provenance(read_provenance(table, names), with_etiv=with_etiv, allow_mixed=allow_mixed)
    notes = [Notice("note", f"rows made with {line}") for line in made_with]
    return [*(Notice("warning", line) for line in warnings), *notes]


def provenance_file(table: Path) -> Path:
    """The file beside a table that says how its rows were made."""
    return table.with_name(table.name + ENDING)


def format_provenance(rows: Sequence[tuple[str, Provenance | None]]) -> bytes:
    """The content of the file beside a table; equal ways to make a row are written once."""
    ways = list(dict.fromkeys(one for _, one in rows if one is not None))
    content = {
        "made": [asdict(way) for way in ways],
        "rows": {name: ways.index(one) for name, one in rows if one is not None},
    }
    return encode_text(json.dumps(content, indent=1) + "\n")


def read_provenance(table: Path, names: Sequence[str]) -> list[tuple[str, Provenance | None]]:
    """How the rows of a table were made: from the file beside it, or from the records of the cases around it.

    Parameters
    ----------
    table : Path
    names : sequence of str
        Of its rows.

    Returns
    -------
    list of (name, Provenance or None)
        None where nothing says it.
    """
    beside = _read_beside(provenance_file(table))
    if beside:
        return [(name, beside.get(name)) for name in names]
    of_a_run = TABLE_OF_A_RUN.fullmatch(table.name)
    if not of_a_run:
        return [(name, None) for name in names]
    studies = [StudyFolder(folder=table.parent, base=of_a_run[1], of_subjects=kind) for kind in (True, False)]
    study = next((one for one in studies if any(one.record_path(name).is_file() for name in names)), None)
    if study is None:
        return [(name, None) for name in names]
    records = [study.read(name) for name in names]
    return [
        (name, provenance_of_record(record) if record else OF_THE_ORIGINAL)
        for name, record in zip(names, records, strict=True)
    ]


def _read_beside(path: Path) -> Mapping[str, Provenance]:
    """What the file beside a table says; empty if there is none, or it was edited."""
    try:
        with open(path, "rb") as file:
            content = json.loads(file.read(MAX_BYTES).decode("utf-8", "surrogateescape"))
        ways = [Provenance(str(way["weights"]), tuple(way["settings"]), str(way["etiv"])) for way in content["made"]]
        return {str(name): ways[int(index)] for name, index in content["rows"].items()}
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return {}
