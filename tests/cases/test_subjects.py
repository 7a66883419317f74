"""Which files of a recon-all subject are read and written."""

import os

import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.subjects import find_subjects, read_names, subject_case
from fs_sclimbic.errors import UsageError

ALL = Requests(posteriors=True, volumes=True, qa_stats=True)
FROM_IMAGE = Requests(volumes=True, etiv_from_image=True)


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
    assert subject_case(subjects_dir, "nobody", ALL).problem == (
        f"{subjects_dir / 'nobody'}: subject does not exist in {subjects_dir}"
    )
    assert "nu.mgz" in subject_case(subjects_dir, "fsaverage", ALL).problem
    assert subject_case(subjects_dir, "nobody", ALL).outputs.log is None


def test_finding_subjects(subjects_dir):
    assert find_subjects(subjects_dir, []) == ["bert", "bert.long.base", "ernie"]
    assert find_subjects(subjects_dir, ["ernie/", "bert"]) == ["ernie", "bert"]
    assert find_subjects(subjects_dir, ["*.long.*", "b*", "x*"]) == ["bert.long.base", "bert", "x*"]
    for folder, names in ((subjects_dir / "none", []), (subjects_dir / "fsaverage", [])):
        with pytest.raises(UsageError):
            find_subjects(folder, names)


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


def test_no_output_is_recon_alls_own_transform(subjects_dir):
    for base in ("sclimbic", "talairach", "x"):
        outputs = subject_case(subjects_dir, "bert", FROM_IMAGE, base=base).outputs
        assert not {"talairach.xfm", "talairach.xfm.lta"} & {outputs.xfm.name, outputs.lta.name}


def test_a_folder_of_the_very_name_is_no_pattern(subjects_dir):
    for name in ("a[1]", "a1", "b*"):
        (subjects_dir / name / "mri").mkdir(parents=True)
        (subjects_dir / name / "mri/nu.mgz").touch()
    assert find_subjects(subjects_dir, ["a[1]"]) == ["a[1]"]
    assert find_subjects(subjects_dir, ["b*"]) == ["b*"]
    assert find_subjects(subjects_dir, ["a?"]) == ["a1"]
    assert subject_case(subjects_dir, "a[1]", ALL).problem is None


def test_a_subject_that_cannot_be_looked_into_fails_alone(subjects_dir):
    """Other errors than that it is not there: no permission, a stale mount; here a link that leads to itself."""
    mri = subjects_dir / "loop/mri"
    mri.parent.mkdir()
    mri.symlink_to("mri")
    assert find_subjects(subjects_dir, ["loop", "bert"]) == ["loop", "bert"]
    assert find_subjects(subjects_dir, []) == ["bert", "bert.long.base", "ernie", "loop"], "not left out silently"
    assert find_subjects(subjects_dir, ["l*"]) == ["loop"]
    assert subject_case(subjects_dir, "loop", ALL).problem.startswith(f"{mri}/nu.mgz: cannot be read (Too many levels")
    name = "x" * 300
    assert find_subjects(subjects_dir, [name]) == [name]
    problem = subject_case(subjects_dir, name, ALL).problem
    assert problem == f"{subjects_dir / name}: cannot be read (File name too long)"


def test_an_output_that_cannot_be_looked_at_is_a_problem_of_its_subject(subjects_dir):
    (subjects_dir / "bert/mri/nu2.mgz").touch()
    (subjects_dir / "bert/scripts").symlink_to("scripts")
    problem = subject_case(subjects_dir, "bert", ALL, base="nu2").problem
    assert problem.startswith(f"{subjects_dir}/bert/scripts/nu2.json: cannot be read (Too many levels")


def test_files_and_lost_found_are_no_subjects(subjects_dir):
    (subjects_dir / "table.csv").touch()
    (subjects_dir / "lost+found").symlink_to("lost+found")
    assert find_subjects(subjects_dir, []) == ["bert", "bert.long.base", "ernie"]


def test_a_plain_name_does_not_list_the_subjects_directory(subjects_dir, monkeypatch):
    """An array job of one subject among thousands, over a network."""

    def refuse(*_):
        raise AssertionError("was listed")

    for name in ("listdir", "scandir"):
        monkeypatch.setattr(os, name, refuse)
    assert find_subjects(subjects_dir, ["bert"]) == ["bert"]


def test_names_from_a_file(tmp_path):
    (tmp_path / "s.txt").write_text("# ours\nbert\n\n  ernie  \n")
    assert read_names(tmp_path / "s.txt") == ["bert", "ernie"]
    for content, words in ((b"\n# nobody\n", "names no subject"), (None, "list of subjects")):
        (tmp_path / "s.txt").unlink()
        if content is not None:
            (tmp_path / "s.txt").write_bytes(content)
        with pytest.raises(UsageError, match=words):
            read_names(tmp_path / "s.txt")
        (tmp_path / "s.txt").touch()
