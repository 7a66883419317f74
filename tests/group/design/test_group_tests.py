import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.oneway import anova_oneway

from fs_sclimbic.group.design.group_tests import NO_TEST, compare_labels, compare_numbers

RNG = np.random.default_rng(4)
GROUPS = [RNG.normal(size, size, n) for size, n in ((5, 12), (6, 20), (3, 9))]


def test_two_groups():
    found = compare_numbers(GROUPS[:2])
    assert found.p == pytest.approx(stats.ttest_ind(*GROUPS[:2], equal_var=False).pvalue)
    sd = np.sqrt((GROUPS[0].var(ddof=1) + GROUPS[1].var(ddof=1)) / 2)
    assert found.difference == pytest.approx((GROUPS[0].mean() - GROUPS[1].mean()) / sd)


def test_three_groups_as_statsmodels():
    found, other = compare_numbers(GROUPS), anova_oneway(GROUPS, use_var="unequal")
    assert (found.statistic, found.p) == pytest.approx((other.statistic, other.pvalue))
    assert compare_numbers(GROUPS, by_ranks=True).p == pytest.approx(stats.kruskal(*GROUPS).pvalue)
    assert compare_numbers(GROUPS[:2], by_ranks=True).name == "Mann-Whitney U"


@pytest.mark.parametrize("groups", [GROUPS[:1], [GROUPS[0], np.ones(1)], [np.ones(4), GROUPS[0]]])
def test_numbers_that_cannot_be_tested(groups):
    assert compare_numbers(groups) == NO_TEST
    assert compare_numbers([np.ones(3), np.ones(3)], by_ranks=True) == NO_TEST


def labels_of(counts):
    rows = [(level, group) for level, row in enumerate(counts) for group, n in enumerate(row) for _ in range(n)]
    return np.array([f"L{level}" for level, _ in rows]), np.array([group for _, group in rows])


def test_labels():
    counts = [[10, 14, 9], [12, 7, 11]]
    found, other = compare_labels(*labels_of(counts)), stats.chi2_contingency(counts, correction=False)
    assert found.name == "chi-square"
    assert (found.statistic, found.p) == pytest.approx(other[:2])
    small = [[1, 6], [7, 2]]
    assert compare_labels(*labels_of(small)).p == pytest.approx(stats.fisher_exact(small)[1])
    larger = compare_labels(*labels_of([[1, 6, 2], [7, 2, 3]]))
    assert larger.name == "chi-square, permuted"
    assert larger.p == pytest.approx(0.0401, abs=0.006)  # R 4.2: chisq.test with 1e6 simulated tables
    assert compare_labels(np.array(["F"] * 4), np.array([0, 0, 1, 1])) == NO_TEST
