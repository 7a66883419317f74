"""Put a finished folder in place of an earlier one; a killed process never leaves no folder at all."""

import ctypes
import errno
import hashlib
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from os import PathLike
from pathlib import Path

from ...files.staging import write_new
from ...files.system import process_runs, process_space

AT_FDCWD, RENAME_EXCHANGE = -100, 2
"""Of Linux: paths from the current folder; exchange two names in one step."""
CANNOT_EXCHANGE = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EXDEV, errno.EPERM)
"""What a system or a file system says that has no such step (NFS for one)."""
MAX_WRITING_SECONDS = 24 * 3600.0
"""After that no process writes into a temporary folder any more."""


def write_folder(
    folder: str | PathLike[str], files: Mapping[str, bytes], exchange: Callable[[Path, Path], bool] | None = None
) -> None:
    """Write files into a new folder, and put it in place of an earlier one: whole or not at all.

    Parameters
    ----------
    folder : path-like
    files : mapping
        Content by path within the folder, with ``/``.
    exchange : callable, optional
        See `put_in_place`.

    Raises
    ------
    OSError
        If the folder cannot be written; the earlier one is still there.
    """
    final = Path(folder).resolve()
    restore_folder(final)
    new = final.with_name(f".sclimbic-{_name_hash(final)}-{process_space()}-{os.getpid()}-{secrets.token_hex(8)}.tmp")
    try:
        new.mkdir(parents=True)
        for name, content in files.items():
            write_new(new / name, content)
        put_in_place(new, final, exchange)
    except OSError as error:  # the user knows the final name, not the temporary one
        raise OSError(error.errno, error.strerror, str(folder)) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    _remove_leftovers(final)


def put_in_place(new: Path, final: Path, exchange: Callable[[Path, Path], bool] | None = None) -> None:
    """Give a folder its final name.

    Parameters
    ----------
    new, final : Path
        Beside each other. An earlier folder ``final`` is removed, or is still there if this fails.
    exchange : callable, optional
        Exchanges two names in one step, or returns False where that is not possible; default: `exchange_names`.

    Raises
    ------
    OSError
        If a folder cannot be renamed.
    """
    if not final.exists():
        os.rename(new, final)
    elif (exchange or exchange_names)(new, final):
        shutil.rmtree(new, ignore_errors=True)  # the earlier one has this name now
    else:
        old = _old_name(final)
        os.rename(final, old)
        # Killed here, a process leaves the earlier folder under another name: see `restore_folder`.
        try:
            os.rename(new, final)
        except BaseException:
            os.rename(old, final)
            raise
        shutil.rmtree(old, ignore_errors=True)


def exchange_names(first: Path, second: Path) -> bool:
    """Exchange the names of two folders in one step; False where the system cannot.

    Parameters
    ----------
    first, second : Path

    Returns
    -------
    bool

    Raises
    ------
    OSError
        If the folders cannot be renamed at all.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):  # a C library without it
        return False
    if rename(AT_FDCWD, os.fsencode(first), AT_FDCWD, os.fsencode(second), RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in CANNOT_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(second))


def restore_folder(folder: str | PathLike[str]) -> bool:
    """Give an earlier folder its name again, if a process was killed while it replaced it.

    Parameters
    ----------
    folder : path-like

    Returns
    -------
    bool
        Whether there was one.
    """
    final = Path(folder).resolve()
    if not final.name:  # the root
        return False
    old = _old_name(final)
    if not old.is_dir():
        return False
    if final.exists():  # the new one came into place
        shutil.rmtree(old, ignore_errors=True)
        return False
    os.rename(old, final)
    return True


def _name_hash(final: Path) -> str:
    """Stands for a name in other names, which must not be longer than the file system allows."""
    return hashlib.sha256(os.fsencode(final.name)).hexdigest()[:16]


def _old_name(final: Path) -> Path:
    return final.with_name(f".sclimbic-{_name_hash(final)}.old")


def _remove_leftovers(final: Path) -> None:
    """Remove temporary folders of killed processes that wrote this folder."""
    form = re.compile(rf"\.sclimbic-{_name_hash(final)}-([0-9a-f]{{8}})-(\d+)-[0-9a-f]{{16}}\.tmp")
    with suppress(OSError):  # a folder that cannot be listed keeps nobody from working
        for entry in list(os.scandir(final.parent)):
            found = form.fullmatch(entry.name)
            if not found:
                continue
            space, pid = found.groups()
            is_own = space == process_space()
            old = time.time() - entry.stat().st_mtime > MAX_WRITING_SECONDS
            if (is_own and not process_runs(int(pid))) or (not is_own and old):
                shutil.rmtree(entry.path, ignore_errors=True)
