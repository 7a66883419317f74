"""Results of an image that is not there any more as it was: another one has its name."""

import os
from pathlib import Path

from ..errors import ModelError
from ..files.hashing import sha256_of
from .record import Record, header_value


def input_path(record: Record) -> Path | None:
    """The image that a record was made from; None if its provenance does not say it."""
    path = header_value(record, "InputFile")
    return Path(path) if path else None


def has_other_input(record: Record, record_file: Path) -> bool:
    """Whether the image of a finished case was replaced since: its numbers are not those of the image that is there.

    Parameters
    ----------
    record : Record
    record_file : Path
        Where the record lies. An image that has not changed since it was written is not read.

    Returns
    -------
    bool
        False if there is no image to compare with: tables need the records alone.
    """
    image = input_path(record)
    if image is None:
        return False
    try:
        # A file that is moved there keeps the time of its content, and a link may lead to an older file: the time of
        # the state is that of the move.
        states = os.stat(image), os.lstat(image)
        newest_ns = max(time for state in states for time in (state.st_mtime_ns, state.st_ctime_ns))
        if newest_ns <= os.stat(record_file).st_mtime_ns:
            return False
        return sha256_of(image) != record.settings.get("input_sha256")
    except (OSError, ModelError):
        return False
