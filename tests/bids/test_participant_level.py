from dataclasses import replace

import pytest

from fs_sclimbic.bids.participant_level import DatasetRequest, finisher, plan_dataset
from fs_sclimbic.cases.pipeline import Outcome
from fs_sclimbic.cases.record import read_record
from fs_sclimbic.errors import UsageError
from tests.datasets import make_dataset, t1


def planned(dataset, **more):
    return plan_dataset(DatasetRequest(dataset=dataset, out=dataset.parent / "out", **more))


def names(plan):
    return [one.case.name for one in plan.cases]


def test_the_images_of_a_raw_dataset(tmp_path):
    dataset = make_dataset(tmp_path / "study", t1("sub-01", "ses-1"), t1("sub-01", "ses-2"), t1("sub-02", "ses-1"))
    assert names(planned(dataset)) == ["sub-01_ses-1", "sub-01_ses-2", "sub-02_ses-1"]
    assert names(planned(dataset, participants=("01",), sessions=("2",))) == ["sub-01_ses-2"]
    assert planned(dataset).links == {"raw": dataset}
    assert all(one.case.etiv_from_image for one in planned(dataset).cases)
    assert not any(one.case.etiv_from_image for one in planned(dataset, with_etiv=False).cases)


def test_nothing_is_written(tmp_path):
    dataset = make_dataset(tmp_path / "study", t1("sub-01"))
    planned(dataset)
    assert not (tmp_path / "out").exists()


def test_recon_all_of_a_raw_dataset_is_used_only_if_it_is_named(tmp_path):
    dataset = make_dataset(tmp_path / "study", t1("sub-01"), "derivatives/freesurfer/sub-01/mri/nu.mgz")
    plan = planned(dataset)
    assert plan.cases[0].case.t1.name == "sub-01_T1w.nii.gz"
    assert "--subjects-dir" in plan.notes[0]
    plan = planned(dataset, subjects_dir=str(dataset / "derivatives/freesurfer"))
    assert plan.cases[0].case.t1.name == "nu.mgz"
    assert plan.links["freesurfer"] == dataset / "derivatives/freesurfer"


def test_recon_all_of_fmriprep_is_used_unless_it_is_refused(tmp_path):
    files = [t1("sub-01", "desc-preproc"), "sourcedata/freesurfer/sub-01/mri/nu.mgz"]
    dataset = make_dataset(tmp_path / "prep", *files, DatasetType="derivative")
    plan = planned(dataset)
    assert plan.cases[0].case.t1.name == "nu.mgz"
    assert plan.cases[0].case.transforms
    assert "--subjects-dir none" in plan.notes[0]
    assert planned(dataset, subjects_dir="none").cases[0].case.t1.name == "sub-01_desc-preproc_T1w.nii.gz"


def test_a_dataset_without_description(tmp_path):
    dataset = make_dataset(tmp_path / "study", t1("sub-01"))
    (dataset / "dataset_description.json").unlink()
    with pytest.raises(UsageError, match="--skip-bids-validation"):
        planned(dataset)
    assert names(planned(dataset, lenient=True)) == ["sub-01"]


def test_a_sidecar_that_cannot_be_written_fails_the_case(segmented, tmp_path):
    dataset, out = segmented
    (case, *_) = plan_dataset(DatasetRequest(dataset=dataset, out=out)).cases
    stats = read_record(case.case.outputs.record).stats
    (tmp_path / "file").touch()
    finish = finisher([replace(case, stem=tmp_path / "file/sub-01_seg-limbic")])
    outcome = finish(Outcome(case=case.case, status="done", seconds=1.0, stats=stats))
    assert outcome.status == "failed"
    assert "sidecar cannot be written" in outcome.message


def test_a_case_that_failed_has_its_log(tmp_path):
    dataset = make_dataset(tmp_path / "study", t1("sub-01"))
    plan = planned(dataset)
    case = plan.cases[0].case
    outcome = Outcome(case=case, status="failed", seconds=1.0, message="is empty")
    assert finisher(plan.cases)(outcome) == outcome
    assert "failed 1.0 s is empty" in case.outputs.log.read_text()
