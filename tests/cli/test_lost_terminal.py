"""A terminal that goes away in the middle of a run: the run ends as its signals want, with its log and its tables."""

import csv
import os
import pty
import subprocess
import sys

import pytest

from fs_sclimbic.image.volume import Volume, write_volume
from tests.conftest import ROOT

# A session of its own, as a login has it; with a controlling terminal the system sends SIGHUP when that goes.
LOGIN = """
import fcntl, signal, sys, termios
hangup, *words = sys.argv[1:]
signal.signal(signal.SIGHUP, signal.SIG_IGN if hangup == "ignored" else signal.SIG_DFL)
if hangup != "not sent":
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from fs_sclimbic.cli.main import main
sys.exit(main(words))
"""


def run_until(text, count, words, hangup):
    """Run fs_sclimbic on a terminal that is closed when a text has been shown some times; returns the exit status."""
    master, slave = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-c", LOGIN, hangup, *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "400"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    shown = b""
    while shown.count(text) < count:
        shown += os.read(master, 4096)  # EIO if the run ends before
    os.close(master)
    return running.wait(120)


def heads_in(folder, head, count):
    folder.mkdir()
    for number in range(count):
        write_volume(Volume(head.data * (number + 1), head.grid), folder / f"{number:03d}.mgh")


def rows_of(folder):
    with open(folder / "sclimbic_volumes_all.csv") as file:
        return [row[0] for row in csv.reader(file)][1:]


@pytest.mark.parametrize("hangup", ["not sent", "ignored"])
def test_a_run_goes_on_without_its_terminal(tmp_path, head, tiny_flags, hangup):
    heads_in(tmp_path / "in", head, 12)
    words = ["--i", tmp_path / "in", "--o", tmp_path / "out", *tiny_flags]
    assert run_until(b": done in", 2, words, hangup) == 0
    assert rows_of(tmp_path / "out") == [f"{number:03d}" for number in range(12)]
    log = (tmp_path / "out/mri_sclimbic.log").read_text()
    assert all(f" {number:03d} done " in log for number in range(12))
    assert log.splitlines()[-2:] == ["12 done, 0 skipped, 0 failed", "12 good"]


def test_a_run_that_is_hung_up_loses_no_case(tmp_path, head, tiny_flags):
    heads_in(tmp_path / "in", head, 200)
    words = ["--i", tmp_path / "in", "--o", tmp_path / "out", *tiny_flags]
    assert run_until(b": done in", 2, words, "sent") == 130
    done = sorted(path.name[:3] for path in (tmp_path / "out").glob("*.json"))
    assert 2 <= len(done) < 200
    assert rows_of(tmp_path / "out") == done
    log = (tmp_path / "out/mri_sclimbic.log").read_text()
    assert all(f" {name} done " in log for name in done)
    assert log.splitlines()[-2] == (
        f"{len(done)} done, 0 skipped, 0 failed, {200 - len(done)} not run: interrupted; "
        "give the same command again to go on"
    )


def test_a_fault_while_a_case_is_shown_costs_no_table(tmp_path, head, run_seg, monkeypatch):
    """Whatever it is that ends the run: the case that could not be shown is in the log and in the table."""
    heads_in(tmp_path / "in", head, 3)

    class Screen:
        def write(self, text):
            if "[2/3]" in text:
                raise ValueError("no such character")

        def flush(self):
            pass

        def isatty(self):
            return False

    monkeypatch.setattr("sys.stdout", Screen())
    with pytest.raises(ValueError, match="no such character"):
        run_seg(f"--i {tmp_path / 'in'} --o {tmp_path / 'out'} --threads 1")
    assert rows_of(tmp_path / "out") == ["000", "001"]
    log = (tmp_path / "out/mri_sclimbic.log").read_text()
    assert " 001 done " in log
    assert log.splitlines()[-4:][::2] == [
        "ValueError: no such character",
        "2 done, 0 skipped, 0 failed, 1 not run",
    ]
