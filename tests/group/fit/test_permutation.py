from itertools import permutations, product

import numpy as np
import pytest

from fs_sclimbic.group.fit.glm import contrast_result, fit_glm
from fs_sclimbic.group.fit.permutation import permutation_test

ALL = np.ones(3, bool)


def by_hand(x, y, matrix, weights, gamma0, moves):
    """Freedman and Lane step by step: fit without the contrast, move residuals, add the fit, fit the whole model."""
    w = np.ones(len(x)) if weights is None else weights
    xw, yw = x * w[:, None], y * w[:, None]
    null = np.zeros(len(matrix)) if gamma0 is None else gamma0
    # Least squares under the constraint C b = gamma0.
    inverse = np.linalg.inv(xw.T @ xw)
    free = inverse @ xw.T @ yw
    under = inverse @ matrix.T @ np.linalg.solve(matrix @ inverse @ matrix.T, matrix @ free - null[:, None])
    reduced = xw @ (free - under)
    residuals = yw - reduced
    observed = contrast_result(fit_glm(x, y, weights), matrix, gamma0).f
    f = np.array([contrast_result(fit_glm(xw, reduced + move(residuals)), matrix, gamma0).f for move in moves])
    hit = f >= observed * (1 - 1e-9)
    hit_max = f.max(1)[:, None] >= observed * (1 - 1e-9)
    return hit.mean(0), hit_max.mean(0)


def two_groups(seed=0, n=7, effect=2.0):
    rng = np.random.default_rng(seed)
    x = np.eye(2)[np.arange(n) % 2]
    return x, rng.normal(100, 1, (n, 3)) + effect * x[:, [0]] * [1, 0.5, 0]


def test_exact_is_every_permutation():
    x, y = two_groups()
    matrix = np.array([[1.0, -1]])
    ours = permutation_test(fit_glm(x, y), matrix, None, family=ALL, count=100, seed=0)
    assert (ours.exact, ours.count, ours.flips) == (True, 35, False)  # 7 over 3
    p, p_fwe = by_hand(x, y, matrix, None, None, [lambda e, o=list(o): e[o] for o in permutations(range(7))])
    np.testing.assert_allclose(ours.p, p, rtol=1e-12)
    np.testing.assert_allclose(ours.p_fwe, p_fwe, rtol=1e-12)
    assert len(set(ours.p)) == 3


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("gamma0", [None, [0.4]])
def test_exact_with_a_covariate_is_every_permutation(weighted, gamma0):
    rng = np.random.default_rng(3)
    x = np.column_stack([np.eye(2)[np.arange(6) % 2], rng.normal(50, 5, 6)])
    y, weights = rng.normal(100, 3, (6, 3)), rng.uniform(0.5, 2, 6) if weighted else None
    matrix, null = np.array([[1.0, -1, 0]]), None if gamma0 is None else np.array(gamma0)
    ours = permutation_test(fit_glm(x, y, weights), matrix, null, family=ALL, count=1000, seed=0)
    assert (ours.exact, ours.count) == (True, 720)
    p, p_fwe = by_hand(x, y, matrix, weights, null, [lambda e, o=list(o): e[o] for o in permutations(range(6))])
    np.testing.assert_allclose(ours.p, p, rtol=1e-12)
    np.testing.assert_allclose(ours.p_fwe, p_fwe, rtol=1e-12)


def test_exact_f_contrast():
    rng = np.random.default_rng(8)
    x, y = np.eye(3)[[0, 0, 1, 1, 2, 2]], rng.normal(0, 1, (6, 3))
    matrix = np.array([[1.0, -1, 0], [0, 1, -1]])
    ours = permutation_test(fit_glm(x, y), matrix, None, family=ALL, count=100, seed=0)
    p, p_fwe = by_hand(x, y, matrix, None, None, [lambda e, o=list(o): e[o] for o in permutations(range(6))])
    assert (ours.exact, ours.count) == (True, 90)
    np.testing.assert_allclose(ours.p, p, rtol=1e-12)
    np.testing.assert_allclose(ours.p_fwe, p_fwe, rtol=1e-12)


def test_a_mean_is_tested_by_flipping_signs():
    y = np.random.default_rng(1).normal(0.4, 1, (8, 3))
    ours = permutation_test(fit_glm(np.ones((8, 1)), y), np.ones((1, 1)), None, family=ALL, count=256, seed=0)
    assert (ours.exact, ours.count, ours.flips) == (True, 256, True)
    moves = [lambda e, s=s: e * np.array(s)[:, None] for s in product((-1, 1), repeat=8)]
    p, p_fwe = by_hand(np.ones((8, 1)), y, np.ones((1, 1)), None, None, moves)
    np.testing.assert_allclose(ours.p, p, rtol=1e-12)
    np.testing.assert_allclose(ours.p_fwe, p_fwe, rtol=1e-12)


@pytest.mark.parametrize(
    ("matrix", "flips"),
    [([[1, -1, 0]], False), ([[0, 0, 1]], False), ([[1, 0, 0]], True), ([[0.5, 0.5, 0]], True), (np.eye(3), True)],
)
def test_what_flips(matrix, flips):
    rng = np.random.default_rng(2)
    x = np.column_stack([np.eye(2)[np.arange(20) % 2], rng.normal(50, 5, 20)])
    fit = fit_glm(x, rng.normal(0, 1, (20, 3)))
    assert permutation_test(fit, np.array(matrix, float), None, family=ALL, count=20, seed=0).flips == flips


def test_random_permutations_near_the_exact_ones():
    x, y = two_groups(n=12, effect=0.8)
    fit, matrix = fit_glm(x, y), np.array([[1.0, -1]])
    exact = permutation_test(fit, matrix, None, family=ALL, count=924, seed=0)
    sampled = permutation_test(fit, matrix, None, family=ALL, count=923, seed=0)
    assert exact.exact
    assert not sampled.exact
    assert sampled.count == 924
    assert np.abs(exact.p - sampled.p).max() < 0.06
    assert np.abs(exact.p_fwe - sampled.p_fwe).max() < 0.06


def test_seed_and_batches():
    rng = np.random.default_rng(6)
    x = np.column_stack([np.ones(40), rng.normal(50, 5, 40)])
    fit, matrix = fit_glm(x, rng.normal(0, 1, (40, 3))), np.array([[0, 1.0]])
    first = permutation_test(fit, matrix, None, family=ALL, count=500, seed=7)
    assert permutation_test(fit, matrix, None, family=ALL, count=500, seed=7).p.tolist() == first.p.tolist()
    assert permutation_test(fit, matrix, None, family=ALL, count=500, seed=8).p.tolist() != first.p.tolist()
    small = permutation_test(fit, matrix, None, family=ALL, count=500, seed=7, batch_bytes=40 * 8 * 30)
    assert small.p.tolist() == first.p.tolist()


def test_the_smallest_p_is_not_zero():
    x = np.column_stack([np.ones(60), np.arange(60.0)])
    y = 5 * x[:, [1, 1, 1]] + np.random.default_rng(0).normal(0, 1, (60, 3))
    result = permutation_test(fit_glm(x, y), np.array([[0, 1.0]]), None, family=ALL, count=199, seed=0)
    assert result.p.tolist() == [1 / 200] * 3
    assert result.p_fwe.tolist() == [1 / 200] * 3


def test_family_and_what_cannot_be_tested():
    x, y = two_groups(n=10)
    y = np.column_stack([y, np.full(10, 3.0)])
    family = np.array([True, False, True, False])
    result = permutation_test(fit_glm(x, y), np.array([[1.0, -1]]), None, family=family, count=50, seed=0)
    assert np.isnan(result.p).tolist() == [False, False, False, True]
    assert np.isnan(result.p_fwe).tolist() == [False, True, False, True]
    # The largest statistic of two columns is at least each of them.
    assert (result.p_fwe[[0, 2]] >= result.p[[0, 2]]).all()
    alone = permutation_test(
        fit_glm(x, y), np.array([[1.0, -1]]), None, family=np.array([True, False, False, False]), count=50, seed=0
    )
    assert alone.p_fwe[0] == alone.p[0]


@pytest.mark.parametrize("kind", ["group", "slope", "mean"])
def test_calibration_under_the_null(kind):
    # 300 data sets without an effect, a covariate that matters, skewed errors: p below 0.1 in a tenth of them,
    # and the smallest corrected p of 3 structures too.
    rng = np.random.default_rng(11)
    n, hits, hits_fwe = 24, 0, 0
    age = rng.normal(50, 10, n)
    x = np.column_stack([np.eye(2)[np.arange(n) % 2], age - age.mean()])
    matrix = np.array({"group": [[1.0, -1, 0]], "slope": [[0, 0, 1.0]], "mean": [[0.5, 0.5, 0]]}[kind])
    for _ in range(300):
        errors = rng.standard_t(3, (n, 3)) if kind == "mean" else rng.exponential(1, (n, 3))
        if kind == "mean":
            y = errors + 0.3 * x[:, [2]]
        elif kind == "group":
            y = errors + 0.3 * age[:, None]
        else:
            y = errors + 4 * x[:, [0]]
        result = permutation_test(fit_glm(x, y), matrix, None, family=ALL, count=199, seed=int(rng.integers(2**31)))
        hits += result.p[0] <= 0.1
        hits_fwe += result.p_fwe.min() <= 0.1
    # Binomial(300, 0.1): mean 30, sd 5.2.
    assert 14 <= hits <= 47
    assert 14 <= hits_fwe <= 47


def test_normal_data_agree_with_the_t_test():
    rng = np.random.default_rng(12)
    x = np.column_stack([np.ones(200), rng.normal(0, 1, 200)])
    fit, matrix = fit_glm(x, rng.normal(0, 1, (200, 3)) + 0.12 * x[:, [1]]), np.array([[0, 1.0]])
    result = permutation_test(fit, matrix, None, family=ALL, count=10000, seed=0)
    np.testing.assert_allclose(result.p, contrast_result(fit, matrix).p, atol=0.015)
