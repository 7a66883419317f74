"""Which files are read and written for one image, and for a folder of them."""

from pathlib import Path

import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.images import folder_cases, image_case
from fs_sclimbic.cases.record import Record, format_record
from fs_sclimbic.errors import UsageError
from fs_sclimbic.segmentation.measure import SegStats
from tests.cohorts import never, run_one

ALL = Requests(posteriors=True, volumes=True, qa_stats=True)


def names_of(outputs, home):
    return sorted(path.relative_to(home).as_posix() for path in (*outputs.products(), outputs.record))


@pytest.mark.parametrize("suffix", [".mgz", ".nii.gz", ".nii"])
def test_files_of_one_image(tmp_path, suffix):
    (tmp_path / f"a{suffix}").touch()
    case = image_case(tmp_path / f"a{suffix}", tmp_path / f"out/sub-01_dseg{suffix}", ALL)
    assert (case.name, case.shown_name) == ("sub-01_dseg", "a")
    expected = [
        f"sub-01_dseg{suffix}",
        f"sub-01_dseg.posteriors{suffix}",
        "sub-01_dseg.qa.stats",
        "sub-01_dseg.sclimbic.json",
        "sub-01_dseg.stats",
    ]
    assert names_of(case.outputs, tmp_path / "out") == sorted(
        expected + ([] if suffix == ".mgz" else ["sub-01_dseg.ctab"])
    )
    assert case.problem is None


def test_files_of_a_folder(tmp_path):
    for name in ("b.nii.gz", "a.mgz", "c.NII", "notes.txt", ".hidden.mgz", "d.v2.mgz"):
        (tmp_path / name).touch()
    cases = folder_cases(tmp_path, tmp_path / "out", ALL, base="lim", transform_suffix=".talairach.xfm")
    assert [case.name for case in cases] == ["a", "b", "c", "d.v2"]
    assert names_of(cases[1].outputs, tmp_path / "out") == [
        "b.lim.nii.gz",
        "b.lim.posteriors.nii.gz",
        "b.lim.qa.stats",
        "b.lim.sclimbic.json",
        "b.lim.stats",
        "lim.ctab",
    ]
    assert cases[1].transforms == (tmp_path / "b.talairach.xfm",)
    assert cases[2].outputs.segmentation == tmp_path / "out/c.lim.NII"


def test_two_images_of_one_name_are_told_apart_from_the_rest(tmp_path):
    for name in ("a.mgz", "a.nii.gz", "b.mgz"):
        (tmp_path / name).touch()
    problems = {case.t1.name: case.problem for case in folder_cases(tmp_path, tmp_path / "out", ALL)}
    assert problems["b.mgz"] is None
    assert all("a.mgz and a.nii.gz" in problems[name] for name in ("a.mgz", "a.nii.gz"))


def test_own_results_are_not_segmented_again(tmp_path):
    """Whatever base they were made with; a BIDS sidecar beside an image is no record."""
    for name in ("a.nii.gz", "a.lim.nii.gz", "a.lim.posteriors.nii.gz", "b_dseg.mgz", "T1w.nii.gz"):
        (tmp_path / name).touch()
    for record, files in (
        ("a.lim.sclimbic.json", ("a.lim.nii.gz", "a.lim.posteriors.nii.gz")),
        ("b_dseg.sclimbic.json", ("b_dseg.mgz",)),
    ):
        (tmp_path / record).write_text(format_record(Record({}, SegStats((), 1.0), (), dict.fromkeys(files, ""))))
    (tmp_path / "T1w.json").write_text('{"RepetitionTime": 2.3}')
    assert [case.name for case in folder_cases(tmp_path, tmp_path, ALL)] == ["T1w", "a"]


def test_empty_and_missing_folder(tmp_path):
    with pytest.raises(UsageError, match="no image"):
        folder_cases(tmp_path, tmp_path / "out", ALL)
    with pytest.raises(UsageError, match="does not exist"):
        folder_cases(Path(tmp_path / "none"), tmp_path / "out", ALL)


def test_an_image_that_cannot_be_looked_at_fails_alone(tmp_path, run):
    """As one without permission does; here a link whose target has a name that no file can have."""
    for name in ("a.mgz", "c.mgz"):
        (tmp_path / name).touch()
    (tmp_path / "b.mgz").symlink_to("x" * 300)
    cases = folder_cases(tmp_path, tmp_path / "out", ALL, transform_suffix=".xfm")
    assert [case.name for case in cases] == ["a", "b", "c"]
    (b,) = folder_cases(tmp_path, tmp_path / "out", ALL)[1:2]
    outcome = run_one(b, never, run)
    assert (outcome.status, outcome.details) == ("failed", "")
    assert outcome.message == f"{tmp_path}/b.mgz: image cannot be read (File name too long)"
    one = image_case(tmp_path / "b.mgz", tmp_path / "o.mgz", ALL)
    assert one.problem == outcome.message


def test_a_transform_that_cannot_be_looked_at_fails_alone(tmp_path, head_file, run):
    (tmp_path / "head.xfm").symlink_to("x" * 300)
    case = image_case(head_file, tmp_path / "o.mgz", ALL, transform=tmp_path / "head.xfm")
    outcome = run_one(case, never, run)
    assert outcome.status == "failed"
    assert outcome.message.startswith(f"{tmp_path}/head.xfm: transform cannot be read (File name too long)")


def test_a_bids_dataset_is_pointed_to_its_command(tmp_path):
    (tmp_path / "sub-01/anat").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"no image found; .*; for a BIDS dataset give 'fs_sclimbic bids'"):
        folder_cases(tmp_path, tmp_path / "out", Requests())
