"""A lock that names its owner, lives as long as it, and works on any file system.

It is a file that only one process can create. It ends with its owner: at once where the owner's process can be looked
at, else when its heartbeat has stopped for some minutes.
"""

import json
import os
import secrets
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from .locks import FlockLike, flock
from .staging import temporary_name, write_new
from .system import host_name, now, process_runs, process_space, process_start

HEARTBEAT_S = 20.0
"""The owner touches its lock so often."""
MAX_SILENCE_S = 300.0
"""An owner that has not touched its lock for so long is dead. NFS shows times that are up to a minute old."""
POLL_S = 1.0
MAX_BYTES = 10_000


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Who holds a lock."""

    host: str
    pid: int
    since: str
    """UTC, ISO 8601."""
    space: str
    """Where the process id means this process, see `process_space`."""
    started: str
    """When the process started, in the system's own unit: ids are used again."""
    token: str
    """By chance: no two locks are the same."""

    def __str__(self) -> str:
        return f"{self.host}, process {self.pid}, since {self.since}"


@dataclass(frozen=True, kw_only=True)
class LockTimes:
    """How a lock shows that its owner lives, seconds."""

    heartbeat_s: float = HEARTBEAT_S
    max_silence_s: float = MAX_SILENCE_S


LOCK_TIMES = LockTimes()


class HeldElsewhereError(Exception):
    """Another process has a lock; the text says which."""


class LockLostError(HeldElsewhereError):
    """Another process took a lock over, since this one did not move for minutes."""


class OwnedLock:
    """A lock that is held.

    Parameters
    ----------
    path : Path
        Of the lock file.
    owner : Owner
        What the file says.
    made : tuple of Path
        Folders that were made for it, the deepest first.
    heartbeat_s : float
        How often the file is touched, seconds.
    descriptor : int
        Of the open file.
    """

    def __init__(self, path: Path, owner: Owner, made: tuple[Path, ...], heartbeat_s: float, descriptor: int) -> None:
        self.path, self.owner = path, owner
        self._made, self._descriptor = made, descriptor
        self._released = threading.Event()
        self._heart = threading.Thread(target=self._beat, args=(heartbeat_s,), name="heartbeat", daemon=True)
        self._heart.start()

    def _beat(self, seconds: float) -> None:
        while not self._released.wait(seconds):
            with suppress(OSError):
                os.utime(self._descriptor)

    def check(self) -> None:
        """Fail if another run has taken the lock.

        Raises
        ------
        LockLostError
        """
        found = read_owner(self.path)
        if found != self.owner:
            taken = f" by {found}" if found else ""
            raise LockLostError(f"taken over{taken}, since this run did not move for minutes")

    def release(self) -> None:
        """Remove the lock, and folders that were made for it if they are empty."""
        self._released.set()
        self._heart.join()
        with suppress(OSError):
            if read_owner(self.path) == self.owner:
                self.path.unlink()
        with suppress(OSError):
            os.close(self._descriptor)
        for folder in self._made:
            with suppress(OSError):
                folder.rmdir()


def take_lock(path: Path, *, times: LockTimes = LOCK_TIMES, system_lock: FlockLike = flock) -> OwnedLock:
    """Take a lock.

    Parameters
    ----------
    path : Path
        Made, with its folders, and removed after it.
    times : LockTimes
    system_lock : callable
        Takes the system's lock on an open file.

    Returns
    -------
    OwnedLock

    Raises
    ------
    HeldElsewhereError
        If another process has it.
    OSError
        If the lock file cannot be made.
    """
    made = tuple(_missing_folders(path.parent))
    while True:
        owner = Owner(
            host=host_name(),
            pid=os.getpid(),
            since=now(),
            space=process_space(),
            started=process_start(os.getpid()),
            token=secrets.token_hex(8),
        )
        descriptor = _create(path, (json.dumps(asdict(owner)) + "\n").encode())
        if descriptor is not None:
            with suppress(OSError):  # other containers of this machine see it; where there are no locks, the rest works
                system_lock(descriptor)
            return OwnedLock(path, owner, made, times.heartbeat_s, descriptor)
        if holder := who_holds(path, times=times, system_lock=system_lock):
            raise HeldElsewhereError(holder)
        remove_stale(path, times=times, system_lock=system_lock)


def _create(path: Path, content: bytes) -> int | None:
    """Create a file that does not exist, and leave it open; None if it exists."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o666)
    except FileExistsError:
        return None
    try:
        os.write(descriptor, content)
    except OSError as error:  # a full disk
        path.unlink(missing_ok=True)
        os.close(descriptor)
        raise OSError(error.errno, error.strerror, str(path)) from error
    return descriptor


def read_owner(path: Path) -> Owner | None:
    """Who a lock file names; None if there is none, or it is not whole yet."""
    try:
        with open(path, "rb") as file:
            content = json.loads(file.read(MAX_BYTES))
        return Owner(
            host=str(content["host"]),
            pid=int(content["pid"]),
            since=str(content["since"]),
            space=str(content["space"]),
            started=str(content["started"]),
            token=str(content["token"]),
        )
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):  # a damaged file
        return None


def who_holds(path: Path, *, times: LockTimes = LOCK_TIMES, system_lock: FlockLike = flock) -> str:
    """Who holds a lock, in words for people; empty if nobody does.

    Parameters
    ----------
    path : Path
        Of the lock.
    times : LockTimes
    system_lock : callable
        Takes the system's lock on an open file.

    Returns
    -------
    str
    """
    found = _look(path)
    return _describe_holder(path, found, times, system_lock) if found else ""


@dataclass(frozen=True)
class _Found:
    """A lock file as it was at one moment; its owner's heartbeat makes it another one."""

    owner: Owner | None
    inode: int
    touched_ns: int


def _look(path: Path) -> _Found | None:
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    return _Found(read_owner(path), state.st_ino, state.st_mtime_ns)


def _describe_holder(path: Path, found: _Found, times: LockTimes, system_lock: FlockLike) -> str:
    owner = found.owner
    if owner is not None and owner.space == process_space():
        alive = process_runs(owner.pid) and process_start(owner.pid) == owner.started
        return str(owner) if alive else ""
    silence_s = _clock_s(path) - found.touched_ns / 1e9
    if silence_s < -times.heartbeat_s:
        # The owner's clock is ahead, and the file system takes its time. From now on the lock ages by our clock: a
        # living owner dates it ahead again, a dead one does not.
        with suppress(OSError):
            os.utime(path)
    if silence_s > times.max_silence_s and not _is_locked(path, system_lock):
        return ""
    return str(owner) if owner else f"another run ({path})"


def _clock_s(path: Path) -> float:
    """What time it is by the clock of the file system that a lock lies on, seconds: clocks of machines differ."""
    probe, clock = path.with_name(temporary_name()), time.time()
    with suppress(OSError):
        write_new(probe, b"")
        clock = probe.stat().st_mtime
    with suppress(OSError):
        probe.unlink(missing_ok=True)
    return clock


def _is_locked(path: Path, system_lock: FlockLike) -> bool:
    """Whether a process that this machine knows of has the lock file open and locked."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDWR)
        try:
            system_lock(descriptor)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
    return False


def remove_stale(path: Path, *, times: LockTimes = LOCK_TIMES, system_lock: FlockLike = flock) -> None:
    """Remove a lock if its owner is dead.

    Parameters
    ----------
    path : Path
        Of the lock.
    times : LockTimes
    system_lock : callable
        Takes the system's lock on an open file.
    """
    found = _look(path)
    if found is None or _describe_holder(path, found, times, system_lock):
        return
    # One process does it, and looks again: else a second one would remove the lock that a third one took by then.
    claim = path.with_name(f"{path.name}.{found.owner.token if found.owner else found.inode}")
    descriptor = _create(claim, b"")
    if descriptor is None:
        state = _look(claim)
        if state and _clock_s(claim) - state.touched_ns / 1e9 > times.max_silence_s:  # that process died, too
            claim.unlink(missing_ok=True)
        time.sleep(min(POLL_S, times.heartbeat_s) / 10)
        return
    try:
        os.close(descriptor)
        if _look(path) == found:
            path.unlink(missing_ok=True)
    finally:
        claim.unlink(missing_ok=True)


def _missing_folders(folder: Path) -> list[Path]:
    """Folders that have to be made, the deepest first."""
    return [parent for parent in (folder, *folder.parents) if not parent.exists()]
