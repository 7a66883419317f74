"""Cohen's kappa is that of the literature and of statsmodels."""

import math

import numpy as np
import pytest

from fs_sclimbic.qc.agreement import cohen_kappa, compare_raters
from fs_sclimbic.qc.ratings import Rating

FLEISS_1969 = np.array([[106, 10, 4], [22, 28, 10], [2, 12, 6]])
"""Two raters, three diagnoses, 200 people: Fleiss, Cohen and Everitt 1969; kappa 0.429."""


def pairs_of(counts):
    """What two raters said, from a table of counts."""
    rows, columns = np.indices(counts.shape)
    return np.repeat(rows, counts.ravel()), np.repeat(columns, counts.ravel())


def test_the_published_example():
    found = cohen_kappa(*pairs_of(FLEISS_1969), range(3))
    assert found.n == 200
    assert found.agreed == pytest.approx(0.70)
    assert round(found.kappa, 3) == 0.429
    assert round(found.standard_error, 4) == 0.0537
    assert found.low < 0.429 < found.high


@pytest.mark.parametrize(("weights", "name"), [("none", None), ("linear", "linear"), ("quadratic", "quadratic")])
@pytest.mark.parametrize("seed", range(3))
def test_statsmodels_says_the_same(weights, name, seed):
    agreement = pytest.importorskip("statsmodels.stats.inter_rater")
    counts = np.random.default_rng(seed).integers(0, 30, (5, 5)) + 20 * np.eye(5, dtype=int)
    expected = agreement.cohens_kappa(counts, wt=name)
    found = cohen_kappa(*pairs_of(counts), range(5), weights)
    assert found.kappa == pytest.approx(expected.kappa, rel=1e-10)
    assert found.standard_error == pytest.approx(expected.std_kappa, rel=1e-8)
    assert found.low == pytest.approx(expected.kappa_low, rel=1e-6)
    assert found.high == pytest.approx(expected.kappa_upp, rel=1e-6)


def test_the_extremes():
    same = cohen_kappa("aabb", "aabb", "ab")
    assert (same.kappa, same.agreed, same.high) == (1, 1, 1)
    assert cohen_kappa("aabb", "bbaa", "ab").kappa == -1
    # Both say the same of all: nobody knows whether that is chance.
    constant = cohen_kappa("aaa", "aaa", "ab")
    assert math.isnan(constant.kappa)
    assert constant.agreed == 1
    none = cohen_kappa("", "", "ab")
    assert none.n == 0
    assert math.isnan(none.kappa)


def test_what_makes_no_sense_is_an_error():
    with pytest.raises(ValueError, match="as many ratings of both"):
        cohen_kappa("ab", "a", "ab")
    with pytest.raises(ValueError, match="'c' is none of a, b"):
        cohen_kappa("ac", "ab", "ab")


def test_raters_are_compared_where_both_rated():
    def rated(rater, **words):
        return [Rating(case=case, rating=word, score=3, rater=rater) for case, word in words.items()]

    ann = [*rated("ann", a="pass", b="fail", c="pass", d="pass"), Rating(case="a", structure="Rod", rating="fail")]
    bob = [*rated("bob", b="fail", a="pass", c="unsure", e="pass", f="pass"), Rating(case="g", note="no word")]
    found = compare_raters(ann, bob, ("ann", "bob"))
    assert (found.ratings.n, found.scores.n) == (3, 3)
    assert found.ratings.agreed == pytest.approx(2 / 3)
    assert [(one.case, one.rating, other.rating) for one, other in found.differing] == [("c", "pass", "unsure")]
    assert found.only == (2, 3)
    assert math.isnan(found.scores.kappa)
