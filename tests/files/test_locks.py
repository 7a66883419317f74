"""One process at a time, on file systems with locks and without, and after processes that were killed."""

import errno
import json
import os
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from fs_sclimbic.errors import UsageError
from fs_sclimbic.files.locks import NO_LOCKS, LockedError, locked, only_one
from fs_sclimbic.files.system import process_space
from tests.conftest import ROOT

HOLD = """
import os, sys
from pathlib import Path
from fs_sclimbic.files.locks import flock, only_one
def none(descriptor):
    raise OSError(int(sys.argv[2]), "no locks here")
with only_one(Path(sys.argv[1]), "taken", system_lock=none if sys.argv[2] != "0" else flock):
    print("in", flush=True)
    sys.stdin.read()
"""


def refused(number):
    """What a file system without locks does."""

    def lock(descriptor):
        raise OSError(number, os.strerror(number))

    return lock


@pytest.fixture(params=[0, errno.ENOSYS], ids=["locks", "no locks"])
def other(tmp_path, request):
    """Another process inside the lock, and how the file system locks; the process leaves when its input ends."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / ".lock"), str(request.param)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "in\n"
        yield process, {"system_lock": refused(request.param)} if request.param else {}
        process.kill()


def test_a_second_process_is_told_so(tmp_path, other):
    _, how = other
    with pytest.raises(UsageError, match="another runs here"), only_one(tmp_path / ".lock", "another runs here", **how):
        pass


def test_it_is_free_again_when_the_other_leaves(tmp_path, other):
    process, how = other
    process.communicate()
    assert not list(tmp_path.iterdir()), "no lock file stays"
    with only_one(tmp_path / ".lock", "taken", **how):
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())


def test_it_is_free_again_when_the_other_is_killed(tmp_path, other):
    process, how = other
    process.kill()
    process.wait()
    with only_one(tmp_path / ".lock", "taken", **how):
        pass
    assert not list(tmp_path.iterdir())


def test_a_waiting_process_comes_in_when_the_other_leaves(tmp_path, other):
    process, how = other
    threading.Timer(0.3, process.stdin.close).start()
    with locked(tmp_path / ".lock", 60, **how):
        pass
    assert not list(tmp_path.iterdir())


def test_waiting_ends(tmp_path, other):
    with pytest.raises(LockedError), locked(tmp_path / ".lock", 0.2, **other[1]):
        pass


@pytest.mark.parametrize("how", [{}, {"system_lock": refused(errno.ENOLCK)}], ids=["locks", "no locks"])
def test_threads_take_turns_and_none_is_lost(tmp_path, how):
    """Each adds one to a number in a file, by reading and writing it."""
    number = tmp_path / "number"
    number.write_text("0")

    def add():
        for _ in range(10):
            with locked(tmp_path / ".lock", 60, **how):
                number.write_text(str(int(number.read_text()) + 1))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert number.read_text() == "40"
    assert list(tmp_path.iterdir()) == [number]


@pytest.mark.parametrize("number", NO_LOCKS)
def test_every_way_to_have_no_locks(tmp_path, number):
    def enter():
        return only_one(tmp_path / ".lock", "taken", system_lock=refused(number))

    with enter(), pytest.raises(UsageError), enter():
        pass
    assert not list(tmp_path.iterdir())


def test_other_errors_name_the_file(tmp_path):
    for lock_file, how in ((tmp_path / ".lock", {"system_lock": refused(errno.EIO)}), (tmp_path / "none/.lock", {})):
        with pytest.raises(OSError) as error, locked(lock_file, **how):  # noqa: PT011
            pass
        assert error.value.filename == str(lock_file)


def test_nfs_and_the_lock_file_of_another_user(tmp_path):
    """NFSv4 answers EBADF where a lock file may only be read (util-linux flock, alexflint/go-filemutex issue 24)."""
    lock = locked(tmp_path / ".lock", system_lock=refused(errno.EBADF))
    with pytest.raises(PermissionError, match="another user's") as error, lock:
        pass
    assert error.value.filename == str(tmp_path / ".lock")


def test_an_error_inside_leaves_no_lock(tmp_path):
    with pytest.raises(RuntimeError), only_one(tmp_path / ".lock", "taken"):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("owner", "word"),
    [
        ({"host": "node7", "space": "00000000", "pid": 1, "since": "2026-01-01T00:00:00Z"}, "process 1 on node7"),
        ({"host": "here", "space": process_space(), "pid": os.getpid(), "since": "x"}, f"process {os.getpid()}"),
        ({"nonsense": 1}, "remove"),
        ([], "remove"),
    ],
    ids=["other host", "this process", "nonsense", "no mapping"],  # the same in all processes that share the tests
)
def test_a_lock_that_may_be_in_use_is_named_and_stays(tmp_path, owner, word):
    held = tmp_path / ".lock.held"
    held.write_text(json.dumps(owner))
    lock = only_one(tmp_path / ".lock", "taken", system_lock=refused(errno.ENOSYS))
    with pytest.raises(UsageError, match="taken") as error, lock:
        pass
    assert word in str(error.value)
    assert str(held) in str(error.value)
    assert list(tmp_path.iterdir()) == [held]


@pytest.fixture
def stale(tmp_path):
    """The lock of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    owner = {"host": "here", "space": process_space(), "pid": process.pid, "since": "x"}
    held = tmp_path / ".lock.held"
    held.write_text(json.dumps(owner))
    return held


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_one_of_two_that_remove_a_stale_lock_comes_in(tmp_path, stale, monkeypatch, moment):
    """The second one tries at each moment after the first one has read the lock, where no file has two names."""
    read, rename, count, inside = Path.read_bytes, os.rename, 0, []

    def no_links(*_):
        raise OSError(errno.EPERM, "no hard links here")

    def enter(name):
        try:
            stack.enter_context(locked(tmp_path / ".lock", system_lock=refused(errno.ENOLCK)))
            inside.append(name)
        except LockedError:
            pass

    def step():
        nonlocal count
        count += 1
        if count == moment:
            enter("second")

    def read_then_step(path):
        content = read(path)
        step()
        return content

    def step_then_rename(source, target):
        step()
        rename(source, target)

    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(os, "rename", step_then_rename)
    monkeypatch.setattr(Path, "read_bytes", read_then_step)
    with ExitStack() as stack:
        enter("first")
        assert len(inside) == 1
    assert not list(tmp_path.iterdir())


def test_a_removal_that_was_killed_is_named(tmp_path, stale):
    removal = tmp_path / ".lock.held.removal"
    removal.touch()
    lock = only_one(tmp_path / ".lock", "taken", system_lock=refused(errno.ENOLCK))
    with pytest.raises(UsageError, match="taken") as error, lock:
        pass
    assert str(removal) in str(error.value)
    removal.unlink()
    with only_one(tmp_path / ".lock", "taken", system_lock=refused(errno.ENOLCK)):
        pass
    assert not list(tmp_path.iterdir())
