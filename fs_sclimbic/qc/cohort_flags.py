"""Flags that only the other cases of a cohort give: outliers, influence, and other weights or settings."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..segmentation.flag import Flag
from ..segmentation.flag_limits import LIMITS
from ..segmentation.measure import SegStats
from ..segmentation.structure_words import describe_structure

MIN_COHORT = 20
"""So few cases say little about what is usual."""
MAD_TO_SD = 1.4826
MIN_SD_FRACTION = 0.02
"""Of the median: volumes that agree better, such as those of copies of one head, make no outlier."""
HUBER_LIMIT_SD = 1.345
HUBER_STEPS = 30
MAX_SHOWN = 50
"""Characters of a setting in a message."""
SETTING_LINES = {
    "Weights": "weights",
    "IntensityRange": "intensity range",
    "Posteriors": "starts of the box",
    "Volumes": "kind of volumes",
}
"""Lines of the provenance that all cases of a study should share, in words."""


@dataclass(frozen=True, kw_only=True)
class CohortCase:
    """What is compared of one case of a cohort."""

    name: str
    stats: SegStats
    provenance: Mapping[str, str] = field(default_factory=dict)
    """How it was made, by names in the header of a stats file; empty where that is not known."""


def find_cohort_flags(cases: Sequence[CohortCase]) -> dict[str, tuple[Flag, ...]]:
    """Find the flags that the other cases of a cohort give.

    Parameters
    ----------
    cases : sequence of CohortCase
        Each name once.

    Returns
    -------
    dict of str to tuple of Flag
        By case: ``OUTLIER``, ``INFLUENCE``, ``SETTINGS``. A cohort of less than 20 cases has no outliers.
    """
    found: dict[str, list[Flag]] = {case.name: [] for case in cases}
    odd = _other_settings(cases)
    for name, flag in odd.items():
        found[name].append(flag)
    # Cases of other weights have other volumes: what is usual is told by the rest alone.
    same = [case for case in cases if case.name not in odd and case.stats.structures]
    names = dict.fromkeys(row.structure.name for case in same for row in case.stats.structures)
    for structure in names:
        for name, flag in _outliers(same, structure):
            found[name].append(flag)
    return {name: tuple(flags) for name, flags in found.items()}


def _other_settings(cases: Sequence[CohortCase]) -> dict[str, Flag]:
    """Cases that were made in another way than most of the cohort."""
    shown = {case.name: _settings_of(case.provenance) for case in cases if "Weights" in case.provenance}
    found: dict[str, list[str]] = {}
    for key in SETTING_LINES.values() if shown else ():
        usual = _usual([settings[key] for settings in shown.values()])
        if usual is not None:
            for name, settings in shown.items():
                if settings[key] != usual:
                    found.setdefault(name, []).append(key)
    return {
        name: Flag(kind="SETTINGS", severity="bad", reason=f"made with other {', '.join(keys)} than the rest")
        for name, keys in found.items()
    }


def describe_mixture(provenances: Sequence[Mapping[str, str]]) -> list[str]:
    """In what a cohort differs so much that no way of making its cases is the usual one: then none is flagged for it.

    Parameters
    ----------
    provenances : sequence of mapping
        Of each case, see `CohortCase`.

    Returns
    -------
    list of str
        One line each; none where most cases were made in one way.
    """
    shown = [_settings_of(provenance) for provenance in provenances if "Weights" in provenance]
    lines = []
    for key in SETTING_LINES.values() if shown else ():
        values = [settings[key] for settings in shown]
        if _usual(values) is None:
            counts = "; ".join(
                f"{count} with {value[:MAX_SHOWN] or 'none said'}" for value, count in Counter(values).most_common()
            )
            lines.append(f"{key} differ, and no one is that of most cases ({counts}): such numbers do not go together")
    return lines


def _settings_of(provenance: Mapping[str, str]) -> dict[str, str]:
    return {words: _without_origin(provenance.get(key, "")) for key, words in SETTING_LINES.items()}


def _usual(values: Sequence[str]) -> str | None:
    """What more than half of the cases have."""
    ((value, count),) = Counter(values).most_common(1)
    return value if count > len(values) / 2 else None


def _without_origin(line: str) -> str:
    """A line of the provenance without the words in brackets at its end: how the weights were found."""
    return line.partition(" (")[0]


def _outliers(cases: Sequence[CohortCase], structure: str) -> list[tuple[str, Flag]]:
    """Outliers of one structure's volume, regressed on eTIV where all cases have one, and cases of large influence."""
    rows = [
        (case.name, row.volume_mm3, case.stats.etiv_mm3)
        for case in cases
        for row in case.stats.structures
        if row.structure.name == structure and row.n_voxels > 0
    ]
    if len(rows) < MIN_COHORT:
        return []
    volumes = np.array([volume for _, volume, _ in rows])
    sizes = [etiv for _, _, etiv in rows if etiv is not None]
    with_sizes = len(sizes) == len(rows) and len(set(sizes)) > 2
    design = np.ones((len(rows), 2 if with_sizes else 1))
    if with_sizes:
        design[:, 1] = np.array(sizes) / np.mean(sizes) - 1
    fitted = design @ fit_robustly(design, volumes)
    residuals = volumes - fitted
    sd = max(MAD_TO_SD * float(np.median(np.abs(residuals))), MIN_SD_FRACTION * float(np.median(volumes)))
    influences = cooks_distances(design, volumes)
    words, far, cook = describe_structure(structure), LIMITS["OUTLIER"].look or 0, LIMITS["INFLUENCE"].look or 0
    found = []
    for (name, volume, _), expected, residual, influence in zip(rows, fitted, residuals, influences, strict=True):
        distance = float(residual / sd)
        if abs(distance) > far:
            reason = (
                f"{words} is {'large' if distance > 0 else 'small'} for this cohort: {volume:.0f} mm^3 where "
                f"{expected:.0f} are expected"
            )
            found.append((name, _look("OUTLIER", structure, reason, distance, far)))
        if with_sizes and influence > cook:
            reason = f"the case alone moves the line of {words} on eTIV: Cook's distance {influence:.1f}"
            found.append((name, _look("INFLUENCE", structure, reason, float(influence), cook)))
    return found


def _look(kind: str, structure: str, reason: str, value: float, threshold: float) -> Flag:
    return Flag(kind=kind, severity="look", structure=structure, reason=reason, value=value, threshold=threshold)


def fit_robustly(design: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fit a line that outliers move little (Huber's weights, scale from the MAD).

    Parameters
    ----------
    design : ndarray, shape (cases, terms)
    values : ndarray, shape (cases,)

    Returns
    -------
    ndarray, shape (terms,)
    """
    weights = np.ones(len(values))
    start = np.zeros(design.shape[1])
    start[0] = np.median(values)  # the first column is the mean
    residuals = values - design @ start
    coefficients = start
    for _ in range(HUBER_STEPS):
        scale = MAD_TO_SD * np.median(np.abs(residuals))
        if scale <= 0:
            break
        weights = HUBER_LIMIT_SD / np.maximum(np.abs(residuals) / scale, HUBER_LIMIT_SD)
        root = np.sqrt(weights)
        coefficients = np.linalg.lstsq(design * root[:, None], values * root, rcond=None)[0]
        residuals = values - design @ coefficients
    return coefficients


def cooks_distances(design: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much each case moves the least-squares fit of all (Cook 1977).

    Parameters
    ----------
    design : ndarray, shape (cases, terms)
        Of full rank.
    values : ndarray, shape (cases,)

    Returns
    -------
    ndarray, shape (cases,)
    """
    n_cases, n_terms = design.shape
    hat = np.einsum("ij,ji->i", design, np.linalg.pinv(design))
    residuals = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
    variance = float(residuals @ residuals) / max(n_cases - n_terms, 1)
    if variance <= 0:
        return np.zeros(n_cases)
    free = np.maximum(1 - hat, 1e-12)
    return residuals**2 * hat / (n_terms * variance * free**2)  # type: ignore[no-any-return]
