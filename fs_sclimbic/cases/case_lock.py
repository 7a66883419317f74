"""A lock around one case: two runs over the same subjects do each case once."""

import errno
import os
import time
from contextlib import suppress
from pathlib import Path

from ..files.hashing import sha256_of_text
from ..files.locks import FlockLike, flock
from ..files.owner_lock import LOCK_TIMES, POLL_S, LockTimes, OwnedLock, remove_stale, take_lock, who_holds
from ..files.staging import remove_leftovers
from .case import Case
from .recon_all import find_recon_all

MAX_NAME_BYTES = 200
"""A longer name of a record does not go into the name of its lock: a file system takes 255 bytes."""


def lock_path(case: Case) -> Path:
    """The lock of a case, beside its record."""
    record = case.outputs.record
    name = record.name if len(os.fsencode(record.name)) <= MAX_NAME_BYTES else sha256_of_text(record.name)
    return record.with_name(f".{name}.lock")


def wait_for_case(
    case: Case, *, with_recon_all: bool = False, poll_s: float = POLL_S, times: LockTimes = LOCK_TIMES
) -> None:
    """Wait until no other run works on a case.

    Parameters
    ----------
    case : Case
    with_recon_all : bool
        Wait for recon-all, too.
    poll_s : float
        How often to look, seconds.
    times : LockTimes
    """
    while who_holds(lock_path(case), times=times) or (with_recon_all and _has_recon_all(case)):
        time.sleep(poll_s)


def _has_recon_all(case: Case) -> bool:
    found = find_recon_all(case.scripts)
    return found is not None and found.may_run


def remove_left_lock(case: Case) -> None:
    """Remove the lock of a run that was killed when the case was done already.

    Parameters
    ----------
    case : Case
    """
    path = lock_path(case)
    with suppress(OSError):
        if path.exists():
            remove_stale(path)
            _remove_staged(case)


def _remove_staged(case: Case) -> None:
    """Remove what a killed run has staged beside the results of a case."""
    remove_leftovers(path.parent for path in case.outputs.written())


class HeldCases:
    """The locks that one run holds; those that are left are released with it.

    Parameters
    ----------
    times : LockTimes
    system_lock : callable
        Takes the system's lock on an open file.
    """

    def __init__(self, *, times: LockTimes = LOCK_TIMES, system_lock: FlockLike = flock) -> None:
        self._times, self._system_lock = times, system_lock
        self._locks: dict[Path, OwnedLock] = {}

    def take(self, case: Case) -> OwnedLock | None:
        """Take the lock of a case.

        Parameters
        ----------
        case : Case

        Returns
        -------
        OwnedLock or None
            None where this user may not write beside the results: then the case fails, and its own check says why.

        Raises
        ------
        HeldElsewhereError
            If another run works on the case.
        OSError
            If the lock cannot be made for another reason, such as a full disk.
        """
        path = lock_path(case)
        was_left = path.exists()
        try:
            lock = take_lock(path, times=self._times, system_lock=self._system_lock)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
                return None
            raise
        self._locks[path] = lock
        if was_left:
            _remove_staged(case)
        return lock

    def release(self, case: Case) -> None:
        """Release the lock of a case, if it is held."""
        if lock := self._locks.pop(lock_path(case), None):
            lock.release()

    def __enter__(self) -> "HeldCases":
        return self

    def __exit__(self, *_: object) -> None:
        while self._locks:
            self._locks.popitem()[1].release()
