"""Means of the classes, or of the levels of a formula, adjusted for all else in the design."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .glm import Array, ContrastResult, Fit, contrast_result
from .robust import robust_result
from .study import Study


@dataclass(frozen=True, eq=False, kw_only=True)
class MeanRows:
    """Which means are asked for: k rows of a design with p columns."""

    names: tuple[str, ...]
    """Classes or levels."""
    rows: Array
    """(k, p)."""
    at: str
    """Where on everything else, in words."""


@dataclass(frozen=True, eq=False, kw_only=True)
class AdjustedMeans:
    """Means of k classes, m structures; arrays are (k, m), in the unit of the values."""

    asked: MeanRows
    mean: Array
    standard_error: Array
    """nan for geometric means, and where nothing can be estimated."""
    low: Array
    """Of the 95 % confidence interval."""
    high: Array
    geometric: bool = False
    """After a logarithm: means and intervals are brought back by the exponential."""


def class_rows(study: Study) -> MeanRows | None:
    """The rows of the classes of an FSGD.

    Parameters
    ----------
    study : Study

    Returns
    -------
    MeanRows or None
        Every variable at its mean over the analysed subjects, added covariates too (labels by their shares). None
        where the study is not fitted by the columns of an FSGD.
    """
    design = study.design
    if design is None or study.columns[: len(design.columns)] != design.columns:
        return None
    classes, matrix = len(design.classes), study.matrix
    rows = np.tile(matrix.mean(axis=0), (classes, 1))
    rows[:, :classes] = np.eye(classes)
    if design.method == "dods":
        for index in range(len(design.variables)):
            block = slice(classes * (index + 1), classes * (index + 2))
            rows[:, block] = np.eye(classes) * matrix[:, block].sum(axis=1).mean()
    parts = [f"{name} {mean:.4g}" for name, mean in zip(design.variables, design.values.mean(axis=0), strict=True)]
    parts += [f"{name} at its mean" for name in study.columns[len(design.columns) :]]
    return MeanRows(
        names=tuple(one.name for one in design.classes), rows=rows, at="at " + ", ".join(parts) if parts else ""
    )


def level_rows(names: Sequence[str], rows: Array, width: int) -> MeanRows | None:
    """The rows of the levels of a formula.

    Parameters
    ----------
    names : sequence of str
        Of k levels, as ``group[Patient]``.
    rows : (k, q) array
        Weights of the q columns of the formula.
    width : int
        Columns of the design; further ones are centred.

    Returns
    -------
    MeanRows or None
        Numbers at their mean, levels of other labels weighted alike. None without levels.
    """
    if not names:
        return None
    padded = np.pad(rows, ((0, 0), (0, width - rows.shape[1])))
    at = "numbers at their mean, the levels of other labels weighted alike"
    return MeanRows(names=tuple(names), rows=padded, at=at)


def adjusted_means(
    fit: Fit, asked: MeanRows, *, logarithm: bool = False, robust: bool = False, level: float = 0.95
) -> AdjustedMeans:
    """Estimate means with confidence intervals.

    Parameters
    ----------
    fit : Fit
    asked : MeanRows
    logarithm : bool
        Whether the values are natural logarithms; then means are geometric.
    robust : bool
        Let the variances of subjects differ (HC3).
    level : float
        Of the intervals.

    Returns
    -------
    AdjustedMeans
    """
    tests: list[ContrastResult] = [
        robust_result(fit, row[None]) if robust else contrast_result(fit, row[None]) for row in asked.rows
    ]
    known: NDArray[np.bool_] = fit.testable & (fit.dof > 0)
    mean = np.array([test.gamma[0] for test in tests])
    error = np.where(known, np.array([test.standard_error[0] for test in tests]), np.nan)
    ends = [np.where(known, np.array([test.interval(level)[end][0] for test in tests]), np.nan) for end in (0, 1)]
    if logarithm:
        mean, ends, error = np.exp(mean), [np.exp(end) for end in ends], np.full(error.shape, np.nan)
    return AdjustedMeans(asked=asked, mean=mean, standard_error=error, low=ends[0], high=ends[1], geometric=logarithm)
