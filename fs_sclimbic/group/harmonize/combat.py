"""ComBat: differences of sites in location and scale, taken out with empirical Bayes, the design preserved."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import DesignError

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
TOLERANCE = 1e-10
"""The iteration ends where no estimate moves by more than this share."""
MAX_STEPS = 10_000
MIN_STRUCTURES = 3
"""Of fewer structures there is no distribution from which empirical Bayes could learn."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Combat:
    """What was learned of s sites, m structures and k kept columns; the unit of the values is theirs."""

    intercept: Array
    """(m,), mean of the sites, each by its number of subjects, where the kept columns are 0."""
    slopes: Array
    """(k, m), of the kept columns."""
    pooled_sd: Array
    """(m,), residual standard deviation over all sites (divided by n, as in Johnson 2007)."""
    shift: Array
    """(s, m), gamma*: by how much a site is larger, in pooled standard deviations."""
    scale: Array
    """(s, m), delta*: variance of a site's residuals, relative to the pooled one; a ratio."""


def fit_combat(values: Array, site_of: Indices, kept: Array, *, tolerance: float = TOLERANCE) -> Combat:
    """Learn the differences of sites.

    Parameters
    ----------
    values : (n, m) array
    site_of : (n,) array of int
        Site of each subject, from 0; every site has two subjects or more.
    kept : (n, k) array
        Columns whose effects are preserved, without an intercept.
    tolerance : float
        The iteration ends where no estimate moves by more than this share.

    Returns
    -------
    Combat

    Raises
    ------
    DesignError
        If kept columns follow from the sites, fewer than three structures are given, a structure does not vary within
        a site, or the iteration does not end.

    Notes
    -----
    Johnson, Li and Rabinovic (2007), parametric; Fortin et al. (2018) for volumes and thickness. Priors are learned
    over the structures of a site: normal of the shifts, inverse gamma of the scales, by their moments.
    """
    n, m = values.shape
    sites = int(site_of.max()) + 1
    if m < MIN_STRUCTURES:
        raise DesignError(
            f"expected {MIN_STRUCTURES} structures or more, found {m}: empirical Bayes learns from all of them how far "
            "sites differ"
        )
    indicators = np.eye(sites)[site_of]
    sizes = indicators.sum(axis=0)
    # Centred and of one length, columns such as age keep the decomposition exact.
    centre = kept.mean(axis=0)
    design = np.column_stack([indicators, kept - centre])
    length = np.linalg.norm(design, axis=0)
    if not length.all() or np.linalg.matrix_rank(design / length) < design.shape[1]:
        raise DesignError("kept columns follow from the sites: nothing can tell them apart")
    if n <= design.shape[1]:
        raise DesignError(
            f"{n} subjects and {design.shape[1]} columns (sites and kept ones) leave nothing to learn from"
        )
    beta = np.linalg.lstsq(design / length, values, rcond=None)[0] / length[:, None]
    pooled_sd = np.sqrt(np.mean((values - design @ beta) ** 2, axis=0))
    if not (pooled_sd > 1e-12 * np.abs(values).max(axis=0)).all():
        raise DesignError("a structure does not vary within the sites")
    slopes = beta[sites:]
    intercept = sizes @ beta[:sites] / n - centre @ slopes
    standard = (values - intercept - kept @ slopes) / pooled_sd
    shift, scale = np.zeros((sites, m)), np.ones((sites, m))
    for site in range(sites):
        shift[site], scale[site] = _site_estimates(standard[site_of == site], tolerance)
    return Combat(intercept=intercept, slopes=slopes, pooled_sd=pooled_sd, shift=shift, scale=scale)


def _site_estimates(standard: Array, tolerance: float) -> tuple[Array, Array]:
    """Posterior shift and scale of one site, both (m,), of its standardised values (n, m)."""
    n = len(standard)
    own_shift, own_scale = standard.mean(axis=0), standard.var(axis=0, ddof=1)
    if not own_scale.all():
        raise DesignError("a structure is the same for all subjects of a site")
    mean_shift, spread_shift = own_shift.mean(), own_shift.var(ddof=1)
    mean_scale, spread_scale = own_scale.mean(), own_scale.var(ddof=1)
    shape = 2 + mean_scale**2 / spread_scale
    rate = mean_scale + mean_scale**3 / spread_scale
    shift, scale = own_shift, own_scale
    for _ in range(MAX_STEPS):
        new_shift = (spread_shift * n * own_shift + scale * mean_shift) / (spread_shift * n + scale)
        squares = np.sum((standard - new_shift) ** 2, axis=0)
        new_scale = (squares / 2 + rate) / (n / 2 + shape - 1)
        moved = max(
            float(np.max(np.abs(new_shift - shift) / np.maximum(np.abs(shift), tolerance))),
            float(np.max(np.abs(new_scale - scale) / scale)),
        )
        shift, scale = new_shift, new_scale
        if moved <= tolerance:
            return shift, scale
    raise DesignError(f"the estimates of a site do not settle in {MAX_STEPS} steps")


def apply_combat(model: Combat, values: Array, site_of: Indices, kept: Array) -> Array:
    """Values without the differences of sites.

    Parameters
    ----------
    model : Combat
    values : (n, m) array
    site_of : (n,) array of int
        Index of a site of the model.
    kept : (n, k) array
        The same columns as those of the fit.

    Returns
    -------
    (n, m) array
        In the unit of the values.
    """
    expected = model.intercept + kept @ model.slopes
    standard = (values - expected) / model.pooled_sd
    standard = (standard - model.shift[site_of]) / np.sqrt(model.scale[site_of])
    return np.asarray(standard * model.pooled_sd + expected)
