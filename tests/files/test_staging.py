import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fs_sclimbic.files.staging import (
    StagedFiles,
    append_text,
    is_leftover,
    remove_leftovers,
    temporary_name,
    write_atomically,
    write_new,
)
from fs_sclimbic.files.system import process_space
from tests.conftest import ROOT


def test_all_or_nothing(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(RuntimeError), StagedFiles() as staged:  # noqa: PT012
        staged.write(tmp_path / "a", b"new")
        staged.write(tmp_path / "deep/er/b", b"new")
        assert (tmp_path / "a").read_text() == "old"
        raise RuntimeError
    assert (tmp_path / "a").read_text() == "old"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "a"]


def test_commit_replaces_and_leaves_no_rest(tmp_path):
    (tmp_path / "a").write_text("old")
    with StagedFiles() as staged:
        staged.write(tmp_path / "a", b"new")
        staged.write(tmp_path / "deep/b", b"two")
    assert (tmp_path / "a").read_text() == "new"
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["a", "b"]


def test_a_file_that_cannot_be_staged_costs_no_other(tmp_path):
    (tmp_path / "file").write_text("is no folder")
    with StagedFiles() as staged:
        staged.write(tmp_path / "a", b"new")
        with pytest.raises(OSError, match="file"):
            staged.write(tmp_path / "file/b", b"new")
    assert (tmp_path / "a").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "file"]


def test_files_have_the_users_permissions(tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("")
    write_atomically(tmp_path / "ours", b"")
    assert (tmp_path / "ours").stat().st_mode == plain.stat().st_mode


def test_two_writers_of_one_file_leave_one_whole_file(tmp_path):
    texts = [letter.encode() * 200_000 for letter in "abcdefgh"]
    threads = [threading.Thread(target=write_atomically, args=(tmp_path / "t", text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "t").read_bytes() in texts
    assert list(tmp_path.iterdir()) == [tmp_path / "t"]


def test_append(tmp_path):
    append_text(tmp_path / "x/log", "a\n")
    append_text(tmp_path / "x/log", "b\n")
    assert (tmp_path / "x/log").read_text() == "a\nb\n"


def test_an_interrupt_waits_for_the_last_rename(tmp_path, monkeypatch):
    """An image must not come to lie beside the stats of an earlier run."""
    rename, calls = os.replace, []

    def interrupted(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise KeyboardInterrupt
        rename(source, target)

    for name in "abc":
        (tmp_path / name).write_text("old")
    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt), StagedFiles() as staged:  # noqa: PT012
        for name in "abc":
            staged.write(tmp_path / name, b"new")
    assert [(tmp_path / name).read_text() for name in "abc"] == ["new"] * 3
    assert len(list(tmp_path.iterdir())) == 3


def test_an_error_names_the_final_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError) as error:  # noqa: PT011
        write_atomically(tmp_path / "file/below.csv", b"")
    assert error.value.filename == str(tmp_path / "file/below.csv")


def test_long_and_undecodable_names(tmp_path):
    write_atomically(tmp_path / ("x" * 250), b"")
    append_text(tmp_path / "log", "M\udcfcller\n")
    assert (tmp_path / "log").read_bytes() == b"M\xfcller\n"


def temporary(space, pid):
    return f".sclimbic-{space}{pid}-0123456789abcdef.tmp"


@pytest.fixture
def dead_process():
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_temporary_files_of_killed_runs_go_and_those_of_running_ones_stay(tmp_path, dead_process):
    space = f"{process_space()}-"
    names = {
        temporary(space, dead_process): False,
        temporary(space, os.getpid()): True,
        temporary("00000000-", dead_process): True,  # of another machine, and young
        temporary("", dead_process): True,  # of an earlier version, and young
        "mine.tmp": True,
        ".sclimbic-notes.tmp": True,
    }
    for name in names:
        (tmp_path / name).touch()
    for name in ("00000000-", ""):
        old = tmp_path / temporary(name, 7)
        old.touch()
        os.utime(old, (0, 0))
        names[old.name] = False
    removed = remove_leftovers([tmp_path, tmp_path / "none", tmp_path])
    assert {path.name for path in removed} == {name for name, stays in names.items() if not stays}
    assert {path.name for path in tmp_path.iterdir()} == {name for name, stays in names.items() if stays}


def test_what_is_temporary_for_another_purpose_stays(tmp_path, dead_process):
    purpose = "0123456789abcdef"
    (tmp_path / temporary_name(purpose).replace(f"-{os.getpid()}-", f"-{dead_process}-")).touch()
    (entry,) = os.scandir(tmp_path)
    assert is_leftover(entry, purpose)
    assert not is_leftover(entry, purpose[::-1])
    assert not is_leftover(entry)
    assert remove_leftovers([tmp_path]) == []


def test_the_next_run_removes_what_a_killed_one_left(tmp_path):
    code = (
        "import os, signal, sys; from fs_sclimbic.files.staging import StagedFiles\n"
        "with StagedFiles() as staged:\n"
        "    staged.write(sys.argv[1] + '/table.csv', b'half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=False)
    assert [path.suffix for path in tmp_path.iterdir()] == [".tmp"]
    write_atomically(tmp_path / "table.csv", b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_a_temporary_file_that_somebody_removed_is_an_error(tmp_path):
    with pytest.raises(OSError, match="table") as error, StagedFiles() as staged:  # noqa: PT012
        staged.write(tmp_path / "table.csv", b"x")
        next(tmp_path.glob(".sclimbic-*")).unlink()
    assert error.value.errno == errno.ENOENT


@pytest.mark.parametrize("write", [write_new, append_text], ids=["new", "append"])
def test_a_full_disk_names_the_file(write, tmp_path):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    (tmp_path / "log").symlink_to(full)
    text = "x" if write is append_text else b"x"
    path = tmp_path / "log"
    with pytest.raises(OSError) as error:  # noqa: PT011
        write(path, text)
    assert error.value.filename == str(path)
