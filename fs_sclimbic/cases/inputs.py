"""The input files of a case: what they were when they were hashed, and whether they still hold the same."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import ImageError, ModelError
from ..files.hashing import sha256_of
from .case import Case


@dataclass(frozen=True)
class FileState:
    """What tells, without reading a file, that it may have been replaced or written to."""

    device: int
    inode: int
    size: int
    """Bytes."""
    modified_ns: int
    """Time of the last change of the content, nanoseconds."""


@dataclass(frozen=True, kw_only=True)
class InputFile:
    """A file that a case is computed from."""

    path: Path
    sha256: str
    """Of the content that stands in the record, hexadecimal."""
    state: FileState | None
    """What the file was before it was hashed; None if it was not there yet."""


def states_of(case: Case) -> dict[Path, FileState]:
    """The states of all files that a case may be computed from, those that exist.

    Parameters
    ----------
    case : Case

    Returns
    -------
    dict of Path to FileState
    """
    found = {path: _state_of(path) for path in (case.t1, *case.transforms)}
    return {path: state for path, state in found.items() if state is not None}


def input_files(states: Mapping[Path, FileState], hashes: Mapping[Path, str]) -> tuple[InputFile, ...]:
    """The files that a case is computed from.

    Parameters
    ----------
    states : mapping of Path to FileState
        From before the files were read and hashed.
    hashes : mapping of Path to str
        SHA-256 of the files that are used, hexadecimal.

    Returns
    -------
    tuple of InputFile
    """
    return tuple(InputFile(path=path, sha256=sha256, state=states.get(path)) for path, sha256 in hashes.items())


def check_unchanged(files: Iterable[InputFile]) -> None:
    """Fail if a file holds something else than it did: its hash in the record would not be that of what was read.

    A file that was only touched, or replaced by an equal one (rsync, datalad), passes: it is hashed again.

    Parameters
    ----------
    files : iterable of InputFile

    Raises
    ------
    ImageError
        With the first file that was changed or removed.
    """
    for file in files:
        state = _state_of(file.path)
        if state is not None and state == file.state:
            continue
        try:
            is_same = state is not None and sha256_of(file.path) == file.sha256
        except ModelError as error:  # that kind of error would end the whole run
            raise ImageError(str(error)) from error
        if not is_same:
            raise ImageError(f"{file.path}: was changed while it was read or segmented; run this case again")


def newest_change_ns(files: Iterable[InputFile]) -> int:
    """When the last of some files was changed, nanoseconds."""
    return max((file.state.modified_ns for file in files if file.state), default=0)


def _state_of(path: Path) -> FileState | None:
    """The state of a file; None where there is none, or none that can be looked at: the reader says why."""
    if not os.path.isfile(path):
        return None
    found = os.stat(path)
    return FileState(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
