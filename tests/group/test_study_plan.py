import numpy as np
import pytest

from fs_sclimbic.errors import DesignError, UsageError
from fs_sclimbic.group.fit.study import COVARIATE, StudyOptions
from fs_sclimbic.group.study_plan import GlmInputs, plan_study, read_model
from tests.groups import AGES, SUBJECTS, fsgd_text, write_study


@pytest.fixture
def inputs(tmp_path):
    """The inputs of a small study in files, with changes."""
    write_study(tmp_path)
    given = {"table": str(tmp_path / "t.dat"), "fsgd": str(tmp_path / "g.fsgd"), "contrasts": ("Patient-Control",)}
    return lambda **changes: GlmInputs(**(given | changes))


def test_table_design_and_contrasts_come_together(inputs):
    plan = plan_study(inputs())
    assert plan.study.subjects == SUBJECTS
    assert plan.study.columns == ("Control", "Patient", "Control:Age", "Patient:Age")
    (contrast,) = plan.contrasts
    assert contrast.matrix.tolist() == [[-1, 1, 0, 0]]
    first = plan.notices[0]
    assert (first.severity, first.text) == ("note", f"design: {plan.model.description}")
    assert "method dods (by default): each class has its own slope" in first.text


def test_warnings_of_the_fsgd_come_first(inputs, tmp_path):
    (tmp_path / "g.fsgd").write_text(fsgd_text().replace("Age", "Sex"))
    plan = plan_study(inputs())
    assert plan.notices[0].severity == "warning"
    assert "variable 'Sex' is fitted as a number" in plan.notices[0].text
    assert plan.notices[1].text.startswith("design: ")


def test_a_contrast_of_the_fsgd_leaves_the_covariate_alone(inputs, tmp_path):
    (tmp_path / "g.fsgd").write_text(fsgd_text("Contrast d 1 -1 0 0\n"))
    plan = plan_study(inputs(contrasts=(), options=StudyOptions(etiv=COVARIATE)))
    assert plan.study.columns[-1] == "eTIV"
    assert plan.contrasts[0].matrix.tolist() == [[1, -1, 0, 0, 0]]


def test_what_is_asked_must_be_one_thing(inputs, tmp_path):
    with pytest.raises(UsageError, match="no contrasts specified"):
        plan_study(inputs(contrasts=()))
    assert plan_study(inputs(contrasts=(), no_contrasts_ok=True)).contrasts == ()
    (tmp_path / "g.fsgd").write_text(fsgd_text("Contrast d 1 -1 0 0\n"))
    with pytest.raises(UsageError, match="cannot have contrasts in FSGD and on the command-line"):
        plan_study(inputs())


def test_rows_to_leave_out_from_a_file(inputs, tmp_path):
    (tmp_path / "out.txt").write_text("0 3\n")
    plan = plan_study(inputs(excluded_rows_file=str(tmp_path / "out.txt"), options=StudyOptions(exclude=(1,))))
    assert plan.study.subjects == (SUBJECTS[2], *SUBJECTS[4:])


def test_one_sample_and_matrix(inputs, tmp_path):
    plan = plan_study(inputs(fsgd=None, one_sample=True, contrasts=()))
    assert plan.study.columns == ("Mean",)
    assert [contrast.name for contrast in plan.contrasts] == ["osgm"]
    (tmp_path / "x").write_text("".join(f"1 {age}\n" for age in AGES))
    model = read_model(inputs(fsgd=None, matrix=str(tmp_path / "x")))
    assert model.columns == ("X1", "X2")
    np.testing.assert_array_equal(model.matrix[:, 1], AGES)
    with pytest.raises(DesignError, match="'X3' is no column"):
        plan_study(inputs(fsgd=None, matrix=str(tmp_path / "x"), contrasts=("X3",)))


def test_a_formula_is_over_the_subjects_who_are_fitted(inputs, tmp_path):
    """Levels and means are those of the rest; weights go by the rows of all participants."""
    groups = ["Control" if i % 2 else "Patient" for i in range(len(SUBJECTS))]
    lines = [f"{name}\t{group}\t{30 + i}" for i, (name, group) in enumerate(zip(SUBJECTS, groups, strict=True))]
    people = ["participant_id\tgroup\tage", "elsewhere\tRelative\t90", *lines]
    (tmp_path / "p.tsv").write_text("\n".join(people) + "\n")
    asked = {"fsgd": None, "formula": "group*age", "participants": str(tmp_path / "p.tsv")}
    with pytest.raises(DesignError, match="elsewhere"):
        plan_study(inputs(**asked))
    plan = plan_study(inputs(**asked, options=StudyOptions(allow_missing=True, exclude=(1,))))
    kept = np.arange(1, len(SUBJECTS))
    assert plan.study.subjects == SUBJECTS[1:]
    assert plan.study.kept == tuple(range(2, len(SUBJECTS) + 1))
    assert len(plan.model.matrix) == len(SUBJECTS) + 1
    assert plan.study.columns == ("group[Control]", "group[Patient]", "age", "group[T.Patient]:age")
    np.testing.assert_allclose(plan.study.matrix[:, 2], 30 + kept)
    np.testing.assert_allclose(plan.contrasts[0].matrix, [[-1, 1, 0, (30 + kept).mean()]])
    texts = [notice.text for notice in plan.notices]
    assert any("left out of the design, not in" in text and "elsewhere" in text for text in texts)
    assert len(texts) == len(set(texts))
