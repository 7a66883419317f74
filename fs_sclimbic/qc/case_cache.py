"""Keep what was read of finished cases, so that unchanged ones are not read and judged again.

Judging a case reads its T1: 0.1 s of a processor, two minutes for a thousand cases.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .._version import __version__
from ..files.content import ContentError, read_small_file
from ..files.staging import write_atomically
from ..image.labels import ColorTable, Structure
from ..segmentation.flag import CaseVerdict, Flag
from ..segmentation.flag_limits import format_limits
from ..segmentation.measure import SegStats, StructureStats
from .finished_case import FinishedCase
from .read_case import CaseFiles, read_finished_case

FORMAT = 1
MAX_CACHE_BYTES = 1 << 30
PATHS = ("segmentation", "t1", "posteriors", "stats_file", "record_file", "transform")

Kept = Mapping[str, Any]
"""A finished case in json's types."""


class CaseCache:
    """What was read of cases at an earlier time.

    Parameters
    ----------
    kept : mapping
        As `read_case_cache` reads it.
    """

    def __init__(self, kept: Mapping[str, Kept]) -> None:
        self._kept = kept
        self._now: dict[str, Kept] = {}

    def read(self, files: CaseFiles) -> FinishedCase:
        """Read a finished case, or take it from the cache if none of its files has changed.

        Threads may call this side by side.
        """
        key = _key_of(files)
        if key in self._kept:
            with suppress(KeyError, TypeError, ValueError):  # of another shape: read the case
                case = _from_json(self._kept[key])
                self._now[key] = self._kept[key]
                return case
        case = read_finished_case(files)
        if case.problem is None:
            self._now[key] = _to_json(case)
        return case

    def write(self, path: Path) -> None:
        """Write what was read, for the next time; a folder that cannot be written to costs only time."""
        if self._now.keys() != self._kept.keys():
            with suppress(OSError):
                write_atomically(path, json.dumps(self._now).encode())


def read_case_cache(path: Path) -> CaseCache:
    """Read a cache; one that is missing or damaged is empty."""
    try:
        content = json.loads(read_small_file(path, noun="cache", max_bytes=MAX_CACHE_BYTES))
    except (ContentError, ValueError, OSError):
        content = None
    return CaseCache(content if isinstance(content, dict) else {})


def _key_of(files: CaseFiles) -> str:
    """Stands for all that a case is read from, and for how it is judged."""
    parts = [str(FORMAT), __version__, format_limits(), files.name]
    for path in (*(getattr(files, name) for name in PATHS), files.ctab):
        try:
            found = None if path is None else path.stat()
        except OSError:  # reading it will tell
            found = None
        parts.append("" if found is None else f"{path.absolute()} {found.st_size} {found.st_mtime_ns} {found.st_ino}")
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _to_json(case: FinishedCase) -> dict[str, Any]:
    paths = {name: getattr(case, name) for name in PATHS}
    return {
        "name": case.name,
        "paths": {name: str(path) for name, path in paths.items() if path is not None},
        "structures": [asdict(row) for row in case.stats.structures],
        "voxel_volume_mm3": case.stats.voxel_volume_mm3,
        "etiv_mm3": case.stats.etiv_mm3,
        "colors": [asdict(structure) for structure in case.colors],
        "provenance": dict(case.provenance),
        "warnings": list(case.warnings),
        "flags": [asdict(flag) for flag in case.verdict.flags],
    }


def _from_json(kept: Kept) -> FinishedCase:
    rows = (
        StructureStats(**{**row, "structure": _structure_from_json(row["structure"])}) for row in kept["structures"]
    )
    paths: dict[str, Any] = {name: Path(path) for name, path in kept["paths"].items()}
    return FinishedCase(
        name=kept["name"],
        **paths,
        stats=SegStats(tuple(rows), kept["voxel_volume_mm3"], kept["etiv_mm3"]),
        colors=ColorTable(tuple(_structure_from_json(one) for one in kept["colors"])),
        provenance=kept["provenance"],
        warnings=tuple(kept["warnings"]),
        verdict=CaseVerdict(case=kept["name"], flags=tuple(Flag(**flag) for flag in kept["flags"])),
    )


def _structure_from_json(kept: Kept) -> Structure:
    return Structure(kept["index"], kept["name"], tuple(kept["rgba"]))
