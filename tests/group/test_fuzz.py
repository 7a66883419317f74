"""Damaged files of a group study end in our errors, in time and memory. The long run is benchmarks/fuzz_tables.py."""

import subprocess
import sys

from tests.conftest import ROOT


def test_damaged_files_of_every_form():
    command = [sys.executable, "benchmarks/fuzz_tables.py", "--count", "100", "--seed", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("   0 of 100 escape") >= 19
