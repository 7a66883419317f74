"""Formulas against patsy's, and names of levels against predictions of statsmodels."""

import numpy as np
import pytest
import statsmodels.formula.api as smf

from fs_sclimbic.errors import DesignError
from fs_sclimbic.group.design.formula import formula_model
from fs_sclimbic.group.design.formula_levels import contrast_of_levels
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
        ("group + poly(Age, 2)", "has no column Age; it has participant_id, group"),
        ("group + (1|site)", "one measurement a subject is fitted, without random effects"),
        ("y ~ group | sex", "without random effects"),
        ("group + Age at scan", "with backticks"),
    ],
)
def test_formulas_that_cannot_be_used(table, text, message):
    with pytest.raises(DesignError, match=message):
        made(text, table)


def test_functions_that_keep_something_of_the_data_are_patsys(table):
    """Their variables are found, the fit is that of patsy's splines, and the columns of a curve are named."""
    for ours, theirs in (
        ("group + poly(age, 2)", "group + age + I(age**2)"),
        ("group + bs(age, df=5) + center(iq)", "group + bs(age, df=5) + iq"),
        ("group + scale(iq)*sex", "group + iq*sex"),
        ("group + {age**2}", "group + I(age**2)"),
    ):
        found = made(ours, table)
        beta = np.linalg.lstsq(found.model.matrix, FRAME.y, rcond=None)[0]
        np.testing.assert_allclose(found.model.matrix @ beta, smf.ols(f"y ~ {theirs}", FRAME).fit().fittedvalues)
        assert contrast_of_levels("Patient-Control", found.model.columns, found.level_names, found.level_rows)
    contrast = contrast_of_levels(
        "late = bs(age, df=5)[5]", made("group + bs(age, df=5)", table).model.columns, (), np.zeros((0, 8))
    )
    assert contrast.name == "late"  # '=' stands in the column's name too


def test_values_that_are_no_numbers_are_named(tmp_path):
    """Rows that a formula makes nan are neither dropped, which shifts the others, nor fitted."""
    frame = FRAME.drop(columns="y").assign(score=np.arange(len(FRAME)) - 1)
    path = write_people(tmp_path / "p.tsv", frame)
    with pytest.raises(DesignError, match=r"'np.log\(score\)' has no finite value for sub-00, sub-01\ncorrect these"):
        made("group + np.log(score)", path)
    with pytest.raises(DesignError, match=r"'log\(score\)' has no finite value for sub-00, sub-01"):
        made("age + log(score)", path)


def test_a_column_of_numbers_that_are_mostly_missing_is_one_of_numbers(tmp_path):
    frame = FRAME.drop(columns="y")
    path = write_people(tmp_path / "p.tsv", frame.assign(age=frame.age.where(np.arange(len(frame)) % 3 == 0)))
    found = formula_model("group + age", path, drop_missing=True)
    assert found.model.columns[-1] == "age"
    assert len(found.model.subjects) == 20
    with pytest.raises(
        DesignError, match=r"40 subject\(s\) lack values; fill them in, or give --allow-missing to leave"
    ):
        made("group + age", path)


def test_decimal_commas_and_ranges_are_no_labels(tmp_path):
    """As labels each number would have a column, and the fit would go on without a word."""
    ages = [str(age).replace(".", ",") for age in FRAME.age]
    path = write_people(tmp_path / "p.tsv", FRAME.drop(columns="y").assign(age=ages))
    with pytest.raises(DesignError, match=r"expected a number, found '\d\d,\d'; write it with a decimal point"):
        made("group + age", path)
    path = write_people(tmp_path / "p.tsv", FRAME.drop(columns="y").assign(age=["89+"] * 40 + ages[40:]))
    with pytest.raises(DesignError, match=r"'89\+', a range; write its end for a number, or give --allow-missing"):
        made("group + age", path)


def test_a_formula_without_a_variable_is_a_mean(table):
    for text in ("1", "1 + eTIV"):
        assert made(text, table).model.columns == ("Intercept",)
        assert made(text, table).model.matrix.tolist() == [[1]] * len(FRAME)


def test_levels_and_means_are_those_of_the_subjects_asked_for(table):
    some = FRAME[FRAME.group != "Relative"].participant_id.tolist()[:20]
    found = formula_model("group*age", table, subjects=some)
    assert found.model.subjects == tuple(some)
    assert found.model.columns == ("group[Control]", "group[Patient]", "age", "group[T.Patient]:age")
    at = dict(zip(found.level_names, found.level_rows, strict=True))["Patient"][2]
    assert at == pytest.approx(FRAME[FRAME.participant_id.isin(some)].age.mean())
