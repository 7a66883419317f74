"""Permutation tests of a contrast: Freedman-Lane, many permutations as matrix products.

Winkler et al. 2014, NeuroImage 92:381-397. The model is split into what the contrast tests and the rest (the
nuisance part); the residuals of the rest alone are permuted, and the contrast is tested anew. The statistic looks at
the permuted residuals only through their projections on p orthonormal columns, so that a permutation costs n x p x m
multiplications and no fit.

What is assumed: under the null hypothesis the (weighted) errors are exchangeable between subjects, or, where signs
are flipped, independent and symmetric about zero.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import factorial, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .glm import Array, Fit

BATCH_BYTES = 64_000_000
"""Memory for one batch of permutations."""
TIE_SHARE = 1e-9
"""Statistics closer than this share are equal: the same arrangement of subjects, added up in another order."""


@dataclass(frozen=True, eq=False)
class PermutationResult:
    """Permutation p values of m columns."""

    p: Array
    """(m,), of each column alone; nan where it cannot be tested."""
    p_fwe: Array
    """(m,), corrected over the family by the largest statistic of its columns; nan outside of the family."""
    count: int
    """Arrangements that were looked at, the observed one included."""
    exact: bool
    """Whether these are all that there are; else they are a random sample."""
    flips: bool
    """Whether signs were flipped instead of permuting, since the contrast concerns the mean itself."""

    def words(self, seed: int) -> str:
        """One line for a log."""
        kind = "sign flips" if self.flips else "permutations"
        return f"all {self.count} {kind}" if self.exact else f"{self.count - 1} random {kind}, seed {seed}"


def permutation_test(
    fit: Fit,
    matrix: Array,
    gamma0: Array | None = None,
    *,
    family: NDArray[np.bool_],
    count: int,
    seed: int,
    batch_bytes: int = BATCH_BYTES,
) -> PermutationResult:
    """Freedman-Lane permutation test of a contrast.

    Parameters
    ----------
    fit : Fit
        Of n subjects and m columns.
    matrix : (J, p) array
        The contrast; its p values are those of F, for one row two-sided.
    gamma0 : (J,) array, optional
    family : (m,) array of bool
        Columns over which the largest statistic is taken.
    count : int
        Random permutations. Where no more arrangements than this exist, all of them are looked at instead.
    seed : int
        Same seed, same p values.
    batch_bytes : int
        Memory for one batch of permutations.

    Returns
    -------
    PermutationResult
        For random permutations p = (b + 1) / (count + 1), where b of them reach the observed statistic (Phipson
        and Smyth 2010): never 0. For all arrangements p = b / their number, the observed one counted.
    """
    tested, nuisance, residuals = _split(fit, matrix, gamma0)
    keep = fit.testable & (np.linalg.norm(residuals, axis=0) > 0)
    unit = residuals[:, keep] / np.linalg.norm(residuals[:, keep], axis=0)
    in_family = family[keep]
    basis, rows = np.hstack([tested, nuisance]), tested.shape[1]
    observed = _share(basis[None], unit, rows)[0]
    bar = observed * (1 - TIE_SHARE)
    flips = _concerns_mean(fit.centred, fit.on_centred(matrix))
    arrangements, total = _arrangements(fit, flips, count)
    exact = total is not None
    source = arrangements if exact else _random(len(basis), flips, count, seed)
    at_least, at_least_max = np.zeros(len(bar), np.int64), np.zeros(len(bar), np.int64)
    width = max(1, batch_bytes // (8 * len(basis) * (basis.shape[1] + 2)))
    while batch := list(islice(source, width)):
        moved = np.array(batch)
        shares = _share(moved[:, :, None] * basis if flips else basis[moved], unit, rows)
        at_least += np.sum(shares >= bar, axis=0)
        if in_family.any():
            at_least_max += np.sum(shares[:, in_family].max(1)[:, None] >= bar, axis=0)
    looked_at = total if total is not None else count + 1
    p, p_fwe = np.full(fit.testable.shape, np.nan), np.full(fit.testable.shape, np.nan)
    p[keep] = (at_least + (not exact)) / looked_at
    p_fwe[keep] = np.where(in_family, (at_least_max + (not exact)) / looked_at, np.nan)
    return PermutationResult(p, p_fwe, looked_at, exact, flips)


def _split(fit: Fit, matrix: Array, gamma0: Array | None) -> tuple[Array, Array, Array]:
    """Orthonormal columns of the tested part (n, J) and of the nuisance part (n, p - J); residuals of the latter.

    The nuisance part is every fit X b with C b = 0; the tested part X (X'X)^-1 C' is orthogonal to it.
    """
    by_row = np.ones((len(fit.design), 1)) if fit.weights is None else fit.weights[:, None]
    z, y, rows = fit.centred * by_row, fit.values * by_row, fit.on_centred(matrix)
    if gamma0 is not None:
        y = y - (z @ np.linalg.pinv(rows) @ gamma0)[:, None]
    length = np.linalg.norm(z, axis=0)
    free = np.linalg.svd(rows / length)[2][len(rows) :].T
    nuisance = np.linalg.qr(z / length @ free)[0]
    tested = np.linalg.qr(z @ fit.root @ (rows @ fit.root).T)[0]
    return tested, nuisance, y - nuisance @ (nuisance.T @ y)


def _share(bases: Array, unit: Array, rows: int) -> Array:
    """(B, m): the share of the residuals that the tested part explains, a monotone function of F.

    Parameters
    ----------
    bases : (B, n, p) array
        Orthonormal columns with permuted rows: permuting them is permuting the residuals the other way round.
    unit : (n, m) array
        Residuals of the nuisance part, each column of length 1.
    """
    squares = np.matmul(unit.T, bases) ** 2
    rest = 1 - squares[:, :, rows:].sum(2)
    return np.asarray(squares[:, :, :rows].sum(2) / np.maximum(rest, np.finfo(float).tiny))


def _concerns_mean(design: Array, matrix: Array) -> bool:
    """Whether the constant lies in the model, but not in its nuisance part: shuffling subjects keeps the mean."""

    def holds_constant(columns: Array) -> bool:
        q = np.linalg.qr(columns)[0]
        ones = np.ones(len(design))
        return bool(np.linalg.norm(ones - q @ (q.T @ ones)) < 1e-8 * np.sqrt(len(ones)))

    length = np.linalg.norm(design, axis=0)
    free = np.linalg.svd(matrix / length)[2][len(matrix) :].T
    return holds_constant(design / length) and not (free.size and holds_constant(design / length @ free))


def _arrangements(fit: Fit, flips: bool, most: int) -> tuple[Iterator[NDArray[Any]], int | None]:
    """All arrangements and their number, or None where there are more than ``most``.

    Exchanging two subjects with equal rows of the design (and weights) changes nothing: arrangements that differ
    by that alone are one.
    """
    n = len(fit.design)
    if flips:
        return _all_signs(n), 2**n if n < 63 and 2**n <= most else None
    rows = fit.design if fit.weights is None else np.column_stack([fit.design, fit.weights])
    _, first, kind, sizes = np.unique(rows, axis=0, return_index=True, return_inverse=True, return_counts=True)
    total = factorial(n) // prod(factorial(int(size)) for size in sizes) if n <= 1000 else None
    return _all_orders(np.asarray(kind).ravel(), first), total if total is not None and total <= most else None


def _all_signs(n: int) -> Iterator[Array]:
    for number in range(2**n):
        yield np.where((number >> np.arange(n)) & 1, -1.0, 1.0)


def _all_orders(kind: NDArray[np.intp], first: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Every distinct order of the kinds of rows, as indices of rows, in lexicographic order."""
    order = sorted(int(k) for k in kind)
    while True:
        yield first[order]
        fall = len(order) - 2
        while fall >= 0 and order[fall] >= order[fall + 1]:
            fall -= 1
        if fall < 0:
            return
        other = len(order) - 1
        while order[other] <= order[fall]:
            other -= 1
        order[fall], order[other] = order[other], order[fall]
        order[fall + 1 :] = reversed(order[fall + 1 :])


def _random(n: int, flips: bool, count: int, seed: int) -> Iterator[NDArray[Any]]:
    """Random arrangements, one after the other: the same ones whatever the size of a batch."""
    generator = np.random.default_rng(seed)
    for _ in range(count):
        if flips:
            yield generator.integers(0, 2, n, dtype=np.int8) * 2.0 - 1
        else:
            yield generator.permutation(n)
