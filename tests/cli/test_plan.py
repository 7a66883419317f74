"""From flags to cases, tables and logs."""

import pytest

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
    assert (case.name, case.etiv_from_image, case.transforms) == ("head", True, ())
    assert names(plan) == ["seg.zqa_scores_all.csv", "seg.confidences_all.csv"]
    assert (plan.folder, plan.log) == (tmp_path / "out", tmp_path / "out/mri_sclimbic.log")
    assert not plan.update_tables


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
    assert names(one) == ["sclimbic_zqa_scores_all.csv", "sclimbic_confidences_all.csv", "sclimbic_confidence_all.csv"]
    assert (several.update_tables, one.update_tables) == (False, True)
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
