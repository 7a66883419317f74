"""Names of levels and slopes in contrasts of a formula."""

import numpy as np
import pytest
import statsmodels.formula.api as smf

from fs_sclimbic.errors import DesignError
from fs_sclimbic.group.design.covariates import PeopleValues
from fs_sclimbic.group.design.formula import formula_model as made
from fs_sclimbic.group.design.formula_levels import contrast_of_levels, mean_rows
from tests.group.people_files import people, write_people

FRAME = people()
FRAME["y"] = np.random.default_rng(1).normal(300, 20, len(FRAME)) + 10 * (FRAME.group == "Patient") - FRAME.age / 2


@pytest.fixture
def table(tmp_path):
    return write_people(tmp_path / "participants.tsv", FRAME.drop(columns="y"))


def test_contrasts_of_columns_and_rows(table):
    found = made("group + age", table)
    contrast = contrast_of_levels(
        "any = Patient-Control ; Relative-Control", (*found.model.columns, "eTIV"), found.level_names, found.level_rows
    )
    assert contrast.name == "any"
    assert contrast.matrix.tolist() == [[-1, 1, 0, 0, 0], [-1, 0, 1, 0, 0]]
    with pytest.raises(DesignError, match="all zeros"):
        contrast_of_levels("Patient - Patient", found.model.columns, found.level_names, found.level_rows)
    with pytest.raises(DesignError, match="'Patien' is no column"):
        contrast_of_levels("Patien-Control", found.model.columns, found.level_names, found.level_rows)


def test_levels_that_two_variables_share_have_long_names_only(tmp_path):
    frame = FRAME.assign(sex=np.where(FRAME.sex == "F", "Control", "Patient")).drop(columns="y")
    found = made("group + sex", write_people(tmp_path / "p.tsv", frame))
    assert "sex[Patient]" in found.level_names
    assert "Patient" not in found.level_names
    assert "Relative" in found.level_names


def test_slopes_within_levels(table):
    """As the slopes of the classes of an FSGD are called; without a name where one slope is that of all, or a curve."""
    found = made("group*age + sex", table)
    row = contrast_of_levels(
        "Patient:age-Relative:age", found.model.columns, found.level_names, found.level_rows
    ).matrix[0]
    beta = np.linalg.lstsq(found.model.matrix, FRAME.y, rcond=None)[0]
    theirs = smf.ols("y ~ group*age + sex", FRAME).fit().params
    assert row @ beta == pytest.approx(theirs["group[T.Patient]:age"] - theirs["group[T.Relative]:age"], rel=1e-9)
    slope = contrast_of_levels("Control:age", found.model.columns, found.level_names, found.level_rows).matrix[0]
    assert slope @ beta == pytest.approx(theirs["age"], rel=1e-9)
    for text in ("group + age", "group*poly(age, 2)", "group*bs(age, df=4)", "group*log(age)"):
        assert not any(name.endswith(":age") for name in made(text, table).level_names)
    notes = [notice.text for notice in found.model.notices]
    assert any("compare with Control; age alone is that of Control" in text for text in notes)


def test_adjusted_means_of_all_levels():
    values = PeopleValues(
        subjects=("a", "b", "c", "d"),
        labels={"group": ("C", "P", "P", "P"), "sex": ("F", "F", "M", "M")},
        numbers={"age": np.array([20.0, 30, 40, 50])},
        notices=(),
    )

    def rows_of(people):
        return np.column_stack([np.array(people["group"]) == "P", np.array(people["sex"]) == "M", people["age"]])

    names, rows = mean_rows(values, ("group[P]", "sex[M]", "age"), rows_of)
    assert names == ("group[C]", "group[P]", "sex[F]", "sex[M]")
    assert rows.tolist() == [[0, 0.5, 35], [1, 0.5, 35], [0.5, 0, 35], [0.5, 1, 35]]
    nothing = PeopleValues(subjects=("a",), labels={}, numbers={"age": np.ones(1)}, notices=())
    assert mean_rows(nothing, ("age",), rows_of)[0] == ()
