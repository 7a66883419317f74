"""fs_sclimbic doctor: one screen, and an exit status."""

import os

import pytest

from fs_sclimbic.cli.doctor import main


def test_a_machine_that_is_ready(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert main(["--quick", "--sd", str(tmp_path), "--folder", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    for words in ("weights", "SUBJECTS_DIR", "has locks", "will be made", "models"):
        assert words in printed
    assert printed.endswith("ready\n")
    assert not list(tmp_path.iterdir())


def test_a_problem(tmp_path, capsys, monkeypatch):
    program = tmp_path / "mri_sclimbic_seg"
    program.write_text("#!/bin/tcsh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/nowhere")
    assert main(["--quick"]) == 1
    printed = capsys.readouterr().out
    assert "PROBLEM mri_sclimbic_seg" in printed
    assert printed.endswith("1 problem found\n")


@pytest.mark.parametrize("home", ["", "sourcedata/sclimbic"], ids=["images", "BIDS"])
def test_results_of_other_weights_in_a_folder(tmp_path, capsys, monkeypatch, home):
    """A run with the same words would stop."""
    monkeypatch.setenv("PATH", "")
    (tmp_path / home).mkdir(parents=True, exist_ok=True)
    (tmp_path / home / "sclimbic_weights.txt").write_text(f"weights other.h5\nsha256 {'0' * 64}\n")
    assert main(["--quick", "--folder", str(tmp_path)]) == 1
    assert "made with other weights (other.h5)" in capsys.readouterr().out


def test_usage():
    assert main(["--what"]) == 2
