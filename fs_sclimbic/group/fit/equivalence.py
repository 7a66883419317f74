"""Whether an effect is too small to matter: two one-sided tests against a stated bound."""

import re
from dataclasses import dataclass

import numpy as np
from scipy import special

from ...errors import UsageError
from .glm import Array, Fit
from .results import GroupResult, holm

BOUND = re.compile(r"(?P<size>\d+(\.\d*)?|\.\d+)\s*(?P<percent>%?)")


@dataclass(frozen=True)
class Bound:
    """The largest effect that does not matter."""

    size: float
    """Above 0, in the unit of the values or in percent."""
    is_percent: bool
    """Of the structure's mean."""

    def __str__(self) -> str:
        """As it is written."""
        return f"{self.size:g}{' %' if self.is_percent else ''}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Equivalence:
    """Two one-sided tests of m structures; arrays are (m,), nan where there is no bound or no test."""

    bound: Bound
    low: Array
    """Bound below 0, in the unit of gamma."""
    high: Array
    ci90_low: Array
    """90 % confidence interval of gamma: inside the bounds where p is below 0.05."""
    ci90_high: Array
    p: Array
    """The larger one of both one-sided p values."""
    p_holm: Array


def parse_bound(text: str) -> Bound:
    """Read a bound such as ``5%`` or ``20``.

    Parameters
    ----------
    text : str

    Returns
    -------
    Bound

    Raises
    ------
    UsageError
        If it is neither, or not above 0.
    """
    found = BOUND.fullmatch(text.strip())
    if not found or float(found["size"]) <= 0:
        raise UsageError(
            f"--equivalence {text}: expected a number above 0 in the unit of the table (mm^3), or a percentage of the "
            "structure's mean, as 5%"
        )
    return Bound(float(found["size"]), bool(found["percent"]))


def equivalence(fit: Fit, result: GroupResult, bound: Bound, *, logarithm: bool = False) -> Equivalence | None:
    """Test whether an effect lies inside a bound.

    Parameters
    ----------
    fit : Fit
    result : GroupResult
    bound : Bound
    logarithm : bool
        Whether the values are natural logarithms; then a percentage is one of the geometric mean.

    Returns
    -------
    Equivalence or None
        None for a contrast of several rows.

    Raises
    ------
    UsageError
        If a bound in the unit of the table is given for logarithms, or a percentage of 100 or more.

    Notes
    -----
    Schuirmann (1987). The standard errors are those of the contrast, robust ones where it is.
    """
    if bound.is_percent and bound.size >= 100:
        raise UsageError(f"--equivalence {bound}: expected less than 100 %")
    if logarithm and not bound.is_percent:
        raise UsageError(f"--equivalence {bound}: with --logy give the bound in percent")
    test = result.test
    if not test.is_t:
        return None
    if logarithm:
        low, high = (np.full(test.f.shape, np.log1p(sign * bound.size / 100)) for sign in (-1, 1))
    elif bound.is_percent:
        mean = fit.values.mean(axis=0)
        # z scores, asymmetries and the like have no zero of which a percentage could be taken.
        high = np.where((fit.values < 0).any(axis=0) | (mean <= 0), np.nan, mean * bound.size / 100)
        low = -high
    else:
        high = np.full(test.f.shape, bound.size)
        low = -high
    dof, known = test.dof[1], test.testable & (test.dof[1] > 0)
    gamma, error = test.gamma[0], np.where(known, test.standard_error[0], np.nan)
    p = np.maximum(
        special.stdtr(max(dof, 1), -(gamma - low) / error), special.stdtr(max(dof, 1), (gamma - high) / error)
    )
    ends = test.interval(0.9)
    return Equivalence(
        bound=bound,
        low=low,
        high=high,
        ci90_low=np.where(known, ends[0][0], np.nan),
        ci90_high=np.where(known, ends[1][0], np.nan),
        p=p,
        p_holm=holm(np.where(result.family, p, np.nan)),
    )
