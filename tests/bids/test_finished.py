import shutil

import pytest

from fs_sclimbic.bids.finished import find_finished_in_bids, holds_bids_results
from fs_sclimbic.errors import UsageError


def test_finished_cases_for_quality_control(segmented):
    dataset, out = segmented
    assert holds_bids_results(out)
    cases = find_finished_in_bids(out)
    assert [case.name for case in cases] == ["sub-01_ses-1", "sub-01_ses-2", "sub-02_ses-1_run-1"]
    first = cases[0]
    assert first.problem is None
    assert first.segmentation.name == "sub-01_ses-1_seg-limbic_dseg.nii.gz"
    assert first.t1 == dataset / "sub-01/ses-1/anat/sub-01_ses-1_T1w.nii.gz"
    assert first.posteriors.name == "sub-01_ses-1_seg-limbic_probseg.nii.gz"
    assert [row.structure.name for row in first.stats.structures] == ["Left-Ball"]
    assert [case.name for case in find_finished_in_bids(out, participants=("02",))] == ["sub-02_ses-1_run-1"]


def test_posteriors_that_are_lost_are_none(segmented, tmp_path):
    out = shutil.copytree(segmented[1], tmp_path / "out")
    (out / "sub-01/ses-1/anat/sub-01_ses-1_seg-limbic_probseg.nii.gz").unlink()
    (first, *_) = find_finished_in_bids(out)
    assert first.posteriors is None


def test_another_folder_is_none(tmp_path):
    assert not holds_bids_results(tmp_path)
    with pytest.raises(UsageError, match="holds no results of fs_sclimbic bids"):
        find_finished_in_bids(tmp_path)
