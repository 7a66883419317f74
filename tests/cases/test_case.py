from pathlib import Path

import pytest

from fs_sclimbic.cases.case import Requests, find_subjects, folder_cases, image_case, subject_case
from fs_sclimbic.cases.record import Record, format_record
from fs_sclimbic.errors import UsageError
from fs_sclimbic.segmentation.measure import SegStats

ALL = Requests(posteriors=True, volumes=True, qa_stats=True)


def names_of(outputs, home):
    return sorted(path.relative_to(home).as_posix() for path in (*outputs.products(), outputs.record))


def test_files_of_a_subject(subjects_dir):
    case = subject_case(subjects_dir, "bert", ALL)
    assert names_of(case.outputs, subjects_dir / "bert") == [
        "mri/sclimbic.mgz",
        "mri/sclimbic.posteriors.mgz",
        "scripts/sclimbic.json",
        "stats/sclimbic.qa.stats",
        "stats/sclimbic.stats",
    ]
    assert case.outputs.log == subjects_dir / "bert/scripts/sclimbic.log"
    assert case.t1 == subjects_dir / "bert/mri/nu.mgz"
    assert [path.name for path in case.transforms] == ["talairach.xfm", "talairach.xfm.lta"]


def test_output_base_and_transform_of_a_subject(subjects_dir):
    case = subject_case(subjects_dir, "bert", Requests(), base="entowm", transform="mri/transforms/mine.lta")
    assert names_of(case.outputs, subjects_dir / "bert") == [
        "mri/entowm.mgz",
        "scripts/entowm.json",
        "stats/entowm.stats",
    ]
    assert case.transforms == (subjects_dir / "bert/mri/transforms/mine.lta",)


def test_subjects_that_cannot_be_run(subjects_dir):
    assert "does not exist" in subject_case(subjects_dir, "nobody", ALL).problem
    assert "nu.mgz" in subject_case(subjects_dir, "fsaverage", ALL).problem
    assert subject_case(subjects_dir, "nobody", ALL).outputs.log is None


def test_finding_subjects(subjects_dir):
    assert find_subjects(subjects_dir, []) == ["bert", "bert.long.base", "ernie"]
    assert find_subjects(subjects_dir, ["ernie/", "bert"]) == ["ernie", "bert"]
    assert find_subjects(subjects_dir, ["*.long.*", "b*", "x*"]) == ["bert.long.base", "bert", "x*"]
    for folder, names in ((subjects_dir / "none", []), (subjects_dir / "fsaverage", [])):
        with pytest.raises(UsageError):
            find_subjects(folder, names)


@pytest.mark.parametrize("suffix", [".mgz", ".nii.gz", ".nii"])
def test_files_of_one_image(tmp_path, suffix):
    (tmp_path / f"a{suffix}").touch()
    case = image_case(tmp_path / f"a{suffix}", tmp_path / f"out/sub-01_dseg{suffix}", ALL)
    assert case.name == "sub-01_dseg"
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


def test_a_subject_named_by_its_path(subjects_dir):
    assert find_subjects(subjects_dir, [str(subjects_dir / "bert"), "ernie/"]) == ["bert", "ernie"]
    for given in ("", ".", "..", "../x", "/elsewhere/bert"):
        with pytest.raises(UsageError, match="expected the name of a subject"):
            find_subjects(subjects_dir, [given])


@pytest.mark.parametrize("base", ["nu", "aseg"])
def test_what_recon_all_made_is_not_overwritten(subjects_dir, base):
    mri, stats = subjects_dir / "bert/mri", subjects_dir / "bert/stats"
    stats.mkdir()
    (mri / "aseg.mgz").touch()
    (stats / "aseg.stats").write_text("# Title Segmentation Statistics\n# generating_program mri_segstats\n")
    assert "not made by this tool" in subject_case(subjects_dir, "bert", ALL, base=base).problem
    (stats / f"{base}.stats").write_text("# Subcortical Limbic Volumetric Stats\n# Created by mri_sclimbic_seg\n")
    assert subject_case(subjects_dir, "bert", ALL, base=base).problem is None
    assert subject_case(subjects_dir, "bert", ALL, base="new").problem is None


def test_empty_and_missing_folder(tmp_path):
    with pytest.raises(UsageError, match="no image"):
        folder_cases(tmp_path, tmp_path / "out", ALL)
    with pytest.raises(UsageError, match="does not exist"):
        folder_cases(Path(tmp_path / "none"), tmp_path / "out", ALL)


FROM_IMAGE = Requests(volumes=True, etiv_from_image=True)


def test_etiv_from_the_image_asks_for_its_transform(subjects_dir, tmp_path):
    bert = subject_case(subjects_dir, "bert", FROM_IMAGE, base="entowm")
    assert bert.etiv_from_image
    assert bert.transforms == ()
    transforms = subjects_dir / "bert/mri/transforms"
    assert (bert.outputs.xfm, bert.outputs.lta) == (
        transforms / "entowm.talairach.xfm",
        transforms / "entowm.talairach.lta",
    )
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.nii.gz").touch()
    image = image_case(tmp_path / "in/a.nii.gz", tmp_path / "out/seg.mgz", FROM_IMAGE)
    (case,) = folder_cases(tmp_path / "in", tmp_path / "out", FROM_IMAGE)
    for outputs, name in ((image.outputs, "seg"), (case.outputs, "a.sclimbic")):
        assert {outputs.xfm.name, outputs.lta.name} == {f"{name}.talairach.xfm", f"{name}.talairach.lta"}
        assert outputs.xfm in outputs.products()
        assert outputs.products()[-1] == outputs.stats, "which comes last"


def test_no_output_is_recon_alls_own_transform(subjects_dir):
    for base in ("sclimbic", "talairach", "x"):
        outputs = subject_case(subjects_dir, "bert", FROM_IMAGE, base=base).outputs
        assert not {"talairach.xfm", "talairach.xfm.lta"} & {outputs.xfm.name, outputs.lta.name}
