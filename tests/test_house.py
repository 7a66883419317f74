"""The house in CONTRIBUTING.md is the one that the code draws."""

import subprocess
import sys

from tests.conftest import ROOT


def house(*words) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, ROOT / "benchmarks/house.py", *words], capture_output=True, text=True)


def test_diagram_is_up_to_date():
    done = house("--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_arrow_between_folders_points_up():
    assert "arrows that point up (in a circle): 0\n" in house().stdout


def test_an_arrow_that_points_up_is_found(tmp_path):
    for folder, imported in {"low": "high.above", "high": "low.below"}.items():
        (tmp_path / "fs_sclimbic" / folder).mkdir(parents=True)
        (tmp_path / "fs_sclimbic" / folder / "__init__.py").touch()
        name = "below" if folder == "low" else "above"
        (tmp_path / "fs_sclimbic" / folder / f"{name}.py").write_text(
            f"import fs_sclimbic.{imported}\n\n\ndef f(a): f(a)\n"
        )
    (tmp_path / "fs_sclimbic/__init__.py").touch()
    printed = house("--root", tmp_path).stdout
    assert "arrows that point up (in a circle): 2\n  high <-> low\n" in printed
