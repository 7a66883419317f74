"""What can go wrong for a user, as one family of exceptions.

Each message is one line that names the file, what was expected, what was found and what to do.
Anything else that is raised is a fault of ours and keeps its traceback.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike


class SclimbicError(Exception):
    """Something a user can mend; caught once per case, printed as one line."""


class UsageError(SclimbicError):
    """The command line asks for something that makes no sense; nothing was run (exit 2)."""


class ImageError(SclimbicError):
    """An image that is missing, unreadable, or not one 3-D T1-weighted head."""


class ModelError(SclimbicError):
    """Weights that cannot be found, do not fit the label table, or are not what they claim to be."""


class TransformError(SclimbicError):
    """A Talairach transform that is missing, unreadable or singular."""


class TableError(SclimbicError):
    """A colour table, population table or stats file that cannot be read."""


class DesignError(SclimbicError):
    """An FSGD, design or contrast that cannot be read or makes no sense."""


def describe_system_error(error: OSError) -> str:
    """One line of what the system reports, with the file's name where it has one."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {reason}" if error.filename else reason


def describe_memory_error(error: MemoryError) -> str:
    """One line that says how much memory was asked for, as far as that is known."""
    asked = f" ({' '.join(str(error).split())})" if str(error) else ""
    return f"too little memory{asked}: give the job more, or run fewer at once"


@contextmanager
def naming(path: str | PathLike[str]) -> Iterator[None]:
    """Put the file's name before the message of an error that comes from its content alone."""
    try:
        yield
    except SclimbicError as error:
        raise type(error)(f"{path}: {error}") from error
