"""What can go wrong for a user, as one family of exceptions.

Each message is one line that names the file, what was expected, what was found and what to do.
Anything else that is raised is a fault of ours and keeps its traceback.
"""

import errno
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


def quote_text(text: str, max_characters: int = 60) -> str:
    """Quote what a file holds for a message.

    Parameters
    ----------
    text : str
    max_characters : int
        A longer text is cut.

    Returns
    -------
    str
        One line without control characters, which a terminal would obey.
    """
    words = " ".join(text.split())
    short = words if len(words) <= max_characters else f"{words[:max_characters]}..."
    return "'" + "".join(sign if sign.isprintable() else "?" for sign in short) + "'"


def describe_unreadable(error: OSError) -> str:
    """Why the system does not let a file be read, and what to do.

    Parameters
    ----------
    error : OSError

    Returns
    -------
    str
        The end of a message that begins with the file's name.
    """
    if error.errno in (errno.EACCES, errno.EPERM):
        advice = "; change the permissions of the file or its folders, or leave it out"
    elif error.errno in (errno.EIO, errno.ESTALE):
        advice = "; check the disk or its mount, and run this again"
    else:
        advice = ""
    return f"cannot be read ({error.strerror or error}){advice}"
