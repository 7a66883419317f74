"""Cook's distances against statsmodels, and every leave-one-out number against a fit without the subject."""

import numpy as np
import pytest
import statsmodels.api as sm

from fs_sclimbic.group.fit.glm import contrast_result, fit_glm
from fs_sclimbic.group.fit.influence import influence_of, with_robust_p
from fs_sclimbic.group.fit.robust import robust_result

RNG = np.random.default_rng(5)
OF = np.arange(20) % 2
AGE = RNG.uniform(20, 80, 20)
X = np.hstack([np.eye(2)[OF], np.eye(2)[OF] * AGE[:, None]])
Y = RNG.normal(300, 30, (20, 3)) - 0.5 * AGE[:, None]
MATRICES = {"t": np.array([[-1.0, 1, -50, 50]]), "F": np.array([[-1.0, 1, 0, 0], [0, 0, -1, 1]])}


@pytest.mark.parametrize("weights", [None, RNG.uniform(0.5, 2, 20)])
def test_equals_statsmodels(weights):
    influence = influence_of(fit_glm(X, Y, weights), contrast_result(fit_glm(X, Y, weights), MATRICES["t"]))
    for column in range(3):
        by_row = np.ones(20) if weights is None else weights
        theirs = sm.OLS(Y[:, column] * by_row, X * by_row[:, None]).fit().get_influence()
        np.testing.assert_allclose(influence.cooks_distance[:, column], theirs.cooks_distance[0], rtol=1e-8)
        np.testing.assert_allclose(influence.residual[:, column], theirs.resid_studentized_external, rtol=1e-8)


@pytest.mark.parametrize("weights", [None, RNG.uniform(0.5, 2, 20)])
@pytest.mark.parametrize("kind", MATRICES)
def test_equals_fits_without_each_subject(kind, weights):
    matrix, gamma0 = MATRICES[kind], np.full(len(MATRICES[kind]), 0.5)
    fit = fit_glm(X, Y, weights)
    everybody = contrast_result(fit, matrix, gamma0)
    influence = influence_of(fit, everybody)
    for row in range(20):
        kept = np.arange(20) != row
        test = contrast_result(fit_glm(X[kept], Y[kept], None if weights is None else weights[kept]), matrix, gamma0)
        np.testing.assert_allclose(influence.gamma[row], test.gamma[0], rtol=1e-8)
        np.testing.assert_allclose(influence.p[row], test.p, rtol=1e-7)
        if kind == "t":
            moved = np.abs(everybody.gamma[0] - test.gamma[0]) / test.standard_error[0]
            np.testing.assert_allclose(influence.shift[row], moved, rtol=1e-7)
    assert (influence.top == influence.shift.argmax(axis=0)).all()


def study(outlier=0.0, n=40):
    rng = np.random.default_rng(6)
    x = np.eye(2)[np.arange(n) % 2]
    y = rng.normal(300, 20, (n, 3))
    y[3, 1] += outlier
    fit = fit_glm(x, y)
    return fit, influence_of(fit, contrast_result(fit, np.array([[-1.0, 1]])))


def test_one_wrong_value_decides():
    assert not study()[1].decisive.any()
    assert np.argwhere(study(outlier=900)[1].decisive).tolist() == [[3, 1]]


def test_a_class_of_one_cannot_be_left_out():
    x = np.eye(2)[[0] * 9 + [1]]
    fit = fit_glm(x, np.random.default_rng(0).normal(size=(10, 1)))
    influence = influence_of(fit, contrast_result(fit, np.array([[-1.0, 1]])))
    assert np.isnan(influence.shift[9, 0])
    assert influence.top[0] != 9
    assert not influence.decisive[9, 0]


def test_robust_p_of_those_that_matter():
    fit, influence = study(outlier=900)
    matrix = np.array([[-1.0, 1]])
    robust = with_robust_p(influence, fit, matrix, None)
    kept = np.arange(40) != 3
    smaller = fit_glm(fit.design[kept], fit.values[kept])
    assert robust.p[3, 1] == pytest.approx(robust_result(smaller, matrix).p[1], rel=1e-9)
    assert np.isnan(robust.p).sum() == 3 * 40 - 3


def test_few_subjects_with_a_covariate_are_no_reason_to_name_one():
    """In three of 100 sound studies of eight at most; a subject whose covariate lies far from all others is named."""
    rng = np.random.default_rng(8)
    named = 0
    for _ in range(100):
        x = np.column_stack([np.eye(2)[np.arange(8) % 2], rng.normal(size=8)])
        fit = fit_glm(x, rng.normal(300, 30, (8, 13)))
        named += influence_of(fit, contrast_result(fit, np.array([[-1.0, 1, 0]]))).decisive.any()
    assert named <= 3
    age = np.append(rng.uniform(20, 60, 19), 443)
    x = np.column_stack([np.eye(2)[np.arange(20) % 2], age])
    fit = fit_glm(x, rng.normal(300, 20, (20, 1)) - 5 * np.minimum(age, 60)[:, None])
    assert influence_of(fit, contrast_result(fit, np.array([[0.0, 0, 1]]))).decisive[19, 0]
