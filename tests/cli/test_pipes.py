"""Readers and terminals that go away early."""

import os
import pty
import subprocess
import sys

import pytest

from fs_sclimbic.cli.pipes import OutlivingFile, outlive_readers
from fs_sclimbic.cli.progress import say
from fs_sclimbic.cli.train_progress import watch_steps
from tests.conftest import ROOT

FSGD = "GroupDescriptorFile 1\nClass A\nClass B\nInput s1 A\nInput s2 A\nInput s3 B\nInput s4 B\nInput s5 B\n"
TABLE = "Measure:volume X\ns1 1.5\ns2 2\ns3 4\ns4 3\ns5 3.5\n"
STATS = "# ColHeaders Index SegId NVoxels Volume_mm3 StructName\n1 26 10 10.0 X\n"


@pytest.mark.parametrize(
    "words", [["model", "list"], ["--help"], ["glm", "--help"], ["fsgd", "check", "none.fsgd"]], ids=" ".join
)
def test_a_closed_pipe_is_silent(words, tmp_path):
    """As with ``| head -0``: nothing on stderr but errors of the command's own, and its own exit status."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "fs_sclimbic", *words]
    whole = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    reading, writing = os.pipe()
    os.close(reading)
    cut = subprocess.run(command, cwd=tmp_path, env=environment, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (cut.returncode, cut.stderr) == (whole.returncode, whole.stderr)


def test_work_goes_on_without_a_reader(tmp_path):
    """What is written after the reader has gone is written."""
    script = (
        "from fs_sclimbic.cli.pipes import outlive_readers; from pathlib import Path\n"
        "outlive_readers()\n"
        "for i in range(20000): print('line', i)\n"
        "Path('done').write_text('yes')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "done").exists()


def closed_terminal():
    """The end of a terminal that programs write to; the other end is closed."""
    master, slave = pty.openpty()
    os.close(master)
    return slave


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (["fs_sclimbic", "model", "list"], []),
        (["fs_sclimbic"], []),
        (["fs_sclimbic", "fsgd", "check", "none.fsgd"], []),
        (["fs_sclimbic", "fsgd", "make", "people.csv", "--class-columns", "dx", "-o", "made.fsgd"], ["made.fsgd"]),
        (["fs_sclimbic", "etiv", "blank.mgz", "--table", "etiv.tsv"], ["etiv.tsv"]),
        (["fs_sclimbic", "table", "--inputs", "a.stats", "--no-vol-extras", "-t", "made.tsv"], ["made.tsv"]),
        (["sclimbic_stats2table", "--etiv-only"], []),
        (["mri_sclimbic_seg"], []),
        (["sclimbic_glmfit", "--table", "t.dat", "--fsgd", "g.fsgd", "--checkopts"], []),
        (
            ["sclimbic_glmfit", "--table", "t.dat", "--fsgd", "g.fsgd", "--C", "c.mtx", "--glmdir", "fit"],
            ["fit/sig.table.dat"],
        ),
    ],
    ids=lambda value: "-".join(value[:3]) if value else "",
)
def test_a_closed_terminal_changes_nothing_but_the_words(words, files, tmp_path):
    """Standard output and standard error are a terminal that was closed."""
    contents = {
        "people.csv": "participant_id,dx\ns1,A\ns2,B\ns3,A\n",
        "g.fsgd": FSGD,
        "t.dat": TABLE,
        "a.stats": STATS,
        "c.mtx": "-1 1\n",
    }
    found = []
    for name, terminal in (("whole", subprocess.DEVNULL), ("cut", closed_terminal())):
        folder = tmp_path / name
        folder.mkdir()
        for file, text in contents.items():
            (folder / file).write_text(text)
        (folder / "blank.mgz").write_text("")
        command = [sys.executable, str(ROOT / "bin" / words[0]), *words[1:]]
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal)
        found.append((done.returncode, sorted(path.relative_to(folder) for path in folder.rglob("*"))))
    os.close(terminal)
    assert found[0] == found[1]
    assert all((tmp_path / "cut" / file).exists() for file in files)


def test_bars_and_lines_outlive_a_terminal(monkeypatch):
    """A training goes on when the terminal that shows its bar is closed."""
    master, slave = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    with open(slave, "w") as terminal:
        monkeypatch.setattr("sys.stdout", terminal)
        outlive_readers()
        with watch_steps(0, 3, quiet=False) as go_on:
            assert go_on(1, 0.5)
            os.close(master)
            print("a library's line")  # through the bar
            assert go_on(2, 0.5)
        say("ended")


def test_other_errors_of_an_output_are_told():
    """A full disk is no reader that has gone."""
    with OutlivingFile("/dev/full", "w") as full, pytest.raises(OSError, match="No space left"):
        full.write(b"line")
