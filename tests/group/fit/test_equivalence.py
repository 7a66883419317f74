import numpy as np
import pytest
from statsmodels.stats.weightstats import ttost_ind

from fs_sclimbic.errors import UsageError
from fs_sclimbic.group.design.contrast import Contrast
from fs_sclimbic.group.fit.equivalence import Bound, equivalence, parse_bound
from fs_sclimbic.group.fit.glm import fit_glm
from fs_sclimbic.group.fit.results import group_result, holm

RNG = np.random.default_rng(6)
VALUES = 500 + RNG.normal(0, 20, (60, 3))
CLASSES = np.column_stack([np.arange(60) < 33, np.arange(60) >= 33]).astype(float)


def outcome(text, values=VALUES, matrix=((1.0, -1.0),), **more):
    fit = fit_glm(CLASSES, values)
    result = group_result(fit, Contrast("c", np.array(matrix)), ("X", "Y", "Z"), np.array([True, True, False]))
    return equivalence(fit, result, parse_bound(text), **more)


def test_as_statsmodels():
    found = outcome("15")
    for k in range(3):
        p = ttost_ind(VALUES[:33, k], VALUES[33:, k], -15, 15, usevar="pooled")[0]
        assert found.p[k] == pytest.approx(p, rel=1e-9)
        inside = found.ci90_low[k] > -15 and found.ci90_high[k] < 15
        assert inside == (found.p[k] < 0.05)
    np.testing.assert_allclose(found.p_holm[:2], holm(found.p[:2]))
    assert np.isnan(found.p_holm[2])  # it is no structure


def test_percent_of_the_mean():
    found = outcome("3 %")
    np.testing.assert_allclose(found.high, 0.03 * VALUES.mean(0))
    np.testing.assert_allclose(found.low, -found.high)
    logs = outcome("3%", np.log(VALUES), logarithm=True)
    np.testing.assert_allclose([logs.low[0], logs.high[0]], np.log([0.97, 1.03]))


def test_no_percentage_without_a_zero():
    values = VALUES.copy()
    values[:, 1] -= 500
    found = outcome("3%", values)
    assert np.isnan([found.high[1], found.p[1], found.p_holm[1]]).all()
    assert found.p[0] == outcome("3%").p[0]


def test_several_rows_have_none():
    assert outcome("3%", matrix=((1.0, 0.0), (0.0, 1.0))) is None


@pytest.mark.parametrize(
    ("text", "bound"), [("5%", Bound(5, True)), (" 12.5 ", Bound(12.5, False)), (".5 %", Bound(0.5, True))]
)
def test_bounds(text, bound):
    assert parse_bound(text) == bound


@pytest.mark.parametrize("text", ["", "0", "0%", "-5", "5mm", "nan", "%", "5%%", "1e3"])
def test_bounds_that_are_none(text):
    with pytest.raises(UsageError, match="expected a number above 0"):
        parse_bound(text)


def test_bounds_that_do_not_fit():
    with pytest.raises(UsageError, match="less than 100"):
        outcome("100%")
    with pytest.raises(UsageError, match="with --logy give the bound in percent"):
        outcome("5", np.log(VALUES), logarithm=True)
