"""Runs in processes of their own that are killed, started twice, or lack room. The long run is benchmarks/faults.py."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def table():
    """One line a fault: what was lost, done twice, and left over."""
    call = [sys.executable, "benchmarks/faults.py", "--quick"]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 0, done.stdout + done.stderr
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines()]


def test_nothing_is_lost_done_twice_or_left_over(table):
    header, _, *rows = table
    assert header == ["fault", "disturbed", "cases", "lost or different", "done twice", "left over", "s"]
    tried = [row for row in rows if len(row) == len(header)]
    assert len(rows) == 11
    assert len(tried) >= 10
    assert {tuple(row[3:6]) for row in tried} == {("0", "0", "0"), ("0", "-", "0")}
    assert tried[0][:3] == ["kill -9, same command again", "20", "60"]


def test_what_could_not_be_tried_is_told(table):
    untried = [row for row in table if row[1].startswith("not tried")]
    if untried:
        pytest.skip(f"a full disk {untried[0][1]}")
