import os

import pytest

from fs_sclimbic.bids.tree import find_t1_images
from fs_sclimbic.errors import UsageError
from tests.datasets import images_of, make_dataset, t1


def sources(found):
    return [image.source for image in found.images]


def test_images_of_all_sessions_in_order(tmp_path):
    files = [
        t1("sub-02"),
        t1("sub-01", "ses-2"),
        t1("sub-01", "ses-1", "run-1"),
        t1("sub-01"),
        t1("sub-03", ending=".nii"),
    ]
    found = images_of(tmp_path, *files, "sub-04/anat/sub-04_T2w.nii.gz", "sub-01/anat/sub-01_T1w.json")
    assert sources(found) == [files[3], files[2], files[1], files[0], files[4]]
    assert found.participants == ("01", "02", "03", "04")
    assert not found.odd_names
    assert all(image.problem is None for image in found.images)


def test_other_folders_are_not_looked_into(tmp_path):
    found = images_of(tmp_path, t1("sub-01"), "derivatives/x/" + t1("sub-01"), "sub-01/func/sub-01_T1w.nii.gz")
    assert sources(found) == [t1("sub-01")]


def test_some_participants(tmp_path):
    make_dataset(tmp_path, *(t1(f"sub-{i:02d}") for i in range(1, 100)))
    assert sources(find_t1_images(tmp_path, {"07", "98"})) == [t1("sub-07"), t1("sub-98")]
    with pytest.raises(UsageError, match=r"no participant sub-7; there are 99: sub-01, .* \.\.\."):
        find_t1_images(tmp_path, {"7"})


def test_ignored_images(tmp_path):
    make_dataset(tmp_path, t1("sub-01"), t1("sub-02"), t1("sub-02", "acq-bad"))
    (tmp_path / ".bidsignore").write_text("sub-01/\n*_acq-bad_*\n")
    assert sources(find_t1_images(tmp_path)) == [t1("sub-02")]


def test_names_that_are_not_of_bids_are_told(tmp_path):
    found = images_of(tmp_path, t1("sub-01"), "sub-01/anat/01_T1w.nii.gz", "sub-01/anat/._sub-01_T1w.nii.gz")
    assert found.odd_names == ("sub-01/anat/01_T1w.nii.gz",)


def test_an_image_in_the_folder_of_another(tmp_path):
    found = images_of(tmp_path, "sub-01/anat/sub-02_T1w.nii.gz", "sub-01/ses-1/anat/sub-01_ses-2_T1w.nii.gz")
    assert [image.problem.split(": ")[1] for image in found.images] == [
        "the folder is of sub-01, the name is not; rename the file",
        "the folder is of sub-01_ses-1, the name is not; rename the file",
    ]


def test_a_link_without_content_is_found(tmp_path):
    make_dataset(tmp_path, t1("sub-01"), head=tmp_path / "annex/missing")
    assert sources(find_t1_images(tmp_path)) == [t1("sub-01")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_cannot_be_listed_costs_one(tmp_path):
    make_dataset(tmp_path, t1("sub-01"), t1("sub-02"))
    (tmp_path / "sub-01/anat").chmod(0)
    found = find_t1_images(tmp_path)
    (tmp_path / "sub-01/anat").chmod(0o755)
    assert sources(found) == [t1("sub-02")]
    assert "sub-01/anat" in found.unreadable[0]


def test_what_is_no_dataset(tmp_path):
    (tmp_path / "images").mkdir()
    with pytest.raises(UsageError, match=r"found no folder sub-\*; the folders are images"):
        find_t1_images(tmp_path)
    with pytest.raises(UsageError, match="BIDS dataset"):
        find_t1_images(tmp_path / "missing")
