"""The input files of a case: what they were when they were hashed, and whether they are still the same."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import ImageError
from .case import Case


@dataclass(frozen=True)
class FileState:
    """What tells that a file was replaced or written to."""

    path: Path
    device: int
    inode: int
    size: int
    """Bytes."""
    modified_ns: int
    """Time of the last change of the content, nanoseconds."""


def states_of(case: Case) -> tuple[FileState, ...]:
    """The states of all files that a case may be computed from, those that exist."""
    return tuple(_state_of(path) for path in (case.t1, *case.transforms) if path.is_file())


def check_unchanged(states: Iterable[FileState]) -> None:
    """Fail if a file is not what it was: its hash in the record would not be that of what was read.

    Raises
    ------
    ImageError
        With the first file that was replaced, written to or removed.
    """
    for state in states:
        if not state.path.is_file() or _state_of(state.path) != state:
            raise ImageError(f"{state.path}: was changed while it was read or segmented; run this case again")


def newest_change_ns(states: Iterable[FileState]) -> int:
    """When the last of some files was changed, nanoseconds."""
    return max((state.modified_ns for state in states), default=0)


def _state_of(path: Path) -> FileState:
    found = os.stat(path)
    return FileState(path, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
