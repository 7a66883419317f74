"""The record of a finished case: settings, provenance and numbers, as json beside the results.

A record is written last. A case whose record carries the same settings (input, transform, weights and
options, by their hashes) and whose files are all there is done, and is not run again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import Any

from ..image.labels import Structure
from ..segmentation.measure import SegStats, StructureStats

FORMAT = 1
"""Raised when the meaning of a record, or a number that the package computes, changes."""

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
    }
    return json.dumps(content, indent=1) + "\n"


def read_record(path: str | PathLike[str]) -> Record | None:
    """Read a record; None if there is none that this version understands, which means: run the case."""
    try:
        content = json.loads(Path(path).read_text())
        if content["format"] != FORMAT or not isinstance(content["settings"], dict):
            return None
        rows = tuple(
            StructureStats(
                Structure(row["SegId"], row["StructName"], tuple(row["rgba"])),
                row["NVoxels"],
                row["Volume_mm3"],
                row["Confidence"],
                row["DetachedVoxels"],
            )
            for row in content["structures"]
        )
        return Record(
            content["settings"],
            SegStats(rows, content["voxel_volume_mm3"], content["eTIV_mm3"]),
            tuple(content["warnings"]),
            dict(content["files"]),
            tuple(content["provenance"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


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
        if key == "weights_sha256":
            name += next((f" ({line.split()[1]})" for line in record.provenance if line.startswith("Weights ")), "")
        names.append(name)
    return names


def is_done(record: Record, settings: Settings, products: Sequence[Path]) -> bool:
    """Whether all products were made with these settings and are there.

    Parameters
    ----------
    record : Record
    settings : Settings
    products : sequence of Path

    Returns
    -------
    bool
    """
    return same_settings(record, settings) and all(
        path.name in record.files and path.is_file() and path.stat().st_size > 0 for path in products
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
