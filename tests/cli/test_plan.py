"""From flags to cases, tables and logs."""

import pytest

from fs_sclimbic.cases.study_folder import StudyFolder
from fs_sclimbic.cli.arguments import parse_flags
from fs_sclimbic.cli.plan import make_plan
from fs_sclimbic.errors import UsageError


def plan_of(line):
    return make_plan(parse_flags(line.split()))


def names(plan):
    return [path.name for path, _ in plan.tables]


def test_one_image(head_file, tmp_path):
    plan = plan_of(f"--i {head_file} --o {tmp_path}/out/seg.mgz --write_qa_stats --etiv")
    (case,) = plan.cases
    assert (case.name, case.shown_name, case.etiv_from_image) == ("seg", "head", True)
    assert case.transforms == ()
    assert names(plan) == ["seg.zqa_scores_all.csv", "seg.confidences_all.csv", "seg.qa_flags_all.csv"]
    assert (plan.folder, plan.log) == (tmp_path / "out", tmp_path / "out/mri_sclimbic.log")
    assert plan.study is None


def test_a_folder(head_file, tmp_path):
    plan = plan_of(f"--i {tmp_path} --o {tmp_path}/out --output-base lim --tal .xfm --logfile my.log")
    (case,) = plan.cases
    assert case.transforms == (tmp_path / "head.xfm",)
    assert names(plan) == ["lim_volumes_all.csv"]
    assert plan.log == tmp_path / "out/my.log"


def test_subjects(subjects_dir, monkeypatch):
    monkeypatch.setenv("SUBJECTS_DIR", str(subjects_dir))
    several, one = plan_of("--s"), plan_of("--s bert --write_qa_stats")
    assert [case.name for case in several.cases] == ["bert", "bert.long.base", "ernie"]
    assert names(several) == ["sclimbic_volumes_all.csv"]
    endings = ("zqa_scores", "confidences", "confidence", "qa_flags")
    assert names(one) == [f"sclimbic_{ending}_all.csv" for ending in endings]
    assert several.study == one.study == StudyFolder(folder=subjects_dir, of_subjects=True)
    assert several.log is None
    assert one.cases[0].outputs.log == subjects_dir / "bert/scripts/sclimbic.log"


@pytest.mark.parametrize(
    ("line", "has_picture"),
    [
        ("--i {0}/head.nii.gz --o {0}/out/seg.mgz", False),
        ("--i {0}/head.nii.gz --o {0}/out/seg.mgz --write_qc", True),
        ("--i {0} --o {0}/out", True),
        ("--i {0} --o {0}/out --no-write_qc", False),
        ("--s bert --sd {0}/subjects", True),
        ("--s bert --sd {0}/subjects --no-write-qc", False),
    ],
)
def test_pictures_are_drawn_unless_a_caller_names_each_file(head_file, subjects_dir, tmp_path, line, has_picture):
    (case,) = plan_of(line.format(tmp_path)).cases
    assert (case.outputs.picture is not None) == has_picture


@pytest.mark.parametrize(
    ("line", "log"),
    [
        ("--i {0}/head.nii.gz --o {0}/out/seg.mgz --logfile logs/x.log", "out/logs/x.log"),
        ("--i {0}/head.nii.gz --o {0}/out/seg.mgz --logfile {0}/x.log", "x.log"),
        ("--i {0} --o {0}/out --logfile ../x.log", "out/../x.log"),
        ("--s bert --sd {0}/subjects --logfile logs/x.log", "subjects/logs/x.log"),
        ("--s bert --sd {0}/subjects --logfile {0}/x.log", "x.log"),
    ],
)
def test_a_log_with_a_folder_is_relative_to_the_output(head_file, subjects_dir, tmp_path, line, log):
    assert subjects_dir == tmp_path / "subjects"
    assert plan_of(line.format(tmp_path)).log == tmp_path / log


def test_a_missing_transform_counts_only_where_etiv_is_seen(head_file, tmp_path):
    call = f"--i {head_file} --o {tmp_path}/seg.mgz --tal {tmp_path}/none.xfm"
    plan = plan_of(call)
    assert plan.cases[0].transforms == ()
    assert "is not used" in plan.notes[0]
    for flag in ("--write_volumes", "--etiv"):
        assert plan_of(f"{call} {flag}").cases[0].transforms == (tmp_path / "none.xfm",)
    (tmp_path / "none.xfm").write_text("")
    assert plan_of(call).cases[0].transforms == (tmp_path / "none.xfm",), "it tells where the head lies"


@pytest.mark.parametrize("output", ["head.nii.gz", "link/head.nii.gz"])
def test_an_input_is_never_an_output(head_file, tmp_path, output):
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(UsageError, match="is an input and would be overwritten"):
        plan_of(f"--i {head_file} --o {tmp_path / output}")


def test_the_given_colour_table_is_not_written_onto_itself(head_file, tmp_path):
    (tmp_path / "seg.ctab").write_text("")
    plan = plan_of(f"--i {head_file} --o {tmp_path}/seg.nii.gz --ctab {tmp_path}/seg.ctab")
    assert plan.cases[0].outputs.ctab is None


def test_several_images_and_patterns(head_file, tmp_path):
    for name in ("a/sub-1_T1w.nii.gz", "b/sub-2_T1w.nii.gz", "b/notes.txt", "b/T1.mgz", "a/T1.mgz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    plan = plan_of(f"--i {head_file} {tmp_path}/*/*_T1w.nii.gz --o {tmp_path}/out --tal .xfm")
    assert [case.name for case in plan.cases] == ["head", "sub-1_T1w", "sub-2_T1w"]
    assert plan.cases[1].transforms == (tmp_path / "a/sub-1_T1w.xfm",)
    assert (names(plan), plan.folder) == (["sclimbic_volumes_all.csv"], tmp_path / "out")
    same = plan_of(f"--i {tmp_path}/**/T1.mgz --o {tmp_path}/out")
    assert all(f"shared by {tmp_path}/a/T1.mgz and {tmp_path}/b/T1.mgz" in case.problem for case in same.cases)
    one = plan_of(f"--i {tmp_path}/a/*_T1w.nii.gz --o {tmp_path}/out")
    assert one.cases[0].outputs.segmentation == tmp_path / "out/sub-1_T1w.sclimbic.nii.gz"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--i {0}/*.mgh --o {0}/out", "matches no image"),
        ("--i {0}/head.nii.gz {0} --o {0}/out", "is a folder"),
        ("--i {0}/head.nii.gz {0}/head.nii.gz --o {0}/out.mgz", "--i names several images, so --o must be a folder"),
        ("--subjectsfile {0}/none.txt --sd {0}/subjects", "list of subjects does not exist"),
        ("--subjectsfile {0}/empty.txt --sd {0}/subjects", "names no subject"),
        ("--s --sd {0}/subjects --part 4/3", "counted from 1 to 3"),
    ],
)
def test_what_makes_no_plan(head_file, subjects_dir, tmp_path, line, words):
    (tmp_path / "empty.txt").write_text("# nobody\n\n")
    with pytest.raises(UsageError, match=words):
        plan_of(line.format(tmp_path))


def test_a_file_whose_name_looks_like_a_pattern_is_an_image(head_file, tmp_path):
    path = head_file.rename(tmp_path / "head[1].nii.gz")
    assert plan_of(f"--i {path} --o {tmp_path}/seg.mgz").study is None


def test_subjects_of_a_file(subjects_dir, tmp_path):
    (tmp_path / "list.txt").write_bytes("\ufeff# ours\r\nernie\r\n\r\nbert.long*\n".encode())
    plan = plan_of(f"--subjectsfile {tmp_path}/list.txt --sd {subjects_dir}")
    assert [case.name for case in plan.cases] == ["ernie", "bert.long.base"]
    both = plan_of(f"--subjectsfile {tmp_path}/list.txt --sd {subjects_dir} --s bert ernie")
    assert [case.name for case in both.cases] == ["bert", "ernie", "bert.long.base"]


def test_parts_of_the_subjects(subjects_dir):
    parts = [plan_of(f"--s --sd {subjects_dir} --part {index}/2 --write_qa_stats") for index in (1, 2)]
    assert [[case.name for case in plan.cases] for plan in parts] == [["bert", "ernie"], ["bert.long.base"]]
    assert all(len(plan.everyone) == 3 and not plan.tables for plan in parts)
    assert parts[0].notes == ("part 1/2: 2 of 3 cases",)
    with_tables = plan_of(f"--s --sd {subjects_dir} --part 1/2 --write_tables")
    assert names(with_tables) == ["sclimbic_volumes_all.csv"]
    assert plan_of(f"--s bert --sd {subjects_dir} --part 2/5").cases == []
