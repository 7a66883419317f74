"""Formulas against patsy's, and names of levels against predictions of statsmodels."""

import numpy as np
import pytest
import statsmodels.formula.api as smf

from fs_sclimbic.errors import DesignError
from fs_sclimbic.group.design.formula import contrast_of_levels, formula_model
from tests.group.people_files import people, write_people

FRAME = people()
FRAME["y"] = np.random.default_rng(1).normal(300, 20, len(FRAME)) + 10 * (FRAME.group == "Patient") - FRAME.age / 2


@pytest.fixture
def table(tmp_path):
    return write_people(tmp_path / "participants.tsv", FRAME.drop(columns="y"))


def made(text, table):
    return formula_model(text, table)


def test_columns(table):
    found = made("group + sex + age", table)
    assert found.model.columns == ("group[Control]", "group[Patient]", "group[Relative]", "sex[T.M]", "age")
    assert found.model.subjects == tuple(FRAME.participant_id)
    assert "fitted as '0 + group + sex + age'" in found.model.description
    assert [notice.text for notice in found.model.notices] == ["sex: columns compare with F"]
    assert made("age", table).model.columns == ("Intercept", "age")
    assert made("volume ~ 0 + group", table).model.columns == ("group[Control]", "group[Patient]", "group[Relative]")
    found = made("group + C(site)", table)
    assert "C(site)[T.2]" in found.model.columns
    assert [notice.text for notice in found.model.notices] == ["site: columns compare with 1"]  # no doubt about numbers


@pytest.mark.parametrize(
    ("text", "contrast", "ones", "others"),
    [
        ("group + sex + age", "Patient-Control", {"group": "Patient"}, {"group": "Control"}),
        ("group*sex + age", "Patient-Control", {"group": "Patient"}, {"group": "Control"}),
        (
            "group*sex + C(site) + iq", "Patient:M - Control:F", {"group": "Patient", "sex": "M"},
            {"group": "Control", "sex": "F"},
        ),
        ("sex + group*age", "group[Relative]-Patient", {"group": "Relative"}, {"group": "Patient"}),
        ("age + C(site)", "site[3]-site[1]", {"site": 3}, {"site": 1}),
    ],
)  # fmt: skip
def test_levels_are_adjusted_means(table, text, contrast, ones, others):
    """The difference of predictions: numbers at their mean, levels of other labels weighted alike."""
    found = made(text, table)
    columns = found.model.columns
    row = contrast_of_levels(contrast, columns, found.level_names, found.level_rows).matrix[0]
    beta = np.linalg.lstsq(found.model.matrix, FRAME.y, rcond=None)[0]
    fitted = smf.ols(f"y ~ {text}", FRAME).fit()
    grid = (
        FRAME[["group", "sex", "site"]].drop_duplicates().merge(FRAME[["age", "iq"]].mean().to_frame().T, how="cross")
    )
    full = grid[["group"]].drop_duplicates().merge(grid[["sex"]].drop_duplicates(), how="cross")
    full = full.merge(grid[["site"]].drop_duplicates(), how="cross").assign(age=FRAME.age.mean(), iq=FRAME.iq.mean())

    def mean(levels):
        chosen = full[np.all([full[name] == level for name, level in levels.items()], axis=0)]
        return fitted.predict(chosen).mean()

    assert row @ beta == pytest.approx(mean(ones) - mean(others), rel=1e-9, abs=1e-9)
    np.testing.assert_allclose(found.model.matrix @ beta, fitted.fittedvalues, rtol=1e-9)


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


def test_etiv_is_the_tables(table):
    assert made("group + age + eTIV", table).uses_etiv
    assert made("group + eTIV + age", table).model.columns == made("group + age", table).model.columns
    assert made("eTIV + group", table).model.columns == made("group", table).model.columns
    assert "fitted as '0 + group + age'" in made("group + eTIV + age", table).model.description
    assert not made("group", table).uses_etiv
    with pytest.raises(DesignError, match="one term alone"):
        made("group * eTIV", table)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("group +", "cannot be read"),
        ("group + weight", "has no column weight; it has participant_id, group"),
        ("nothing(age)", "has no column nothing"),
        ("poly(age, degree=-1)", "cannot be computed"),
    ],
)
def test_formulas_that_cannot_be_used(table, text, message):
    with pytest.raises(DesignError, match=message):
        made(text, table)


def test_levels_that_two_variables_share_have_long_names_only(tmp_path):
    frame = FRAME.assign(sex=np.where(FRAME.sex == "F", "Control", "Patient")).drop(columns="y")
    found = made("group + sex", write_people(tmp_path / "p.tsv", frame))
    assert "sex[Patient]" in found.level_names
    assert "Patient" not in found.level_names
    assert "Relative" in found.level_names
