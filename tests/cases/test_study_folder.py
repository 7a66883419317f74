"""The cases of a folder of results, and of a SUBJECTS_DIR."""

import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.images import folder_cases, image_case
from fs_sclimbic.cases.study_folder import StudyFolder
from fs_sclimbic.cases.subjects import subject_case
from fs_sclimbic.errors import UsageError
from tests.cohorts import run_one


@pytest.mark.parametrize("base", ["sclimbic", "lim"])
def test_results_of_a_folder(tmp_path, head_file, predictor, run, base):
    out = tmp_path / "out"
    study = StudyFolder(folder=out, base=base)
    assert list(study.records()) == []
    (case,) = folder_cases(tmp_path, out, Requests(), base=base)
    run_one(case, lambda: predictor, run)
    run_one(image_case(head_file, out / "other.mgz", Requests()), lambda: predictor, run)
    other_base = StudyFolder(folder=out, base="lim" if base == "sclimbic" else "sclimbic")
    assert study.record_path("head") == case.outputs.record
    assert [name for name, _ in study.records()] == ["head"], "an image with an output of its own is another study"
    assert list(study.records(without=frozenset({"head"}))) == list(other_base.records()) == []
    assert study.tables_start == out / base
    case.outputs.segmentation.unlink()
    assert study.read("head") is None


def test_results_of_subjects(subjects_dir, predictor, run):
    study = StudyFolder(folder=subjects_dir, of_subjects=True)
    case = subject_case(subjects_dir, "bert", Requests())
    run_one(case, lambda: predictor, run)
    assert [name for name, _ in study.records()] == ["bert"]
    assert study.record_path("bert") == case.outputs.record
    case.outputs.segmentation.unlink()
    assert list(study.records()) == []


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="folder of results does not exist"):
        StudyFolder(folder=tmp_path / "none").names()
