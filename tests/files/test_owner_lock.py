"""A lock that names its owner: held by one, gone with it, taken over when its heartbeat stops."""

import errno
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from fs_sclimbic.files.owner_lock import (
    HeldElsewhereError,
    LockLostError,
    LockTimes,
    read_owner,
    remove_stale,
    take_lock,
    who_holds,
)
from fs_sclimbic.files.system import host_name, process_space
from tests.conftest import ROOT


def no_locks(_descriptor):
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


def is_locked(_descriptor):
    raise BlockingIOError


def of_another_host(path, seconds_ago):
    """Make a lock a foreign one, last touched some time ago."""
    owner = json.loads(path.read_text()) if path.exists() else {"pid": 1, "since": "then", "started": "1", "token": "t"}
    path.write_text(json.dumps({**owner, "host": "far", "space": "another"}))
    time = path.stat().st_mtime - seconds_ago
    os.utime(path, (time, time))


@pytest.mark.parametrize("system_lock", [None, no_locks], ids=["locks", "no locks"])
def test_one_holds_it_and_is_named(tmp_path, system_lock):
    given = {} if system_lock is None else {"system_lock": system_lock}
    lock = take_lock(tmp_path / "a/b/.x.lock", **given)
    with pytest.raises(HeldElsewhereError, match=f"{host_name()}, process {os.getpid()}, since 20"):
        take_lock(lock.path, **given)
    lock.check()
    lock.release()
    assert not list(tmp_path.iterdir()), "folders that were made for it are gone, too"
    take_lock(lock.path, **given).release()


def test_folders_with_something_in_them_stay(tmp_path):
    lock = take_lock(tmp_path / "a/.x.lock")
    (tmp_path / "a/result").touch()
    lock.release()
    assert os.listdir(tmp_path / "a") == ["result"]


@pytest.mark.parametrize("system_lock", [None, no_locks], ids=["locks", "no locks"])
def test_a_killed_owner_holds_nothing(tmp_path, system_lock):
    code = f"""
import os
from pathlib import Path
from fs_sclimbic.files.owner_lock import take_lock
lock = take_lock(Path({str(tmp_path / ".x.lock")!r}))
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT)
    assert (tmp_path / ".x.lock").exists()
    given = {} if system_lock is None else {"system_lock": system_lock}
    assert who_holds(tmp_path / ".x.lock", **given) == ""
    take_lock(tmp_path / ".x.lock", **given).release()
    assert not list(tmp_path.iterdir())


def test_an_id_that_is_used_again_is_another_process(tmp_path):
    path = tmp_path / ".x.lock"
    owner = {"host": host_name(), "pid": os.getpid(), "since": "then", "space": process_space(), "started": "0"}
    path.write_text(json.dumps({**owner, "token": "t"}))
    assert who_holds(path) == ""


@pytest.mark.parametrize(("seconds", "held"), [(10, True), (1000, False)])
def test_an_owner_far_away_is_known_by_its_heartbeat(tmp_path, seconds, held):
    path = tmp_path / ".x.lock"
    of_another_host(path, seconds)
    assert bool(who_holds(path)) == held
    if not held:
        take_lock(path).release()
    else:
        with pytest.raises(HeldElsewhereError, match="far, process 1, since then"):
            take_lock(path)


def test_a_dead_owner_whose_clock_was_an_hour_ahead_holds_no_lock_for_an_hour(tmp_path):
    path = tmp_path / ".x.lock"
    of_another_host(path, -3600)
    assert who_holds(path), "it may live"
    probe = tmp_path / "probe"
    probe.touch()
    assert path.stat().st_mtime <= probe.stat().st_mtime, "from now on it ages, unless its owner touches it"


def test_a_silent_owner_whose_file_is_locked_lives(tmp_path):
    """A container of this machine that was paused."""
    of_another_host(tmp_path / ".x.lock", 1000)
    assert who_holds(tmp_path / ".x.lock", system_lock=is_locked)


def test_a_lock_that_is_just_written_counts(tmp_path):
    (tmp_path / ".x.lock").touch()
    assert "another run" in who_holds(tmp_path / ".x.lock")
    os.utime(tmp_path / ".x.lock", (0, 0))
    assert who_holds(tmp_path / ".x.lock") == ""
    take_lock(tmp_path / ".x.lock").release()


def test_the_heart_beats(tmp_path):
    lock = take_lock(tmp_path / ".x.lock", times=LockTimes(heartbeat_s=0.001))
    os.utime(lock.path, (0, 0))
    while lock.path.stat().st_mtime == 0:
        pass
    lock.release()


def test_an_owner_sees_that_it_was_taken_over(tmp_path):
    lock = take_lock(tmp_path / ".x.lock", times=LockTimes(heartbeat_s=1000), system_lock=no_locks)
    of_another_host(lock.path, 1000)
    other = take_lock(lock.path, system_lock=no_locks)
    with pytest.raises(LockLostError, match="taken over by"):
        lock.check()
    lock.release()
    assert read_owner(lock.path) == other.owner, "it removes its own lock only"
    other.release()
    with pytest.raises(LockLostError):
        other.check()


def test_many_take_over_a_stale_lock_and_one_gets_it(tmp_path):
    path, together = tmp_path / ".x.lock", Barrier(8)
    for _ in range(10):
        of_another_host(path, 1000)

        def take(_number):
            together.wait()
            try:
                return take_lock(path)
            except HeldElsewhereError:
                return None

        with ThreadPoolExecutor(8) as pool:
            locks = [lock for lock in pool.map(take, range(8)) if lock]
        assert len(locks) == 1
        locks[0].check()
        locks[0].release()
        assert not list(tmp_path.iterdir())


def test_one_that_died_while_it_removed_a_lock_keeps_nobody_away(tmp_path):
    path = tmp_path / ".x.lock"
    of_another_host(path, 1000)
    claim = tmp_path / ".x.lock.t"
    claim.touch()
    times = LockTimes(heartbeat_s=0.001)
    remove_stale(path, times=times)
    assert path.exists(), "the other one may be at it"
    os.utime(claim, (0, 0))
    take_lock(path, times=times).release()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("pid", ["Infinity", "-Infinity", "NaN", "[]", '"x"'])
def test_a_damaged_lock_names_nobody(tmp_path, pid):
    path = tmp_path / ".lock"
    path.write_text(f'{{"host": "a", "pid": {pid}, "since": "", "space": "", "started": "", "token": ""}}')
    assert read_owner(path) is None
