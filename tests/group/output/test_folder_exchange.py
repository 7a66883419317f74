import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fs_sclimbic.files.system import process_space
from fs_sclimbic.group.output.folder_exchange import (
    check_place,
    exchange_names,
    put_in_place,
    restore_folder,
    write_beside,
    write_folder,
)
from tests.conftest import ROOT

FIRST = {"log": b"first", "a/C.dat": b"1", "a/x": b"2"}
SECOND = {"log": b"second", "b/C.dat": b"3"}
SCRIPT = """
import os, signal, sys
from pathlib import Path
from fs_sclimbic.group.output.folder_exchange import exchange_names, write_folder

count, last, swap = 0, int(sys.argv[2]), sys.argv[3] == "swap"

def killed_at(event, _words):
    global count
    if event.startswith(("os.", "open", "shutil.")) and event != "os.listdir":
        count += 1
        if count == last:
            os.kill(os.getpid(), signal.SIGKILL)

def exchange(new, final):
    if not swap:
        return False
    done = exchange_names(new, final)
    os.listdir(".")
    sys.audit("os.exchanged")
    return done

sys.addaudithook(killed_at)
write_folder(sys.argv[1], {"log": b"second", "b/C.dat": b"3"}, exchange)
"""


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refuse(_new, _final):
    return False


@pytest.mark.parametrize("exchange", [None, refuse])
def test_a_folder_takes_the_place_of_another(tmp_path, exchange):
    out = tmp_path / "deep" / "out"
    write_folder(out, FIRST, exchange)
    assert content(out) == FIRST
    write_folder(out, SECOND, exchange)
    assert content(out) == SECOND
    assert [path.name for path in out.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("way", ["swap", "two renames"])
def test_a_kill_at_any_step_leaves_one_fit_whole(tmp_path, way):
    """SIGKILL before each call of the system; the next run finds the earlier fit or the new one, never none."""
    seen = []
    for step in range(1, 200):
        out = tmp_path / str(step) / "out"
        write_folder(out, FIRST)
        words = [sys.executable, "-c", SCRIPT, str(out), str(step), way]
        status = subprocess.run(words, cwd=ROOT, check=False).returncode
        if way == "swap":
            assert out.exists(), step
        restore_folder(out)
        found = content(out)
        assert found in (FIRST, SECOND), step
        seen.append(found == SECOND)
        if status == 0:
            break
        assert status == -signal.SIGKILL
        write_folder(out, SECOND)  # the next run removes what was left
        assert content(out) == SECOND
        assert [path.name for path in out.parent.iterdir()] == ["out"]
    assert status == 0
    assert seen[0] is False
    assert seen[-1] is True
    assert len(seen) > 8


def test_names_are_exchanged_in_one_step(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(name)
    if not exchange_names(tmp_path / "a", tmp_path / "b"):
        pytest.skip("this system cannot exchange names")
    assert (tmp_path / "a/b").exists()
    assert (tmp_path / "b/a").exists()
    with pytest.raises(OSError, match="No such file"):
        exchange_names(tmp_path / "a", tmp_path / "none")


def test_an_error_leaves_the_earlier_folder(tmp_path):
    def full(_new, _final):
        raise OSError(28, "No space left on device")

    write_folder(tmp_path / "out", FIRST)
    with pytest.raises(OSError, match="No space left") as error:
        write_folder(tmp_path / "out", SECOND, full)
    assert error.value.filename == str(tmp_path / "out")
    assert content(tmp_path / "out") == FIRST
    (kept,) = tmp_path.glob("sclimbic-results-*")
    assert str(kept) in error.value.strerror
    assert content(kept) == SECOND, "results are never lost"
    write_folder(tmp_path / "out", SECOND)
    assert {path.name for path in tmp_path.iterdir()} == {"out", kept.name}


def test_an_interrupt_and_a_failed_write_leave_nothing(tmp_path):
    def interrupted(_new, _final):
        raise KeyboardInterrupt

    write_folder(tmp_path / "out", FIRST)
    with pytest.raises(KeyboardInterrupt):
        write_folder(tmp_path / "out", SECOND, interrupted)
    with pytest.raises(OSError, match=r"File exists|Not a directory"):
        write_folder(tmp_path / "out", {"a": b"", "a/b": b""})
    assert content(tmp_path / "out") == FIRST
    assert os.listdir(tmp_path) == ["out"]


def test_nobody_restores_the_earlier_folder_between_two_renames(tmp_path, monkeypatch):
    """Without exchange, the folder has no name for a moment; a second analysis that starts then waits."""
    out, rename, restored = tmp_path / "out", os.rename, []
    other = threading.Thread(target=lambda: restored.append(restore_folder(out)))

    def step(source, target):
        rename(source, target)
        if Path(source) == out:
            other.start()
            other.join(0.5)

    write_folder(out, FIRST)
    monkeypatch.setattr(os, "rename", step)
    write_folder(out, SECOND, refuse)
    other.join()
    assert restored == [False]
    assert content(out) == SECOND
    assert os.listdir(tmp_path) == ["out"]


def test_a_place_is_checked_without_a_trace(tmp_path):
    write_folder(tmp_path / "out", FIRST)
    check_place(tmp_path / "out")
    check_place(tmp_path / "new/deep")
    assert os.listdir(tmp_path) == ["out"]
    assert content(tmp_path / "out") == FIRST
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory") as error:
        check_place(tmp_path / "file/out")
    assert error.value.filename == str(tmp_path / "file/out")


def test_a_place_that_may_not_be_written(tmp_path):
    if os.getuid() == 0:
        pytest.skip("root may write all")
    (tmp_path / "shut").mkdir()
    (tmp_path / "shut").chmod(0o500)
    with pytest.raises(PermissionError):
        check_place(tmp_path / "shut/out")


IN_A_MOUNT = """
import sys
from pathlib import Path
from fs_sclimbic.errors import TableError
from fs_sclimbic.group.output.glm_tree import check_replaceable, write_tree
out = Path(sys.argv[1])
assert not out.is_mount(), "Python does not see it"
for action in (lambda: check_replaceable(out), lambda: write_tree(out, {"mri_glmfit.log": b"new"})):
    try:
        action()
    except TableError as error:
        print(error)
"""


def test_a_folder_that_is_mounted_from_the_same_disk(tmp_path):
    """What `ismount` does not see; told before the fit, and nothing is lost where it is met at the end."""
    (tmp_path / "out").mkdir()
    bind = 'mount --bind "$1" "$1" && exec "$2" -c "$3" "$1"'
    enter = ["unshare", "-m", "sh", "-c", bind, "sh", str(tmp_path / "out"), sys.executable, IN_A_MOUNT]
    try:
        done = subprocess.run(enter, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs unshare")
    if "unshare" in done.stderr or "mount:" in done.stderr or "does not see" in done.stderr:
        pytest.skip("this user cannot mount")
    early, late = done.stdout.splitlines()
    assert "Device or resource busy" in early
    (kept,) = tmp_path.glob("sclimbic-results-*")
    assert str(kept) in late
    assert content(kept) == {"mri_glmfit.log": b"new"}


def test_what_cannot_be_kept_is_told(tmp_path):
    (tmp_path / "file").touch()
    assert "could not be kept" in write_beside(tmp_path / "file/out", FIRST)


def test_two_renames_put_the_earlier_folder_back(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/x").write_text("1")
    with pytest.raises(FileNotFoundError):
        put_in_place(tmp_path / "none", tmp_path / "out", refuse)
    assert (tmp_path / "out/x").read_text() == "1"
    assert os.listdir(tmp_path) == ["out"]


def test_what_running_processes_and_other_machines_write_stays(tmp_path):
    write_folder(tmp_path / "out", FIRST)
    stub = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    with pytest.raises(OSError, match="deliberate"):
        write_folder(tmp_path / "out", FIRST, lambda new, final: stop(new))
    (kept,) = [name for name in os.listdir(tmp_path / "kept")]
    prefix = kept.rpartition(f"-{process_space()}-")[0]
    dead, here, away = (
        tmp_path / f"{prefix}-{space}-{pid}-{'0' * 16}.tmp"
        for space, pid in ((process_space(), stub.stdout.strip()), (process_space(), os.getpid()), ("0" * 8, 1))
    )
    for folder in (dead, here, away):
        folder.mkdir()
    write_folder(tmp_path / "out", SECOND)
    assert [folder.exists() for folder in (dead, here, away)] == [False, True, True]
    os.utime(away, (0, 0))
    write_folder(tmp_path / "out", SECOND)
    assert not away.exists()


def stop(new):
    """Note the temporary name, and fail."""
    (new.parent / "kept" / new.name).mkdir(parents=True)
    raise OSError(5, "deliberate")
