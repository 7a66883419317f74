"""Readers that go away early."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT


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
