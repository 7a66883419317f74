import subprocess
import sys

import pytest

from fs_sclimbic.errors import UsageError
from fs_sclimbic.files.locks import only_one
from tests.conftest import ROOT

HOLD = """
import sys
from pathlib import Path
from fs_sclimbic.files.locks import only_one
with only_one(Path(sys.argv[1]), "taken"):
    print("in", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other_process(tmp_path):
    """Another process inside the lock; it leaves when its input ends."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / ".lock")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "in\n"
        yield process
        if process.poll() is None:
            process.communicate()


def test_a_second_process_is_told_so(tmp_path, other_process):
    with pytest.raises(UsageError, match="another runs here"), only_one(tmp_path / ".lock", "another runs here"):
        pass


def test_it_is_free_again_when_the_other_leaves(tmp_path, other_process):
    other_process.communicate()
    with only_one(tmp_path / ".lock", "taken"):
        pass
    assert not list(tmp_path.iterdir())


def test_it_is_free_again_when_the_other_is_killed(tmp_path, other_process):
    other_process.kill()
    other_process.wait()
    with only_one(tmp_path / ".lock", "taken"):
        pass
    assert not list(tmp_path.iterdir())


def test_an_error_inside_leaves_no_lock(tmp_path):
    with pytest.raises(RuntimeError), only_one(tmp_path / ".lock", "taken"):
        raise RuntimeError
    assert not list(tmp_path.iterdir())
