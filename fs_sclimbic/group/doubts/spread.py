"""Whether the classes of a design vary alike, as the usual tests assume."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ..design.contrast import Contrast
from ..fit.glm import Fit
from ..fit.results import holm
from ..fit.robust import MAX_LEVERAGE, leverages, weighted_residuals
from ..fit.study import Study
from ..text_files import listed
from .classes import classes_of

MAX_P = 0.005
"""Of Levene's test, corrected by Holm over the structures."""
MIN_SIZE_RATIO = 1.2
"""Of the largest class to the smallest; with equal sizes a t-test of two means bears other variances."""
MIN_SD_RATIO = 1.5
FEWEST_IN_CLASS = 4


@dataclass(frozen=True, kw_only=True)
class UnequalSpread:
    """A structure that varies more in some classes than in others."""

    structure: str
    smallest: tuple[str, float]
    """Class and standard deviation of its residuals."""
    largest: tuple[str, float]
    p: float
    """Of Levene's test (Brown and Forsythe's, around medians), corrected by Holm."""


def unequal_spreads(study: Study, fit: Fit, used: NDArray[np.intp]) -> list[UnequalSpread]:
    """Structures whose residuals vary more in one class than in another.

    Parameters
    ----------
    study : Study
    fit : Fit
    used : (k,) array
        Indices of the classes that are compared.

    Returns
    -------
    list of UnequalSpread
        Empty where classes are of about one size, or too small to tell.
    """
    design = classes_of(study)
    if design is None:
        return []
    rest = 1 - leverages(fit)
    of, kept = np.array(design.class_of, int), rest > 1 - MAX_LEVERAGE
    members = [np.flatnonzero((of == c) & kept) for c in used]
    members = [rows for rows in members if len(rows) >= FEWEST_IN_CLASS]
    sizes = [len(rows) for rows in members]
    if len(members) < 2 or max(sizes) < MIN_SIZE_RATIO * min(sizes):
        return []
    residuals = weighted_residuals(fit) / np.sqrt(np.where(kept, rest, 1))[:, None]
    tested = np.flatnonzero(study.family & fit.testable)
    p = holm(
        np.array([stats.levene(*(residuals[rows, k] for rows in members), center="median").pvalue for k in tested])
    )
    found = []
    for k, corrected in zip(tested, p, strict=True):
        sds = [float(residuals[rows, k].std(ddof=1)) for rows in members]
        low, high = int(np.argmin(sds)), int(np.argmax(sds))
        if corrected < MAX_P and sds[high] >= MIN_SD_RATIO * sds[low]:
            names = [design.classes[of[rows[0]]].name for rows in members]
            found.append(
                UnequalSpread(
                    structure=study.structures[k],
                    smallest=(names[low], sds[low]),
                    largest=(names[high], sds[high]),
                    p=float(corrected),
                )
            )
    return found


def compared_spreads(study: Study, fit: Fit, contrast: Contrast) -> list[UnequalSpread]:
    """Structures that vary more in one of the classes of a contrast than in another.

    Parameters
    ----------
    study : Study
    fit : Fit
    contrast : Contrast

    Returns
    -------
    list of UnequalSpread
        Empty where the columns of the fit are not those of the design.
    """
    design = classes_of(study)
    if design is None or fit.dof < 1 or study.columns[: len(design.columns)] != design.columns:
        return []
    n_classes = len(design.classes)
    used = np.any(contrast.matrix != 0, axis=0)
    if design.method == "dods":
        used = used[: len(design.columns)]
        used = used.reshape(-1, n_classes).any(axis=0)
    elif used[n_classes:].any():  # one slope for all classes
        used = np.ones(n_classes, bool)
    return unequal_spreads(study, fit, np.flatnonzero(used[:n_classes]))


def describe_spreads(found: Sequence[UnequalSpread]) -> str:
    """What is said about structures that vary differently."""
    texts = [
        f"{one.structure} ({one.largest[0]} {one.largest[1]:.3g}, {one.smallest[0]} {one.smallest[1]:.3g})"
        for one in found
    ]
    return (
        f"classes of different sizes vary differently (SD of residuals, Levene p < {MAX_P:g}, Holm): "
        f"{listed(texts, 6)}; p values of a common variance are too small or too large; --robust gives each subject "
        "its own variance (HC3)"
    )
