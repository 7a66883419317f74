"""Locks between processes, also on file systems that have none.

The system's own lock (flock) ends with the process that holds it. Where the file system refuses it, a file that only
one process can create takes its place; one that a dead process left is removed, or named where it cannot be known.
"""

import errno
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import UsageError
from .system import host_name, now, process_runs, process_space

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

ENOTSUPP = 524
"""Linux's, for NFS; Python has no name for it."""
NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, ENOTSUPP)
POLL_SECONDS = 0.05
HELD_SUFFIX = ".held"
REMOVAL_SUFFIX = ".removal"


class LockedError(Exception):
    """Another process holds a lock; the text, if any, says which."""


FlockLike = Callable[[int], None]


def flock(descriptor: int) -> None:
    """Take the system's lock on an open file, or raise at once."""
    if fcntl is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def locked(lock_file: Path, timeout_s: float = 0.0, *, system_lock: FlockLike = flock) -> Iterator[None]:
    """Let one process at a time into a block; others wait.

    Parameters
    ----------
    lock_file : Path
        Made for the lock, and removed after it.
    timeout_s : float
        How long to wait, seconds.
    system_lock : callable
        Takes the system's lock on an open file.

    Yields
    ------
    None
        While the lock is held.

    Raises
    ------
    LockedError
        If another process holds the lock for that long.
    OSError
        If the lock file cannot be made; it names the file.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            release = _try_to_lock(lock_file, system_lock)
            break
        except LockedError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        release()


@contextmanager
def only_one(
    lock_file: Path, message: str, timeout_s: float = 0.0, *, system_lock: FlockLike = flock
) -> Iterator[None]:
    """Let one process at a time into a folder.

    Parameters
    ----------
    lock_file : Path
        Made for the lock, and removed after it.
    message : str
        What the second process is told.
    timeout_s : float
        How long it waits before that, seconds.
    system_lock : callable
        Takes the system's lock on an open file.

    Yields
    ------
    None
        While the lock is held.

    Raises
    ------
    UsageError
        With the message, if another process is in.
    """
    lock = locked(lock_file, timeout_s, system_lock=system_lock)
    try:
        lock.__enter__()
    except LockedError as error:
        raise UsageError(f"{message}{f' ({error})' if str(error) else ''}") from error
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def _try_to_lock(lock_file: Path, system_lock: FlockLike) -> Callable[[], None]:
    """Take the lock and return what releases it; raises LockedError if another process has it."""
    try:
        while True:
            descriptor = _open(lock_file)
            try:
                system_lock(descriptor)
                current = _is_at(descriptor, lock_file)
            except BlockingIOError as error:
                os.close(descriptor)
                raise LockedError from error
            except OSError as error:
                os.close(descriptor)
                if error.errno == errno.EBADF:  # NFS locks only what may be written
                    raise PermissionError(errno.EACCES, "is another user's: remove it", str(lock_file)) from error
                if error.errno not in NO_LOCKS:
                    raise
                lock_file.unlink(missing_ok=True)
                return _create_held(lock_file.with_name(lock_file.name + HELD_SUFFIX))
            if current:
                return lambda: _unlock(descriptor, lock_file)
            os.close(descriptor)  # the process before removed the file between open and lock
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(lock_file)) from error


def _open(lock_file: Path) -> int:
    flags = os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
    try:
        return os.open(lock_file, os.O_RDWR | flags, 0o666)
    except PermissionError:  # another user of the folder was killed and left it
        return os.open(lock_file, os.O_RDONLY | flags, 0o666)


def _is_at(descriptor: int, path: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    return False


def _unlock(descriptor: int, lock_file: Path) -> None:
    # Removed while still locked: whoever opens the path from now on makes a new file.
    with suppress(OSError):
        lock_file.unlink(missing_ok=True)
    os.close(descriptor)


def _create_held(held: Path) -> Callable[[], None]:
    """The lock where the system has none: a file that only one process can create."""
    ours = {"host": host_name(), "space": process_space(), "pid": os.getpid(), "since": now()}
    content = json.dumps({**ours, "token": secrets.token_hex(8)}).encode()
    for _ in range(2):
        with suppress(FileExistsError):
            with open(held, "xb") as file:
                file.write(content)
            return lambda: held.unlink(missing_ok=True)
        _remove_stale(held)
    raise LockedError(f"the lock {held} is taken")


def _remove_stale(held: Path) -> None:
    """Remove the lock of a process that runs no more; raises LockedError if it runs, or nobody can know."""
    if not _is_stale(held):
        return
    # One process at a time, which looks again: else the second one removes the lock that the first one then takes.
    removal = held.with_name(held.name + REMOVAL_SUFFIX)
    try:
        open(removal, "xb").close()
    except FileExistsError as error:
        raise LockedError(f"another run removes {held}; if none does, remove {removal}") from error
    try:
        if _is_stale(held):
            held.unlink(missing_ok=True)
    finally:
        removal.unlink(missing_ok=True)


def _is_stale(held: Path) -> bool:
    """Whether a dead process left the lock, False if there is none; raises LockedError as `_remove_stale`."""
    try:
        content = held.read_bytes()
    except FileNotFoundError:
        return False
    try:
        owner = json.loads(content)
        host, space, pid, since = owner["host"], owner["space"], int(owner["pid"]), owner["since"]
    except (ValueError, KeyError, TypeError) as error:
        raise LockedError(f"remove {held} if no other run uses this folder") from error
    if space != process_space() or process_runs(pid):
        raise LockedError(f"process {pid} on {host} holds {held.name} since {since}; if it runs no more, remove {held}")
    return True
