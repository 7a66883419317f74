"""HC3 against statsmodels, and its level where variances differ."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from fs_sclimbic.errors import DesignError
from fs_sclimbic.group.fit.glm import contrast_result, fit_glm
from fs_sclimbic.group.fit.robust import leverages, refuse_full_leverage, robust_result, weighted_residuals


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_equals_statsmodels(seed, weighted, dods):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(15, 60))
    of = np.arange(n) % 3
    age = rng.uniform(20, 80, n)
    indicators = np.eye(3)[of]
    x = np.hstack([indicators, indicators * age[:, None] if dods else age[:, None]])
    y = rng.normal(300, 20, (n, 2)) * (1 + of[:, None])
    weights = rng.uniform(0.5, 2, n) if weighted else None
    fit = fit_glm(x, y, weights)
    for matrix in (
        np.eye(1, x.shape[1]) - np.eye(1, x.shape[1], 1),
        np.eye(x.shape[1])[[0, 1]] - np.eye(x.shape[1])[2],
    ):
        ours = robust_result(fit, matrix)
        for column in range(2):
            model = sm.OLS(y[:, column], x) if weights is None else sm.WLS(y[:, column], x, weights**2)
            theirs = model.fit(cov_type="HC3", use_t=True)
            tested = theirs.f_test(matrix)
            assert ours.f[column] == pytest.approx(float(tested.fvalue), rel=1e-9)
            assert ours.p[column] == pytest.approx(float(tested.pvalue), rel=1e-9, abs=1e-12)
            if len(matrix) == 1:
                t = theirs.t_test(matrix)
                assert ours.t[0, column] == pytest.approx(float(t.tvalue[0, 0]), rel=1e-9)
                assert ours.standard_error[0, column] == pytest.approx(float(t.sd[0, 0]), rel=1e-9)
                assert [end[0, column] for end in ours.interval()] == pytest.approx(t.conf_int()[0], rel=1e-8)


def test_gamma0_counts():
    rng = np.random.default_rng(1)
    fit = fit_glm(np.ones((20, 1)), rng.normal(5, 1, (20, 1)))
    ours = robust_result(fit, np.eye(1), np.array([5.0]))
    theirs = sm.OLS(fit.values[:, 0], fit.design).fit(cov_type="HC3", use_t=True).t_test("const = 5")
    assert ours.p[0] == pytest.approx(float(theirs.pvalue), rel=1e-9)


def test_leverages_and_residuals_are_statsmodels():
    rng = np.random.default_rng(2)
    x, y, w = np.column_stack([np.ones(12), rng.normal(size=12)]), rng.normal(size=(12, 1)), rng.uniform(1, 2, 12)
    fit, theirs = fit_glm(x, y, w), sm.OLS(y[:, 0] * w, x * w[:, None]).fit()
    np.testing.assert_allclose(leverages(fit), theirs.get_influence().hat_matrix_diag, rtol=1e-9)
    np.testing.assert_allclose(weighted_residuals(fit)[:, 0], theirs.resid, rtol=1e-9, atol=1e-12)


def test_a_subject_alone_in_its_class_is_refused_by_name():
    x = np.eye(2)[[0] * 9 + [1]]
    fit = fit_glm(x, np.arange(10.0)[:, None] ** 2)
    with pytest.raises(DesignError, match="fits s9 exactly"):
        refuse_full_leverage(fit, [f"s{i}" for i in range(10)])


def test_the_level_holds_where_the_usual_one_does_not():
    """Of 4000 studies without an effect, a small class with the larger variance."""
    rng = np.random.default_rng(3)
    of = np.repeat([0, 1], (60, 15))
    fit = fit_glm(np.eye(2)[of], rng.normal(size=(75, 4000)) * np.array([1, 3])[of][:, None])
    matrix = np.array([[-1.0, 1]])
    assert np.mean(contrast_result(fit, matrix).p < 0.05) > 0.18
    assert 0.03 < np.mean(robust_result(fit, matrix).p < 0.05) < 0.075
