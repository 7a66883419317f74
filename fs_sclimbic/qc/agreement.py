"""How far two raters agree: Cohen's kappa, plain and weighted, with its interval."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from .ratings import HIGHEST_SCORE, LOWEST_SCORE, RATINGS, Rating, latest_ratings

CONFIDENCE_LEVEL = 0.95
Weights = Literal["none", "linear", "quadratic"]


@dataclass(frozen=True, kw_only=True)
class Kappa:
    """Cohen's kappa of two raters. Numbers are nan where they make no sense."""

    n: int
    """What both have rated."""
    kappa: float
    """1: they always agree; 0: as often as by chance; nan if both give one and the same rating to all."""
    standard_error: float
    low: float
    high: float
    """95 % confidence interval, of a normal distribution, at most -1 to 1."""
    agreed: float
    """Share of what both have rated alike."""
    weights: Weights = "none"


def cohen_kappa(
    first: Sequence[Hashable], second: Sequence[Hashable], categories: Sequence[Hashable], weights: Weights = "none"
) -> Kappa:
    """Cohen's kappa.

    Parameters
    ----------
    first, second : sequence
        What two raters say of the same things, in one order.
    categories : sequence
        All that they may say; in their order where there are weights.
    weights : {"none", "linear", "quadratic"}
        How a disagreement grows with the distance of two categories.

    Returns
    -------
    Kappa

    Raises
    ------
    ValueError
        If the two are not of one length, or say something else.

    Notes
    -----
    Cohen 1960 and 1968; the standard error is that of Fleiss, Cohen and Everitt 1969 for kappa other than 0.
    """
    if len(first) != len(second):
        raise ValueError(f"expected as many ratings of both raters, found {len(first)} and {len(second)}")
    places = {category: place for place, category in enumerate(categories)}
    unknown = [one for one in (*first, *second) if one not in places]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(map(str, categories))}")
    counts = np.zeros((len(places), len(places)))
    for one, other in zip(first, second, strict=True):
        counts[places[one], places[other]] += 1
    n = len(first)
    if n == 0:
        return Kappa(n=0, kappa=math.nan, standard_error=math.nan, low=math.nan, high=math.nan, agreed=math.nan)
    shares = counts / n
    rows, columns = shares.sum(1), shares.sum(0)
    weight = _agreement_weights(len(places), weights)
    observed, expected = float((weight * shares).sum()), float((weight * np.outer(rows, columns)).sum())
    agreed = float(np.trace(shares))
    if 1 - expected < 1e-12:
        return Kappa(
            n=n, kappa=math.nan, standard_error=math.nan, low=math.nan, high=math.nan, agreed=agreed, weights=weights
        )
    kappa = (observed - expected) / (1 - expected)
    marginal = (weight @ columns)[:, None] + (weight.T @ rows)[None, :]
    spread = (shares * (weight - marginal * (1 - kappa)) ** 2).sum() - (kappa - expected * (1 - kappa)) ** 2
    error = math.sqrt(max(float(spread), 0.0) / n) / (1 - expected)
    reach = float(stats.norm.ppf((1 + CONFIDENCE_LEVEL) / 2)) * error
    return Kappa(
        n=n,
        kappa=kappa,
        standard_error=error,
        low=max(kappa - reach, -1.0),
        high=min(kappa + reach, 1.0),
        agreed=agreed,
        weights=weights,
    )


def _agreement_weights(count: int, weights: Weights) -> NDArray[np.float64]:
    """1 for the same category, less for others."""
    if weights == "none":
        return np.eye(count)
    distance = np.abs(np.subtract.outer(np.arange(count), np.arange(count))) / max(count - 1, 1)
    return np.asarray(1 - (distance if weights == "linear" else distance**2), np.float64)


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Two raters side by side."""

    raters: tuple[str, str]
    ratings: Kappa
    """Of pass, fail, artefact and unsure."""
    scores: Kappa
    """Of the scores from 1 to 5, quadratic weights."""
    differing: tuple[tuple[Rating, Rating], ...]
    """What they rate in different ways, the first rater's first."""
    only: tuple[int, int]
    """What only the first, and only the second has rated."""


def compare_raters(first: Sequence[Rating], second: Sequence[Rating], raters: tuple[str, str]) -> Agreement:
    """Compare the ratings of two raters.

    Parameters
    ----------
    first, second : sequence of Rating
        Of one rater each; of the same thing said twice the later one counts.
    raters : (str, str)
        Their names.

    Returns
    -------
    Agreement
    """
    one, other = ({rating.subject: rating for rating in latest_ratings(given)} for given in (first, second))
    pairs = [(one[subject], other[subject]) for subject in one if subject in other]
    rated = [(a.rating, b.rating) for a, b in pairs if a.rating and b.rating]
    scored = [(a.score, b.score) for a, b in pairs if a.score is not None and b.score is not None]
    steps = range(LOWEST_SCORE, HIGHEST_SCORE + 1)
    return Agreement(
        raters=raters,
        ratings=cohen_kappa([a for a, _ in rated], [b for _, b in rated], RATINGS),
        scores=cohen_kappa([a for a, _ in scored], [b for _, b in scored], list(steps), "quadratic"),
        differing=tuple((a, b) for a, b in pairs if a.rating != b.rating),
        only=(len(one.keys() - other.keys()), len(other.keys() - one.keys())),
    )
