"""Damaged files end in our errors, in time, in bounded memory. The long run is benchmarks/fuzz.py."""

import subprocess
import sys

from tests.conftest import ROOT
from tests.mutations import mutations


def test_damaged_files_of_every_format():
    command = [sys.executable, "benchmarks/fuzz.py", "--count", "60", "--seed", "7"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("0 of 60 escape") >= 9


def test_damage_is_the_same_for_the_same_seed_and_seldom_none():
    content = bytes(range(256)) * 4
    damaged = list(mutations(content, 20, 3))
    assert damaged == list(mutations(content, 20, 3))
    assert sum(one != content for one in damaged) > 16
