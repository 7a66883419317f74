from pathlib import Path

import pytest

from fs_sclimbic.bids.cases import image_cases, recon_all_cases
from fs_sclimbic.cases.case import Requests
from fs_sclimbic.errors import UsageError
from tests.datasets import images_of, t1

ALL = Requests(posteriors=True, volumes=True, qa_stats=True, etiv_from_image=True)


def cases_of(tmp_path, *files, **more):
    return image_cases(images_of(tmp_path, *files).images, Path("out"), ALL, **more)


def test_where_the_results_of_an_image_lie(tmp_path):
    (one,) = cases_of(tmp_path, t1("sub-01", "ses-1", "acq-a", "run-2"))
    outputs, home = one.case.outputs, Path("out/sourcedata/sclimbic/sub-01_ses-1_acq-a_run-2")
    stem = "out/sub-01/ses-1/anat/sub-01_ses-1_acq-a_run-2_seg-limbic"
    assert one.case.name == "sub-01_ses-1_acq-a_run-2"
    assert one.sources == (f"bids:raw:{t1('sub-01', 'ses-1', 'acq-a', 'run-2')}",)
    assert outputs.segmentation == Path(f"{stem}_dseg.nii.gz")
    assert outputs.posteriors == Path(f"{stem}_probseg.nii.gz")
    assert outputs.record == home / "scripts/sclimbic.json"
    assert outputs.stats == home / "stats/sclimbic.stats"
    assert outputs.xfm == home / "mri/transforms/sclimbic.talairach.xfm"
    assert outputs.ctab is None


def test_a_case_is_called_by_its_own_image_alone(tmp_path):
    files = [t1("sub-01", "run-1"), t1("sub-01", "run-2")]
    assert [one.case.name for one in cases_of(tmp_path / "a", files[0])] == ["sub-01_run-1"]
    assert [one.case.name for one in cases_of(tmp_path / "b", *files)] == ["sub-01_run-1", "sub-01_run-2"]


def test_results_of_fmriprep_have_the_names_of_the_raw_image(tmp_path):
    (one,) = cases_of(tmp_path, t1("sub-01", "desc-preproc"))
    assert one.case.name == "sub-01"
    assert one.case.outputs.segmentation.name == "sub-01_seg-limbic_dseg.nii.gz"


def test_another_base_keeps_both(tmp_path):
    (one,) = cases_of(tmp_path, t1("sub-01"), base="study")
    assert one.case.outputs.segmentation.name == "sub-01_seg-limbic_desc-study_dseg.nii.gz"
    assert one.case.outputs.record.name == "study.json"


def make_subject(folder, name):
    for path in ("mri/nu.mgz", "mri/transforms/talairach.xfm", "scripts/recon-all.done"):
        (folder / name / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / name / path).touch()


def test_subjects_of_recon_all(tmp_path):
    for name in ("sub-01_ses-1", "sub-01_ses-2", "sub-02", "fsaverage"):
        make_subject(tmp_path / "fs", name)
    files = [t1("sub-01", "ses-1"), t1("sub-01", "ses-2", "run-1"), t1("sub-01", "ses-2", "run-2")]
    files += [t1("sub-02", "ses-1"), t1("sub-02", "ses-2"), t1("sub-03")]
    found = images_of(tmp_path / "study", *files)
    cases = recon_all_cases(found.images, tmp_path / "fs", Path("out"), Requests(volumes=True))
    assert [one.case.name for one in cases] == ["sub-01_ses-1", "sub-01_ses-2", "sub-02", "sub-03"]
    first, _, whole, missing = cases
    assert first.case.t1 == tmp_path / "fs/sub-01_ses-1/mri/nu.mgz"
    assert first.sources[1] == "bids:freesurfer:sub-01_ses-1/mri/transforms/talairach.xfm"
    assert first.case.scripts == tmp_path / "fs/sub-01_ses-1/scripts"
    assert whole.case.outputs.segmentation == Path("out/sub-02/anat/sub-02_seg-limbic_dseg.nii.gz")
    assert "subject does not exist" in missing.case.problem
    assert all(str(path).startswith("out/") for one in cases for path in one.case.outputs.written())


def test_no_subjects_dir(tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        recon_all_cases(images_of(tmp_path, t1("sub-01")).images, tmp_path / "x", Path("out"), Requests())
