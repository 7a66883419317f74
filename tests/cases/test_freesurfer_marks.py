"""A finished subject has the marks that FreeSurfer's own steps leave."""

import os
from dataclasses import replace

import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.freesurfer_marks import leave_marks, mark_paths
from fs_sclimbic.cases.images import image_case
from fs_sclimbic.cases.subjects import subject_case
from tests.cohorts import never, run_one


def test_marks_of_a_subject(subjects_dir, predictor, run):
    case = subject_case(subjects_dir, "bert", Requests(), base="lim")
    touch, commands = mark_paths(case)
    assert (touch, commands) == (subjects_dir / "bert/touch/lim.touch", subjects_dir / "bert/scripts/lim.cmd")
    run_one(case, lambda: predictor, run)
    assert touch.read_text() == "mri_sclimbic_seg --x\n"
    assert touch.stat().st_mtime_ns >= case.outputs.record.stat().st_mtime_ns
    assert commands.read_text().startswith("#@# lim 20")
    assert commands.read_text().endswith("\nmri_sclimbic_seg --x\n\n")
    before = commands.read_text()
    assert run_one(case, never, run).status == "skipped"
    assert commands.read_text() == before
    os.utime(touch, (0, 0))
    assert run_one(case, never, run).status == "skipped"
    assert touch.stat().st_mtime_ns > case.t1.stat().st_mtime_ns, "else FreeSurfer's scripts would call us again"
    leave_marks(case, run)
    assert commands.read_text().count("#@# lim") == 2


def test_an_image_has_none(tmp_path, head_file, run):
    case = image_case(head_file, tmp_path / "o.mgz", Requests())
    assert mark_paths(case) is None
    leave_marks(case, run)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["head.nii.gz"]


def test_a_subject_that_is_only_read_has_none(subjects_dir, tmp_path):
    case = subject_case(subjects_dir, "bert", Requests())
    elsewhere = replace(case.outputs, record=tmp_path / "out/bert/scripts/sclimbic.json")
    assert mark_paths(replace(case, outputs=elsewhere)) is None


@pytest.mark.parametrize("name", ["touch", "scripts"])
def test_marks_that_cannot_be_written_cost_no_case(subjects_dir, predictor, run, name, caplog):
    case = subject_case(subjects_dir, "bert", Requests())
    touch, commands = mark_paths(case)
    blocked = touch if name == "touch" else commands
    blocked.mkdir(parents=True)
    assert run_one(case, lambda: predictor, run).status == "done"
    assert "cannot be written" in caplog.text
