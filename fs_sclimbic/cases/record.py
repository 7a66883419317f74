"""The record of a finished case: settings, provenance and numbers, as json beside the results.

A record is written last. A case whose record carries the same settings (input, transform, weights and
options, by their hashes) and whose files are all there is done, and is not run again.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import Any

from ..files.hashing import sha256_of_text
from ..image.labels import Structure
from ..segmentation.flag import Flag
from ..segmentation.measure import SegStats, StructureStats
from ..segmentation.population import Population
from ..segmentation.structure_flags import structure_flags

FORMAT = 1
"""Raised when the meaning of a record, or a number that the package computes, changes."""

MAX_RECORD_BYTES = 10_000_000
"""A record has some kB; more is not read."""
CHECKSUM = "sha256"

Settings = Mapping[str, Any]
"""Everything that the numbers depend on, in json's types."""


@dataclass(frozen=True)
class Record:
    """What is kept about a finished case."""

    settings: Settings
    stats: SegStats
    warnings: tuple[str, ...]
    files: Mapping[str, str]
    """SHA-256 of the files that were written with these settings, by their names without folders."""
    provenance: tuple[str, ...] = ()
    """Lines about the run, as in the header of the stats file."""
    flags: tuple[Flag, ...] | None = None
    """What looks wrong; None in records that were written before there were flags in them."""


def format_record(record: Record) -> str:
    """The text of a record."""
    stats = record.stats
    structures = [
        {
            "SegId": row.structure.index,
            "StructName": row.structure.name,
            "rgba": list(row.structure.rgba),
            "NVoxels": row.n_voxels,
            "Volume_mm3": row.volume_mm3,
            "Confidence": row.confidence,
            "DetachedVoxels": row.detached_voxels,
        }
        for row in stats.structures
    ]
    content = {
        "format": FORMAT,
        "settings": dict(record.settings),
        "eTIV_mm3": stats.etiv_mm3,
        "voxel_volume_mm3": stats.voxel_volume_mm3,
        "structures": structures,
        "warnings": list(record.warnings),
        "files": dict(record.files),
        "provenance": list(record.provenance),
        **({} if record.flags is None else {"flags": [asdict(flag) for flag in record.flags]}),
    }
    return json.dumps({**content, CHECKSUM: _checksum(content)}, indent=1) + "\n"


def _checksum(content: Mapping[str, Any]) -> str:
    """SHA-256 of all other keys of a record: it tells whether the numbers were edited."""
    return sha256_of_text(json.dumps({key: content[key] for key in content if key != CHECKSUM}, sort_keys=True))


def read_record(path: str | PathLike[str]) -> Record | None:
    """Read a record; None if there is none that this version understands, which means: run the case.

    A record that was edited, or that is not as `format_record` writes it, is none.
    """
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_RECORD_BYTES + 1)
        if len(text) > MAX_RECORD_BYTES:
            return None
        return _parse_record(json.loads(text))
    # RecursionError: lists in lists in lists; OverflowError: a number that is too large for a float.
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return None


def _parse_record(content: Any) -> Record | None:
    """The record of a json text; ValueError, KeyError or TypeError if it is not as it was written."""
    if content["format"] != FORMAT or content.get(CHECKSUM, "") not in ("", _checksum(content)):
        return None
    rows = tuple(
        StructureStats(
            Structure(_count(row["SegId"]), _text(row["StructName"]), _color(row["rgba"])),
            _count(row["NVoxels"]),
            _number(row["Volume_mm3"]),
            _number(row["Confidence"]),
            _count(row["DetachedVoxels"]),
        )
        for row in content["structures"]
    )
    etiv = content["eTIV_mm3"]
    stats = SegStats(rows, _number(content["voxel_volume_mm3"]), None if etiv is None else _number(etiv))
    if not isinstance(content["settings"], dict):
        raise TypeError("settings: expected an object")
    return Record(
        content["settings"],
        stats,
        tuple(_text(warning) for warning in content["warnings"]),
        {_text(name): _text(digest) for name, digest in content["files"].items()},
        tuple(_text(line) for line in content["provenance"]),
        tuple(_flag(flag) for flag in content["flags"]) if "flags" in content else None,
    )


def _flag(content: Any) -> Flag:
    """A flag; ValueError, KeyError or TypeError if it is not as it was written."""
    severity, structure = content["severity"], content["structure"]
    if severity not in ("look", "bad"):
        raise ValueError(f"{severity!r:.40}: expected 'look' or 'bad'")
    return Flag(
        kind=_text(content["kind"]),
        severity=severity,
        reason=_text(content["reason"]),
        structure=None if structure is None else _text(structure),
        value=_any_number(content["value"]),
        threshold=_any_number(content["threshold"]),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, found {value!r:.40}")
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"expected a whole number from 0, found {value!r:.40}")
    return value


def _number(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < math.inf:
        raise TypeError(f"expected a number from 0, found {value!r:.40}")
    return float(value)


def _any_number(value: Any) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise TypeError(f"expected a number, found {value!r:.40}")
    return float(value)


def _color(value: Any) -> tuple[int, int, int, int]:
    red, green, blue, transparency = (_count(part) for part in value)
    return red, green, blue, transparency


def recorded_flags(record: Record, population: Population) -> tuple[Flag, ...]:
    """The flags of a case that was done before.

    Parameters
    ----------
    record : Record
    population : Population
        Norms of volumes.

    Returns
    -------
    tuple of Flag
        Of a record that was written before there were flags in it those that its numbers give.
    """
    return tuple(structure_flags(record.stats, population)) if record.flags is None else record.flags


def same_settings(record: Record, settings: Settings) -> bool:
    """Whether a record was made with these settings.

    Parameters
    ----------
    record : Record
    settings : Settings

    Returns
    -------
    bool
    """
    return bool(dict(record.settings) == json.loads(json.dumps(dict(settings))))


def changed_settings(record: Record, settings: Settings) -> list[str]:
    """Which settings of a record are different.

    Parameters
    ----------
    record : Record
    settings : Settings

    Returns
    -------
    list of str
        In words; weights by the name that the record's provenance gives.
    """
    before, now = dict(record.settings), json.loads(json.dumps(dict(settings)))
    names = []
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) == now.get(key):
            continue
        name = key.removesuffix("_sha256").replace("_", " ")
        if key == "weights_sha256" and (weights := weights_name(record)):
            name += f" ({weights})"
        names.append(name)
    return names


def header_value(record: Record, name: str) -> str:
    """What a line of the record's provenance says, such as the path after ``InputFile``.

    Parameters
    ----------
    record : Record
    name : str
        The first word of the line.

    Returns
    -------
    str
        Empty if there is no such line.
    """
    start = f"{name} "
    return next((line.removeprefix(start) for line in record.provenance if line.startswith(start)), "")


def weights_name(record: Record) -> str:
    """The file name of the weights that a record was made with; empty if its provenance does not say it."""
    return header_value(record, "Weights").partition(" ")[0]


def made_at(record: Record) -> str:
    """When a record was made, UTC in ISO 8601; empty if its provenance does not say it."""
    return header_value(record, "CreationTime").partition(" ")[0]


def is_done(record: Record, settings: Settings, products: Sequence[Path]) -> bool:
    """Whether all products were made with these settings and are there, and the record holds all their numbers.

    Parameters
    ----------
    record : Record
    settings : Settings
    products : sequence of Path

    Returns
    -------
    bool
    """
    excluded = settings["exclude"]
    expected = [(index, name) for index, name, _ in settings["colors"][1:] if index not in excluded]
    found = [(row.structure.index, row.structure.name) for row in record.stats.structures]
    before = dict(record.settings)
    if before.get("conform") is False:  # then the image is 1 mm isotropic, and the flag changes nothing
        before["conform"] = settings.get("conform")
    return (
        before == json.loads(json.dumps(dict(settings)))
        and found == expected
        and all(path.name in record.files and path.is_file() and path.stat().st_size > 0 for path in products)
    )


def changed_files(record: Record, products: Sequence[Path]) -> list[Path]:
    """Find products that were edited by hand, or overwritten by another program.

    Parameters
    ----------
    record : Record
    products : sequence of Path
        All of them exist.

    Returns
    -------
    list of Path
    """
    return [path for path in products if sha256(path.read_bytes()).hexdigest() != record.files.get(path.name)]


def stale_files(record: Record | None, settings: Settings, paths: Sequence[Path]) -> list[Path]:
    """Find files of an earlier run with other settings.

    Parameters
    ----------
    record : Record or None
        What the earlier run left.
    settings : Settings
    paths : sequence of Path
        Files that this run does not write.

    Returns
    -------
    list of Path
    """
    if record is None or same_settings(record, settings):
        return []
    return [path for path in paths if path.name in record.files and path.is_file()]
