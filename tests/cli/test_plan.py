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
    assert (case.name, case.etiv_from_image, case.transforms) == ("seg", True, ())
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


@pytest.mark.parametrize("output", ["head.nii.gz", "link/head.nii.gz"])
def test_an_input_is_never_an_output(head_file, tmp_path, output):
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(UsageError, match="is an input and would be overwritten"):
        plan_of(f"--i {head_file} --o {tmp_path / output}")


def test_the_given_colour_table_is_not_written_onto_itself(head_file, tmp_path):
    (tmp_path / "seg.ctab").write_text("")
    plan = plan_of(f"--i {head_file} --o {tmp_path}/seg.nii.gz --ctab {tmp_path}/seg.ctab")
    assert plan.cases[0].outputs.ctab is None
