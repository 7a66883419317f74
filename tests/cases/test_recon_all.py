"""Whether recon-all works on a subject, from the file that it leaves while it runs."""

import os
import subprocess
import sys

import pytest

from fs_sclimbic.cases.recon_all import find_recon_all
from fs_sclimbic.files.system import host_name

TEXT = """\
------------------------------
SUBJECT bert
DATE Thu Nov 26 12:00:00 UTC 2026
USER ann
HOST {host}
PROCESSID {pid}
PROCESSOR x86_64
"""


@pytest.fixture
def scripts(tmp_path):
    (tmp_path / "scripts").mkdir()
    return tmp_path / "scripts"


def mark(scripts, host="far", pid="77"):
    (scripts / "IsRunning.lh+rh").write_text(TEXT.format(host=host, pid=pid))


def test_nobody(scripts):
    assert find_recon_all(scripts) is None
    assert find_recon_all(None) is None
    assert find_recon_all(scripts / "none") is None


def test_on_another_machine(scripts):
    mark(scripts)
    found = find_recon_all(scripts)
    assert found.may_run
    assert found.text == (
        f"{scripts}/IsRunning.lh+rh: recon-all works on this subject (ann, far, Thu Nov 26 12:00:00 UTC 2026)"
    )


def test_ended_on_this_machine(scripts):
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    mark(scripts, host_name(), ended.stdout.strip())
    found = find_recon_all(scripts)
    assert not found.may_run
    assert "was ended in its work" in found.text


def test_the_one_that_calls_us_is_no_other(scripts):
    mark(scripts, host_name(), os.getppid())
    assert find_recon_all(scripts) is None


@pytest.mark.parametrize("content", [b"", b"\xff\x00\n\n", b"PROCESSID\nHOST\n", b"PROCESSID none\n"])
def test_a_file_that_says_nothing_counts(scripts, content):
    (scripts / "IsRunning.lh").write_bytes(content)
    found = find_recon_all(scripts)
    assert found.may_run
    assert found.text.endswith("works on this subject")
