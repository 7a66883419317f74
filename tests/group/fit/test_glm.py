import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from fs_sclimbic.errors import DesignError
from fs_sclimbic.group.fit.glm import VARIANCE_FLOOR, contrast_result, fit_glm

CLOSE = {"rtol": 1e-9, "atol": 1e-12}


@st.composite
def studies(draw):
    """A random design of classes and covariates (dods or doss), values, maybe weights, and a contrast."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    classes, variables = draw(st.integers(1, 4)), draw(st.integers(0, 3))
    dods, n = draw(st.booleans()), draw(st.integers(40, 70))
    of = np.concatenate([np.tile(np.arange(classes), 8), rng.integers(0, classes, n)])[: n + 8 * classes]
    covariates = rng.normal(50, 15, (len(of), variables)) * 10.0 ** draw(st.integers(-1, 1))
    indicators = np.eye(classes)[of]
    if dods:
        parts = [indicators * covariates[:, [v]] for v in range(variables)]
    else:
        parts = [covariates[:, [v]] for v in range(variables)]
    x = np.hstack([indicators, *parts])
    x = x[rng.permutation(len(x))]
    y = rng.normal(0, 1, (len(x), 3)) * [1, 30, 1e5] + x @ rng.normal(0, 1, (x.shape[1], 3)) + [5, 400, 1.5e6]
    weights = rng.uniform(0.3, 3, len(x)) if draw(st.booleans()) else None
    rows = draw(st.integers(1, min(3, x.shape[1])))
    matrix = np.eye(x.shape[1])[rng.permutation(x.shape[1])[:rows]]
    if x.shape[1] > rows:
        matrix = matrix - np.eye(x.shape[1])[rng.integers(0, x.shape[1], rows)] * (rng.random((rows, 1)) < 0.5)
        keep = np.linalg.matrix_rank(matrix) == rows
        matrix = matrix if keep else np.eye(x.shape[1])[:rows]
    return x, y, weights, matrix, rng.normal(0, 1, rows)


@settings(max_examples=120, deadline=None)
@given(studies())
def test_equals_statsmodels(study):
    x, y, weights, matrix, null = study
    fit = fit_glm(x, y, weights)
    plain, shifted = contrast_result(fit, matrix), contrast_result(fit, matrix, null)
    single = contrast_result(fit, matrix[:1])
    for column in range(y.shape[1]):
        # A weight multiplies a row here; statsmodels' weights are what multiplies its square.
        model = sm.OLS(y[:, column], x) if weights is None else sm.WLS(y[:, column], x, weights=weights**2)
        theirs = model.fit()
        size = np.abs(theirs.params).max()
        np.testing.assert_allclose(fit.beta[:, column], theirs.params, rtol=1e-9, atol=1e-9 * size)
        np.testing.assert_allclose(fit.residual_variance[column], theirs.mse_resid, rtol=1e-9)
        test = theirs.f_test(matrix)
        np.testing.assert_allclose([plain.f[column], plain.p[column]], [test.fvalue, test.pvalue], **CLOSE)
        test = theirs.f_test((matrix, null))
        np.testing.assert_allclose([shifted.f[column], shifted.p[column]], [test.fvalue, test.pvalue], **CLOSE)
        test = theirs.t_test(matrix[:1])
        ours = [single.gamma[0, column], single.standard_error[0, column], single.t[0, column], single.p[column]]
        np.testing.assert_allclose(ours, [test.effect[0], test.sd[0, 0], test.tvalue[0, 0], test.pvalue], **CLOSE)
        np.testing.assert_allclose([end[0, column] for end in single.interval()], test.conf_int()[0], rtol=1e-9)
        np.testing.assert_allclose(
            np.sqrt(plain.row_variance[:, column]), np.sqrt(np.diag(theirs.cov_params(r_matrix=matrix))), rtol=1e-9
        )
    assert fit.dof == theirs.df_resid == single.dof[1]


def test_the_smallest_case_by_hand():
    # Two groups: 1, 3 and 5, 9. Means 2 and 7, residual sum of squares 2 + 8 = 10, dof 2, variance 5.
    fit = fit_glm(np.array([[1, 0], [1, 0], [0, 1], [0, 1.0]]), np.array([[1.0], [3], [5], [9]]))
    test = contrast_result(fit, np.array([[1.0, -1]]))
    assert fit.beta.ravel() == pytest.approx([2, 7])
    assert fit.residual_variance == pytest.approx([5])
    assert test.gamma.ravel() == pytest.approx([-5])
    assert test.row_variance.ravel() == pytest.approx([5])
    assert test.f == pytest.approx([5])
    assert test.t.ravel() == pytest.approx([-np.sqrt(5)])
    # p of t with two degrees of freedom is 1 - t / sqrt(t^2 + 2).
    p = 1 - np.sqrt(5 / 7)
    assert test.p == pytest.approx([p])
    assert test.sig == pytest.approx([np.log10(p)])
    assert test.cnr.ravel() == pytest.approx([-np.sqrt(5)])
    assert test.efficiency == pytest.approx(1)
    assert test.partial_eta2 == pytest.approx([5 / 7])
    assert test.partial_r == pytest.approx([-np.sqrt(5 / 7)])
    assert fit.residuals.ravel() == pytest.approx([-1, 1, -2, 2])


def test_signs():
    fit = fit_glm(np.ones((4, 1)), np.array([[1.0, -1, 1], [2, -2, -1], [1, -1, 1], [3, -3, -1]]))
    test = contrast_result(fit, np.ones((1, 1)))
    assert np.sign(test.sig).tolist()[:2] == [1, -1]
    assert np.sign(test.z).tolist()[:2] == [1, -1]
    # A gamma of 0 counts as negative, as in the original; its sig is 0.
    assert test.gamma[0, 2] == test.sig[2] == test.z[2] == 0
    assert test.sign.tolist() == [1, -1, -1]
    several = contrast_result(fit_glm(np.eye(6)[:, :2] + 1.0, np.arange(6.0)[:, None] ** 2), -np.eye(2))
    assert several.sig >= 0
    assert several.z >= 0


def test_sig_does_not_end_at_the_smallest_float():
    x = np.repeat(np.eye(2), 500, axis=0)
    y = (x @ [0.0, 10] + np.tile([0.1, -0.1], 500))[:, None]
    test = contrast_result(fit_glm(x, y), np.array([[-1.0, 1]]))
    assert test.p[0] == 0
    assert 1500 < test.sig[0] < 2500
    assert np.isfinite(test.z[0])
    # z by its own tail: -log10 of the normal p is the same number.
    from scipy import stats

    assert -(stats.norm.logsf(test.z[0]) + np.log(2)) / np.log(10) == pytest.approx(test.sig[0], rel=1e-12)


def test_what_the_design_explains_exactly_is_not_tested():
    x = np.repeat(np.eye(2), 5, axis=0)
    values = np.column_stack([np.full(10, 412.7), x @ [3.1, 8.7], np.zeros(10), np.arange(10.0)])
    fit = fit_glm(x, values)
    assert fit.testable.tolist() == [False, False, False, True]
    assert (fit.residual_variance[:3] == VARIANCE_FLOOR).all()
    test = contrast_result(fit, np.array([[1.0, -1]]))
    assert test.f[:3].tolist() == [0, 0, 0]
    assert test.p[:3].tolist() == [1, 1, 1]
    assert np.abs(test.z[:3]).tolist() == [0, 0, 0]
    assert np.abs(test.sig[:3]).tolist() == [0, 0, 0]
    assert test.t[0, :3].tolist() == [0, 0, 0]
    assert test.p[3] < 0.01


def test_small_but_real_noise_is_tested():
    rng = np.random.default_rng(0)
    fit = fit_glm(np.ones((20, 1)), 1e6 + 1e-4 * rng.standard_normal((20, 1)))
    assert fit.testable.all()


def test_no_degrees_of_freedom():
    with pytest.raises(DesignError, match="2 subjects and 2 columns"):
        fit_glm(np.eye(2), np.ones((2, 1)))
    fit = fit_glm(np.eye(2), np.array([[1.0], [3]]), allow_zero_dof=True)
    test = contrast_result(fit, np.array([[1.0, -1]]))
    assert (fit.dof, test.p[0], test.f[0]) == (0, 1, 0)
    assert np.isnan(test.interval()[0]).all()
    with pytest.raises(DesignError, match="1 subjects and 2 columns"):
        fit_glm(np.ones((1, 2)), np.ones((1, 1)), allow_zero_dof=True)


def test_bad_designs():
    x = np.repeat(np.eye(2), 5, axis=0)
    with pytest.raises(DesignError, match="depend on each other"):
        fit_glm(np.column_stack([x, x.sum(1)]), np.ones((10, 1)))
    with pytest.raises(DesignError, match="column 3 of the design is zero"):
        fit_glm(np.column_stack([x, np.zeros(10)]), np.ones((10, 1)))
    fit = fit_glm(x, np.arange(10.0)[:, None])
    with pytest.raises(DesignError, match="rows of the contrast"):
        contrast_result(fit, np.array([[1.0, -1], [2, -2]]))
    with pytest.raises(DesignError, match="rows of the contrast"):
        contrast_result(fit, np.zeros((1, 2)))


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_bad_weights(bad):
    weights = np.ones(10)
    weights[3] = bad
    with pytest.raises(DesignError, match="weights must be positive"):
        fit_glm(np.ones((10, 1)), np.arange(10.0)[:, None], weights)


def test_weights_of_one_size_change_no_p():
    rng = np.random.default_rng(4)
    x, y = np.column_stack([np.ones(30), rng.normal(50, 9, 30)]), rng.normal(300, 20, (30, 2))
    plain, twice = (contrast_result(fit_glm(x, y, w), np.array([[0, 1.0]])) for w in (None, np.full(30, 2.0)))
    np.testing.assert_allclose(plain.p, twice.p, rtol=1e-12)
    np.testing.assert_allclose(plain.row_variance, twice.row_variance, rtol=1e-12)


def test_the_unit_of_a_covariate_changes_no_p():
    rng = np.random.default_rng(5)
    age, y = rng.normal(50, 9, 30), rng.normal(300, 20, (30, 2))
    tests = [
        contrast_result(fit_glm(np.column_stack([np.ones(30), age * unit]), y), np.array([[0, 1.0]]))
        for unit in (1e-6, 1, 1e6)
    ]
    np.testing.assert_allclose(tests[0].p, tests[1].p, rtol=1e-10)
    np.testing.assert_allclose(tests[2].p, tests[1].p, rtol=1e-10)
