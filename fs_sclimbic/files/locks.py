"""Locks between processes."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import UsageError


@contextmanager
def only_one(lock_file: Path, message: str) -> Iterator[None]:
    """Let one process at a time into a folder.

    Parameters
    ----------
    lock_file : Path
        Made for the lock, and removed after it.
    message : str
        What the second process is told.

    Yields
    ------
    None
        While the lock is held.

    Raises
    ------
    UsageError
        With the message, if another process is in.
    """
    lock = FileLock(lock_file, timeout=0)
    try:
        with suppress(NotImplementedError):  # a file system without locks
            lock.acquire()
    except Timeout as error:
        raise UsageError(message) from error
    try:
        yield
    finally:
        lock.release()
        lock_file.unlink(missing_ok=True)


class LockedError(Exception):
    """Another process holds a lock."""


@contextmanager
def locked(lock_file: Path, timeout_s: float) -> Iterator[None]:
    """Let one process at a time into a block; others wait.

    Where a file system has no locks, all are let in.

    Parameters
    ----------
    lock_file : Path
    timeout_s : float
        How long to wait, seconds.

    Yields
    ------
    None
        While the lock is held.

    Raises
    ------
    LockedError
        If another process holds the lock for that long.
    """
    lock = FileLock(lock_file, timeout=timeout_s)
    try:
        with suppress(NotImplementedError):
            lock.acquire()
    except Timeout as error:
        raise LockedError(str(lock_file)) from error
    try:
        yield
    finally:
        lock.release()
