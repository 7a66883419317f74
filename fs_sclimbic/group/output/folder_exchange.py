"""Put a finished folder in place of an earlier one; a killed process never leaves no folder at all."""

import ctypes
import errno
import hashlib
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from os import PathLike
from pathlib import Path

from ...errors import UsageError
from ...files.locks import only_one
from ...files.staging import is_leftover, temporary_name, write_new

AT_FDCWD, RENAME_EXCHANGE = -100, 2
"""Of Linux: paths from the current folder; exchange two names in one step."""
CANNOT_EXCHANGE = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EXDEV, errno.EPERM)
"""What a system or a file system says that has no such step (NFS for one)."""
CANNOT_MOVE = (errno.EBUSY, errno.EPERM, errno.EXDEV, errno.EROFS)
"""What a system says of a folder that will never move: a mount point, another user's, one of a container's image."""
KEPT_PREFIX = "sclimbic-results-"
"""Of folders that could not be put in place."""
MAX_EXCHANGE_SECONDS = 60.0
"""A folder is in place long before."""


def write_folder(
    folder: str | PathLike[str], files: Mapping[str, bytes], exchange: Callable[[Path, Path], bool] | None = None
) -> None:
    """Write files into a new folder, and put it in place of an earlier one: whole or not at all.

    A folder that is written but cannot be put in place stays beside it, and the error names it.

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
        If the folder cannot be written or put in place; the earlier one is still there.
    UsageError
        If other processes put their folder there, one after another.
    """
    final = Path(folder).resolve()
    new = final.with_name(temporary_name(_name_hash(final)))
    try:
        _write_files(new, files)
    except OSError as error:  # the user knows the final name, not the temporary one
        raise OSError(error.errno, error.strerror, str(folder)) from error
    try:
        with _only_one(final):
            _restore(final)
            put_in_place(new, final, exchange)
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}; {_keep(new)}", str(folder)) from error
    except UsageError as error:
        raise UsageError(f"{error}; {_keep(new)}") from error
    except BaseException:  # interrupted
        shutil.rmtree(new, ignore_errors=True)
        raise
    _remove_leftovers(final)


def write_beside(folder: str | PathLike[str], files: Mapping[str, bytes]) -> str:
    """Write files into a new folder beside one that cannot be replaced.

    Parameters
    ----------
    folder, files
        As for `write_folder`.

    Returns
    -------
    str
        Where the files are, or why they are nowhere.
    """
    new = Path(folder).resolve().with_name(f"{KEPT_PREFIX}{secrets.token_hex(4)}")
    try:
        _write_files(new, files)
    except OSError as error:
        return f"the results could not be kept in {new} either ({error.strerror})"
    return _where(new)


def _write_files(new: Path, files: Mapping[str, bytes]) -> None:
    """Write a new folder whole or not at all."""
    try:
        new.mkdir(parents=True)
        for name, content in files.items():
            write_new(new / name, content)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def _keep(new: Path) -> str:
    """Give a finished folder a name that no later run removes, and say it."""
    kept = new.with_name(f"{KEPT_PREFIX}{secrets.token_hex(4)}")
    try:
        os.rename(new, kept)
    except OSError:
        return _where(new)
    return _where(kept)


def _where(kept: Path) -> str:
    return f"the results are in {kept}; move them to where they belong"


def check_place(folder: str | PathLike[str]) -> None:
    """Check that `write_folder` can put a folder in its place, as far as that is possible without doing it.

    Parameters
    ----------
    folder : path-like
        May exist or not.

    Raises
    ------
    OSError
        If nothing can be written beside it, or the system will not move it away.
    """
    final = Path(folder).resolve()
    there = next((parent for parent in final.parents if os.path.exists(parent)), final)
    probe = there / temporary_name(_name_hash(final))
    try:
        # Not empty: a folder that can be moved is refused for that alone, and stays where it is.
        write_new(probe / "probe", b"")
        if final.is_dir():
            os.rename(final, probe)
    except OSError as error:
        if error.filename2 is None or error.errno in CANNOT_MOVE:
            raise OSError(error.errno, error.strerror, str(folder)) from error
    finally:
        shutil.rmtree(probe, ignore_errors=True)


def _only_one(final: Path) -> AbstractContextManager[None]:
    """Between the two renames of one process, another one must not give the earlier folder its name again."""
    lock_file = final.with_name(f".sclimbic-{_name_hash(final)}.lock")
    return only_one(lock_file, f"{final}: another run puts its results there", MAX_EXCHANGE_SECONDS)


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

    Raises
    ------
    UsageError
        If another process replaces the folder at this time, and does not come to an end.
    """
    final = Path(folder).resolve()
    if not final.name or not _old_name(final).is_dir():  # the root; nothing was left
        return False
    with _only_one(final):
        return _restore(final)


def _restore(final: Path) -> bool:
    """Do what `restore_folder` does; the caller holds the lock."""
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
    purpose = _name_hash(final)
    with suppress(OSError):  # a folder that cannot be listed keeps nobody from working
        for entry in list(os.scandir(final.parent)):
            if is_leftover(entry, purpose):
                shutil.rmtree(entry.path, ignore_errors=True)
