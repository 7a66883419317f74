import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from fs_sclimbic.group.design.contrast import Contrast
from fs_sclimbic.group.fit.glm import fit_glm
from fs_sclimbic.group.fit.results import (
    COLUMNS,
    benjamini_hochberg,
    describe_row,
    format_results,
    format_rows,
    group_result,
    holm,
    is_group_difference,
)
from tests.groups import AGES, CLASS_OF, STRUCTURES, make_table

X = np.column_stack([np.eye(2)[list(CLASS_OF)], AGES])
GROUP, AGE = Contrast("group", np.array([[-1.0, 1, 0]])), Contrast("age", np.array([[0, 0, 1.0]]))
BOTH = Contrast("both", np.array([[-1.0, 1, 0], [0, 0, 1]]))
FAMILY = np.array([True, True, True, False])
NAMES = (*STRUCTURES, "eTIV")


def result(contrast=GROUP, **options):
    values = options.pop("values", make_table().values)
    fit = fit_glm(X, values, options.pop("weights", None))
    return fit, group_result(fit, contrast, NAMES, FAMILY, **options)


def cells(text):
    head, *rows = [line.split("\t") for line in text.splitlines()]
    return [dict(zip(head, row, strict=True)) for row in rows]


@settings(max_examples=30, deadline=None)  # multipletests collects garbage at every call, which takes its time
@given(st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=30))
def test_corrections_equal_statsmodels(p):
    p = np.array(p)
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], rtol=1e-12)
    np.testing.assert_allclose(benjamini_hochberg(p), multipletests(p, method="fdr_bh")[1], rtol=1e-12)


@pytest.mark.parametrize("correct", [holm, benjamini_hochberg])
def test_corrections_do_not_count_what_is_missing(correct):
    p = np.array([0.01, np.nan, 0.04, 0.03])
    assert correct(p)[[0, 2, 3]].tolist() == correct(p[[0, 2, 3]]).tolist()
    assert np.isnan(correct(p)[1])
    assert np.isnan(correct(np.full(3, np.nan))).all()


def test_the_family_leaves_etiv_out():
    _, r = result()
    expected = multipletests(r.test.p[:3], method="holm")[1]
    np.testing.assert_allclose(r.p_holm[:3], expected)
    assert np.isnan([r.p_holm[3], r.p_fdr[3]]).all()
    assert r.notes == ("", "", "", "not corrected")


def test_effect_sizes():
    values = make_table().values
    plain = fit_glm(X[:, :2], values)
    r = group_result(plain, Contrast("g", np.array([[-1.0, 1]])), NAMES, FAMILY)
    # Without covariates, Cohen's d is the difference of means over the pooled standard deviation.
    one, two = values[::2], values[1::2]
    pooled = np.sqrt((one.var(0, ddof=1) + two.var(0, ddof=1)) / 2)
    np.testing.assert_allclose(r.cohen_d, (two.mean(0) - one.mean(0)) / pooled)
    np.testing.assert_allclose(r.percent, 100 * (two.mean(0) - one.mean(0)) / values.mean(0))
    # Twice the contrast is the same difference.
    twice = group_result(plain, Contrast("g", np.array([[-2.0, 2]])), NAMES, FAMILY)
    np.testing.assert_allclose(twice.cohen_d, r.cohen_d)
    # The partial correlation of a covariate: correlate what the classes leave of both.
    _, slope = result(AGE)
    rest = np.eye(12) - X[:, :2] @ np.linalg.pinv(X[:, :2])
    expected = [np.corrcoef(rest @ AGES, rest @ column)[0, 1] for column in values.T]
    np.testing.assert_allclose(slope.test.partial_r, expected)
    np.testing.assert_allclose(slope.test.partial_eta2, np.square(expected))
    assert np.isnan(slope.cohen_d).all()


def test_effect_of_logarithms_is_a_ratio():
    values = make_table().values
    r = group_result(
        fit_glm(X[:, :2], np.log(values)), Contrast("g", np.array([[-1.0, 1]])), NAMES, FAMILY, logarithm=True
    )
    ratio = np.exp(np.log(values[1::2]).mean(0) - np.log(values[::2]).mean(0))
    np.testing.assert_allclose(r.percent, 100 * (ratio - 1))


def test_weighted_rows_have_no_d():
    _, r = result(weights=np.linspace(1, 2, 12))
    assert np.isnan(r.cohen_d).all()
    assert np.isfinite(r.test.partial_eta2).all()


@pytest.mark.parametrize(
    ("matrix", "answer"),
    [
        ([[1, -1, 0]], True),
        ([[1, -1, 0.1]], False),
        ([[1, 0, 0]], False),
        ([[0, 0, 1]], False),
        ([[1, -0.5, 0]], False),
    ],
)
def test_what_is_a_group_difference(matrix, answer):
    assert is_group_difference(np.array(matrix, float), X) == answer
    assert not is_group_difference(np.array([[1.0, -1, 0], [0, 0, 1]]), X)


def test_results_text():
    fit, r = result(permutations=99, seed=1)
    rows = cells(format_results(r))
    assert list(rows[0]) == list(COLUMNS)
    assert [row["structure"] for row in rows] == list(NAMES)
    row = {
        name: float(value) for name, value in rows[0].items() if value != "n/a" and name not in ("structure", "note")
    }
    assert row["gamma"] == pytest.approx(fit.beta[1, 0] - fit.beta[0, 0])
    assert row["t"] == pytest.approx(row["gamma"] / row["se"])
    assert row["F"] == pytest.approx(row["t"] ** 2)
    assert (row["dof1"], row["dof2"]) == (1, 9)
    assert row["sig"] == pytest.approx(np.sign(row["gamma"]) * -np.log10(row["p"]))
    assert row["ci95_high"] - row["gamma"] == pytest.approx(2.262157163 * row["se"])  # t of 9 degrees of freedom
    assert row["partial_r"] ** 2 == pytest.approx(row["partial_eta2"])
    assert row["p_perm_fwe"] >= row["p_perm"] >= 0.01
    assert rows[3]["p_holm"] == rows[3]["p_fdr"] == rows[3]["p_perm_fwe"] == "n/a"
    assert rows[3]["note"] == "not corrected"
    assert "p_perm" not in cells(format_results(result()[1]))[0]


def test_results_of_several_rows():
    fit, r = result(BOTH)
    rows = cells(format_results(r))
    assert {rows[0][name] for name in ("gamma", "se", "ci95_low", "t", "cohen_d", "percent", "partial_r")} == {"n/a"}
    assert rows[0]["dof1"] == "2"
    single = [group_result(fit, contrast, NAMES, FAMILY) for contrast in (GROUP, AGE)]
    by_row = cells(format_rows(r, ("Control", "Patient", "Age")))
    assert [row["weights"] for row in by_row[::4]] == ["Patient - Control", "Age"]
    for number, one in enumerate(single):
        for i in range(4):
            row, alone = by_row[4 * number + i], cells(format_results(one))[i]
            assert row["structure"] == NAMES[i]
            for name in ("gamma", "se", "ci95_low", "ci95_high", "t", "p"):
                assert float(row[name]) == pytest.approx(float(alone[name]), rel=1e-8)


def test_what_cannot_be_tested_has_no_numbers():
    values = make_table().values
    values[:, 1] = 5
    _, r = result(values=values, permutations=20)
    row = cells(format_results(r))[1]
    assert {row[name] for name in ("se", "t", "F", "p", "sig", "cohen_d", "p_holm", "p_perm")} == {"n/a"}
    assert "not tested" in row["note"]
    # It does not count as one of the structures that are corrected for.
    np.testing.assert_allclose(r.p_holm[[0, 2]], multipletests(r.test.p[[0, 2]], method="holm")[1])


def test_describe():
    assert describe_row(np.array([-1.0, 1]), ["Control", "Patient"]) == "Patient - Control"
    assert describe_row(np.array([-0.25, 0]), ["A", "B"]) == "- 0.25*A"


def test_z_scores_have_no_percentage():
    values = np.array([[-1.0, 10.0], [0.5, 11.0], [0.4, 13.0], [0.2, 12.0]])
    design = np.array([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    fit = fit_glm(design, values)
    result = group_result(
        fit, Contrast("c", np.array([[-1.0, 1]])), ["z", "volume"], np.ones(2, bool), tested_at="a = 0"
    )
    assert np.isnan(result.percent[0])
    assert result.percent[1] == pytest.approx(100 * 2 / 11.5)
    assert result.notes == ("at a = 0, not at the mean",) * 2
