import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestIndPower

from fs_sclimbic.group.design.contrast import Contrast
from fs_sclimbic.group.fit.glm import fit_glm
from fs_sclimbic.group.fit.results import group_result
from fs_sclimbic.group.fit.standardised import hedges_g, noncentrality_interval, smallest_noncentrality

RNG = np.random.default_rng(3)
A, B = RNG.normal(0.9, 1, (14, 2)), RNG.normal(0, 1, (9, 2))
VALUES = np.vstack([A, B])
CLASSES = np.column_stack([np.arange(23) < 14, np.arange(23) >= 14]).astype(float)


def result(matrix=((1.0, -1.0),), design=CLASSES, gamma0=None, weights=None):
    fit = fit_glm(design, VALUES, weights)
    contrast = Contrast("c", np.array(matrix), None if gamma0 is None else np.array([gamma0]))
    return fit, group_result(fit, contrast, ("X", "Y"), np.ones(2, bool))


def test_two_groups_by_the_textbook():
    found = hedges_g(*result())
    pooled = np.sqrt((13 * A.var(0, ddof=1) + 8 * B.var(0, ddof=1)) / 21)
    d = (A.mean(0) - B.mean(0)) / pooled
    np.testing.assert_allclose(found.g, d * (1 - 3 / (4 * 21 - 1)), rtol=2e-4)  # the usual approximation of J
    scale = np.sqrt(1 / 14 + 1 / 9)
    for end, p in ((found.low, 0.975), (found.high, 0.025)):
        np.testing.assert_allclose(stats.nct.cdf(d / scale, 21, end / scale), p, atol=1e-8)


def test_intervals_cover_the_population():
    rng, delta, hits = np.random.default_rng(1), 0.8, []
    scale = np.sqrt(2 / 10)
    for _ in range(300):
        t = stats.ttest_ind(rng.normal(delta, 1, 10), rng.normal(0, 1, 10)).statistic
        low, high = noncentrality_interval(float(t), 18)
        hits.append(low * scale < delta < high * scale)
    assert 0.91 < np.mean(hits) < 0.985


def test_r_gives_the_same_interval():
    # R 4.2: uniroot(function(x) pt(t, df, x) - 0.975 and - 0.025)
    for t, dof, ends in (
        (2, 50, (-0.008192987809, 3.98897655258)),
        (-3, 10, (-5.2991215274, -0.5985429891)),
        (8, 50, (5.467609621, 10.482398617)),
    ):
        np.testing.assert_allclose(noncentrality_interval(t, dof), ends, atol=2e-8)
    assert np.isnan(noncentrality_interval(40, 10)).all()
    assert np.isnan(noncentrality_interval(np.nan, 10)).all()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"matrix": ((1.0, 0.0),)}, "no difference of classes"),
        ({"matrix": ((1.0, 0.0), (0.0, 1.0))}, "no difference of classes"),
        ({"design": np.column_stack([CLASSES[:, 0] * 2, CLASSES[:, 1]])}, "no difference of classes"),
        ({"gamma0": 1.0}, "the null value is not 0"),
        ({"weights": np.linspace(1, 2, 23)}, "rows are weighted"),
    ],
)
def test_contrasts_without_g(given, words):
    found = hedges_g(*result(**given))
    assert words in found.why_not
    assert np.isnan([found.g, found.low, found.high]).all()


def test_robust_variances_have_no_g():
    assert "variances" in hedges_g(*result(), robust=True).why_not


def test_doubled_weights_do_not_double_g():
    np.testing.assert_allclose(hedges_g(*result(matrix=((2.0, -2.0),))).g, hedges_g(*result()).g)


@pytest.mark.parametrize(("n", "m", "alpha"), [(30, 20, 0.05), (8, 40, 0.05), (12, 12, 0.05 / 13), (300, 300, 0.01)])
def test_sensitivity_as_statsmodels(n, m, alpha):
    d = TTestIndPower().solve_power(nobs1=n, ratio=m / n, alpha=alpha, power=0.8)
    found = smallest_noncentrality(n + m - 2, alpha=alpha) * np.sqrt(1 / n + 1 / m)
    assert found == pytest.approx(d, rel=1e-6)


def test_sensitivity_of_few_subjects():
    assert smallest_noncentrality(1) > smallest_noncentrality(2) > smallest_noncentrality(1000) > 2.8
    assert np.isnan(smallest_noncentrality(0))
