"""Tests of whether groups of participants differ in a number or a label."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]
MIN_EXPECTED = 5
"""Below this expected count of a cell chi-square is not to be trusted."""
PERMUTATIONS = 9999
SEED = 1


@dataclass(frozen=True)
class GroupTest:
    """One test; nan where there is no number."""

    name: str
    statistic: float = np.nan
    p: float = np.nan
    difference: float = np.nan
    """Of two groups in a number: difference of means (first - second) over the root of the mean variance."""
    words: str = ""
    """What the test is, for a footnote."""


NO_TEST = GroupTest("")


def compare_numbers(groups: Sequence[Array], *, by_ranks: bool = False) -> GroupTest:
    """Test whether groups differ in a number.

    Parameters
    ----------
    groups : sequence of (n_i,) arrays
    by_ranks : bool
        Mann-Whitney or Kruskal-Wallis, instead of Welch's t or Welch's ANOVA.

    Returns
    -------
    GroupTest
        None with fewer than two groups, or a group of fewer than two.
    """
    if len(groups) < 2 or min(map(len, groups)) < 2:
        return NO_TEST
    if by_ranks and np.ptp(np.concatenate(list(groups))) == 0:
        return NO_TEST
    if by_ranks and len(groups) == 2:
        found = stats.mannwhitneyu(*groups, alternative="two-sided")
        return GroupTest("Mann-Whitney U", float(found.statistic), float(found.pvalue))
    if by_ranks:
        found = stats.kruskal(*groups)
        return GroupTest("Kruskal-Wallis H", float(found.statistic), float(found.pvalue))
    means, variances = (np.array([getattr(group, name)(**more) for group in groups])
                        for name, more in (("mean", {}), ("var", {"ddof": 1})))  # fmt: skip
    if not variances.all():
        return NO_TEST
    if len(groups) == 2:
        found = stats.ttest_ind(*groups, equal_var=False)
        difference = float((means[0] - means[1]) / np.sqrt(variances.mean()))
        return GroupTest(
            "Welch's t", float(found.statistic), float(found.pvalue), difference,
            "Standardised difference: (first - second) / root of the mean variance.",
        )  # fmt: skip
    return _welch_anova(means, variances, np.array([len(group) for group in groups], float))


def _welch_anova(means: Array, variances: Array, sizes: Array) -> GroupTest:
    """Welch (1951)."""
    k, weights = len(means), sizes / variances
    share = weights / weights.sum()
    spread = np.sum((1 - share) ** 2 / (sizes - 1))
    between = np.sum(weights * (means - share @ means) ** 2) / (k - 1)
    f = between / (1 + 2 * (k - 2) / (k**2 - 1) * spread)
    return GroupTest("Welch's F", float(f), float(stats.f.sf(f, k - 1, (k**2 - 1) / (3 * spread))))


def compare_labels(labels: NDArray[np.str_], group_of: NDArray[np.intp]) -> GroupTest:
    """Test whether groups differ in labels.

    Parameters
    ----------
    labels : (n,) array of str
    group_of : (n,) array of int

    Returns
    -------
    GroupTest
        Chi-square without a correction where every expected count is 5 or more; else Fisher's exact test of a 2 x 2
        table, and for larger ones chi-square by permutations. None with one group or one label.
    """
    counts = _counts(labels, group_of)
    if min(counts.shape) < 2:
        return NO_TEST
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    statistic = _chi_square(counts, expected)
    if expected.min() >= MIN_EXPECTED:
        dof = (counts.shape[0] - 1) * (counts.shape[1] - 1)
        return GroupTest("chi-square", statistic, float(stats.chi2.sf(statistic, dof)))
    if counts.shape == (2, 2):
        return GroupTest("Fisher's exact", p=float(stats.fisher_exact(counts)[1]))
    rng = np.random.default_rng(SEED)
    drawn = np.array([_chi_square(_counts(labels, rng.permutation(group_of)), expected) for _ in range(PERMUTATIONS)])
    p = (1 + np.sum(drawn >= statistic * (1 - 1e-12))) / (1 + PERMUTATIONS)
    words = f"Permuted chi-square: {PERMUTATIONS} permutations, seed {SEED}, since expected counts are below 5."
    return GroupTest("chi-square, permuted", statistic, float(p), words=words)


def _counts(labels: NDArray[np.str_], group_of: NDArray[np.intp]) -> NDArray[np.intp]:
    _, level_of = np.unique(labels, return_inverse=True)
    _, place = np.unique(group_of, return_inverse=True)
    counts = np.zeros((int(level_of.max()) + 1, int(place.max()) + 1), np.intp)
    np.add.at(counts, (level_of, place), 1)
    return counts


def _chi_square(counts: NDArray[np.intp], expected: Array) -> float:
    return float(np.sum((counts - expected) ** 2 / expected))
