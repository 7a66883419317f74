"""Tests of centring, and of fits far from 0 against exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fs_sclimbic.errors import DesignError
from fs_sclimbic.group.fit.centring import centre
from fs_sclimbic.group.fit.glm import contrast_result, fit_glm
from fs_sclimbic.group.fit.permutation import permutation_test

CLASS_OF = np.arange(14) % 2
RNG = np.random.default_rng(4)
AGES = RNG.integers(200, 800, 14) / 8
VALUES = (400 + 15.0 * CLASS_OF - 0.5 * AGES + RNG.normal(0, 9, 14))[:, None]
INDICATORS = np.eye(2)[CLASS_OF]


def design(method, offset):
    """Ages far from 0; the offsets and ages are such that their sums are exact in float64."""
    ages = AGES[:, None] + offset
    assert (ages[:, 0] - offset == AGES).all()
    if method == "constant":
        return np.hstack([np.ones((14, 1)), INDICATORS[:, 1:], ages])
    return np.hstack([INDICATORS, ages if method == "doss" else INDICATORS * ages])


def solve(matrix, right):
    """Solve a linear system in fractions, by elimination with pivots."""
    rows = [[*row, *more] for row, more in zip(matrix, right, strict=True)]
    for k in range(len(rows)):
        pivot = next(i for i in range(k, len(rows)) if rows[i][k] != 0)
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [cell / rows[k][k] for cell in rows[k]]
        for i in range(len(rows)):
            if i != k:
                rows[i] = [a - rows[i][k] * b for a, b in zip(rows[i], rows[k], strict=True)]
    return [row[len(matrix) :] for row in rows]


def times(a, b):
    return [[sum(x * y for x, y in zip(row, column, strict=True)) for column in zip(*b, strict=True)] for row in a]


def turned(a):
    return [list(column) for column in zip(*a, strict=True)]


def exact(x, y, contrast, weights=None):
    """Gamma, its variance and F of one column of values, in fractions."""
    w = np.ones(len(x)) if weights is None else weights
    x, y, c = ([[Fraction(float(v)) for v in row] for row in m] for m in (x, y, np.asarray(contrast, float)))
    w = [Fraction(float(v)) for v in w]
    x, y = ([[v * k for v in row] for row, k in zip(m, w, strict=True)] for m in (x, y))
    beta = solve(times(turned(x), x), times(turned(x), y))
    residuals = [[a[0] - b[0]] for a, b in zip(y, times(x, beta), strict=True)]
    variance = times(turned(residuals), residuals)[0][0] / (len(x) - len(x[0]))
    gamma = times(c, beta)
    spread = times(c, solve(times(turned(x), x), turned(c)))
    f = times(turned(gamma), solve(spread, gamma))[0][0] / (len(c) * variance)
    return [float(g[0]) for g in gamma], [float(variance * spread[i][i]) for i in range(len(c))], float(f)


CONTRASTS = {
    "doss": ([[-1, 1, 0]], [[0, 0, 1]], [[1, 0, 0]], [[-1, 1, 0], [0, 0, 1]]),
    "dods": ([[-1, 1, 0, 0]], [[0, 0, -1, 1]], [[0, 0, 1, 1]], [[-1, 1, 0, 0], [0, 0, -1, 1]]),
    "constant": ([[0, 1, 0]], [[0, 0, 1]], [[1, 0, 0]], [[0, 1, 0], [0, 0, 1]]),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("offset", [0.0, -3e3, 1e7, 1e9, 1e10, 1e12])
@pytest.mark.parametrize("method", CONTRASTS)
def test_far_from_zero_the_fit_is_that_of_exact_arithmetic(method, offset, weighted):
    x = design(method, offset)
    weights = np.linspace(0.5, 2, 14) if weighted else None
    fit = fit_glm(x, VALUES, weights)
    for contrast in CONTRASTS[method]:
        ours = contrast_result(fit, np.array(contrast, float))
        gamma, variance, f = exact(x, VALUES, contrast, weights)
        errors = np.sqrt(variance)
        np.testing.assert_allclose(ours.gamma[:, 0], gamma, rtol=1e-9, atol=1e-9 * errors.max())
        np.testing.assert_allclose(ours.row_variance[:, 0], variance, rtol=1e-9)
        assert ours.f[0] == pytest.approx(f, rel=1e-9)


@pytest.mark.parametrize("method", ["doss", "dods", "constant"])
def test_the_offset_of_a_covariate_changes_no_permutation(method):
    contrast = np.array(CONTRASTS[method][1], float)
    near, far = (
        permutation_test(fit_glm(design(method, offset), VALUES), contrast, family=np.array([True]), count=200, seed=1)
        for offset in (0.0, 1e10)
    )
    assert far.p.tolist() == near.p.tolist()
    assert far.flips == near.flips


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.floats(-1e12, 1e12))
def test_the_column_space_stays(seed, classes, offset):
    rng = np.random.default_rng(seed)
    of = np.arange(20) % classes
    x = np.hstack([np.eye(classes)[of], rng.normal(offset, 5, (20, 1)), rng.normal(0, 1, (20, 1))])
    centred, transform = centre(x)
    assert abs(centred[:, classes].mean()) <= 1e-9 * max(abs(offset), 5)
    # In fractions the centred design is the design times the transform, up to one rounding of a difference.
    x, transform, ours = ([[Fraction(v) for v in row] for row in m.tolist()] for m in (x, transform, centred))
    largest = max(abs(v) for row in ours for v in row)
    for row, exact_row in zip(ours, times(x, transform), strict=True):
        assert max(abs(a - b) for a, b in zip(row, exact_row, strict=True)) <= 1e-15 * max(largest, 1)


def test_what_cannot_be_centred_stays():
    x = np.column_stack([np.linspace(1, 2, 9), np.linspace(3, 1, 9) ** 2])
    centred, transform = centre(x)
    np.testing.assert_array_equal(centred, x)
    np.testing.assert_array_equal(transform, np.eye(2))
    partly = np.column_stack([np.arange(8) % 2 == 0, np.arange(8.0)])  # rows of no indicator
    np.testing.assert_array_equal(centre(partly)[0], partly)


@pytest.mark.parametrize("value", [7.0, 0.1, 1e12])
def test_a_constant_covariate_is_refused(value):
    x = np.column_stack([np.ones(9), np.full(9, value)])
    with pytest.raises(DesignError, match="depend on each other"):
        fit_glm(x, np.arange(9.0)[:, None])
