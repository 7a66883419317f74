"""Put finished files in place: whole or not at all, several together, safe beside other processes."""

import os
import re
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from os import PathLike
from pathlib import Path
from types import TracebackType

from .system import process_runs, process_space

LEFTOVER_NAME = re.compile(r"\.sclimbic-(?:([0-9a-f]{16})-)?(?:([0-9a-f]{8})-)?(\d+)-[0-9a-f]{16}\.tmp")
"""Of what is temporary: what it is for, process space, process id, chance."""
MAX_STAGING_SECONDS = 24 * 3600.0
"""After that no process writes to anything temporary any more."""


class StagedFiles:
    r"""Write files under temporary names beside their final places, then rename them all.

    A reader never sees half a file; a process that dies leaves the earlier results untouched.
    Leaving the ``with`` block without an error commits; an error removes what was staged.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> with StagedFiles() as staged:
    ...     staged.write(folder / "table.csv", b"case,eTIV\n")
    >>> (folder / "table.csv").read_text()
    'case,eTIV\n'
    """

    def __init__(self) -> None:
        self._moves: list[tuple[Path, Path]] = []

    def write(self, path: str | PathLike[str], content: bytes) -> None:
        """Stage one file; missing folders are made. Files are renamed in the order of these calls.

        Parameters
        ----------
        path : path-like
            The file's final place.
        content : bytes

        Raises
        ------
        OSError
            If the file cannot be written; it names the final place.
        """
        final = Path(path)
        # Process id and chance: two jobs on two machines may stage the same file at the same time. Without the
        # file's own name: a long name and an addition may be longer than the file system allows.
        temporary = final.with_name(temporary_name())
        self._moves.append((temporary, final))
        try:
            write_new(temporary, content)
            _remove_leftovers_once(final.parent.absolute())
        except OSError as error:  # the user knows the final name, not the temporary one
            self._moves.pop()  # the caller may do without this file
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise OSError(error.errno, error.strerror, str(final)) from error

    def __enter__(self) -> "StagedFiles":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._commit()
        finally:
            for temporary, _ in self._moves:
                # A file that cannot be removed must not hide the error before it.
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)

    def _commit(self) -> None:
        """Rename all; Ctrl-C or a scheduler's signal in between waits for the last one."""
        moves, interrupt = list(self._moves), None
        while moves:
            try:
                temporary, final = moves[0]
                if interrupt is None or temporary.exists():  # else it was renamed just before the interrupt came
                    os.replace(temporary, final)
                del moves[0]
            except KeyboardInterrupt as error:
                interrupt = error
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(final)) from error
        if interrupt:
            raise interrupt


@cache
def _remove_leftovers_once(folder: Path) -> None:
    remove_leftovers([folder])


def remove_leftovers(folders: Iterable[Path]) -> list[Path]:
    """Remove temporary files of runs that were killed; those of processes that may still run stay.

    Parameters
    ----------
    folders : iterable of Path
        Where files are staged; folders that do not exist are passed over.

    Returns
    -------
    list of Path
        The files that were removed.
    """
    removed = []
    for folder in dict.fromkeys(folders):
        with suppress(OSError):  # no such folder, or another user's: nobody is kept from working by that
            for entry in os.scandir(folder):
                if is_leftover(entry):
                    with suppress(OSError):
                        os.unlink(entry.path)
                        removed.append(Path(entry.path))
    return removed


def temporary_name(purpose: str = "") -> str:
    """A new name for what is temporary.

    Parameters
    ----------
    purpose : str
        16 hexadecimal digits that stand for what it is for; empty for a file.

    Returns
    -------
    str
    """
    return f".sclimbic-{purpose}{'-' * bool(purpose)}{process_space()}-{os.getpid()}-{secrets.token_hex(8)}.tmp"


def is_leftover(entry: "os.DirEntry[str]", purpose: str = "") -> bool:
    """Whether something temporary was left by a process that runs no more.

    Parameters
    ----------
    entry : os.DirEntry
    purpose : str
        As for `temporary_name`.

    Returns
    -------
    bool
    """
    name = LEFTOVER_NAME.fullmatch(entry.name)
    if not name or (name[1] or "") != purpose:
        return False
    space, pid = name[2], name[3]
    if space == process_space():
        return not process_runs(int(pid))
    return time.time() - entry.stat().st_mtime > MAX_STAGING_SECONDS


def write_new(path: Path, content: bytes) -> None:
    """Write a file that does not exist yet, down to the disk; missing folders are made.

    Parameters
    ----------
    path : Path
    content : bytes

    Raises
    ------
    OSError
        If the file cannot be written; it names the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(path, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:  # of a full disk does not say which file
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_atomically(path: str | PathLike[str], content: bytes) -> None:
    """Write one file whole or not at all.

    Parameters
    ----------
    path : path-like
    content : bytes
    """
    with StagedFiles() as staged:
        staged.write(path, content)


def append_text(path: str | PathLike[str], text: str) -> None:
    """Add text to a log in one write, so that two jobs on one log keep their lines whole.

    Parameters
    ----------
    path : path-like
        Made if it is missing, with its folders.
    text : str

    Raises
    ------
    OSError
        If the file cannot be written; it names the file.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(path, "ab", buffering=0) as file:
            file.write(encode_text(text))
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def encode_text(text: str) -> bytes:
    """Encode as UTF-8; bytes of file names that are not UTF-8 stay as they are on disk."""
    return text.encode("utf-8", "surrogateescape")
