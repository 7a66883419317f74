import os
import subprocess
import sys
import threading

import pytest

from fs_sclimbic.files.staging import StagedFiles, append_text, remove_leftovers, write_atomically
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


KILLED = """
import os, pathlib
from fs_sclimbic.files.staging import StagedFiles
with StagedFiles() as staged:
    staged.write(pathlib.Path("table.csv"), b"half")
    os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})
    (left,) = tmp_path.glob(".sclimbic-*.tmp")
    assert remove_leftovers([tmp_path, tmp_path, tmp_path / "none"]) == [left]
    assert not list(tmp_path.iterdir())


def test_what_a_running_process_stages_is_kept(tmp_path):
    """Ours, one of another machine or container, and what only looks alike; a day later the first two are left over."""
    with StagedFiles() as staged:
        staged.write(tmp_path / "table.csv", b"case\n")
        (mine,) = tmp_path.glob(".sclimbic-*.tmp")
        elsewhere = tmp_path / f".sclimbic-00000000-999999-{'0' * 16}.tmp"
        other = tmp_path / ".sclimbic-notes.tmp"
        for path in (elsewhere, other):
            path.touch()
        assert remove_leftovers([tmp_path]) == []
        os.utime(elsewhere, (0, 0))
        os.utime(other, (0, 0))
        assert remove_leftovers([tmp_path]) == [elsewhere]
    assert sorted(path.name for path in tmp_path.iterdir()) == [other.name, "table.csv"]
    assert mine.name not in os.listdir(tmp_path)
