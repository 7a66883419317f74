"""Variables and classes that are valid but look wrong: missing-value codes, impossible ages, codes of groups."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..text_files import MISSING_VALUES, listed
from .design import Design

Array = NDArray[np.float64]

MISSING_CODES = (-9, -77, -88, -99, -777, -888, -999, -9999, 777, 888, 999, 7777, 8888, 9999, 99999)
"""Numbers that studies write where a value is missing."""
MAX_AGE_YEARS = 120
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
"""The words of ``AgeAtScan`` and ``age_at_scan``."""
NO_AGE = frozenset((
    "month", "months", "mo", "week", "weeks", "wk", "day", "days", "gest", "gestational", "onset", "diff", "difference",
    "change", "centred", "centered", "c", "demeaned", "z", "sq", "squared", "2", "3", "group", "bin", "gap", "log",
))  # fmt: skip
"""With such a word in its name a variable is an age in another unit, or none."""
MIN_OTHERS_IN_RANGE = 0.75
"""Share of the values that must be ages in years before the others are impossible."""
FAR_IN_RANGES = 3.0
"""A code lies this many interquartile ranges away from the quartiles of the other values."""
FEWEST_VALUES = 8
GROUP_NAMES = re.compile(
    r"(^|_)(site|scanner|cent(er|re)|hospital|group|grp|diagnosis|diag|dx|arm|condition|cohort|dataset|batch|race"
    r"|ethnicity|ethnic|handedness|hand|category|protocol|vendor|manufacturer|subtype|genotype|treatment)(_?(id|code|no"
    r"|num|nr|number|bl|baseline|final|label|name))?\d*$",
    re.I,
)
NO_LABELS = (MISSING_VALUES - {"none"}) | {"na", "unknown"}
"""Labels, in lower case, that stand for a missing one. ``none`` may be a diagnosis."""
MAX_LEVEL_SHARE = 0.5
"""Of labels in subjects; two sessions of each person, who is a label, are at the limit."""
MAX_CODES = 20
FEWEST_CODES = 3
MAX_LIKELY_CODES = 5
MIN_SUBJECTS_A_CODE = 3


def impossible_values(design: Design) -> list[str]:
    """Values of variables that cannot be: an age that nobody has.

    Parameters
    ----------
    design : Design

    Returns
    -------
    list of str
        One line a variable, with subjects and values; nothing where the variable is no age in years, or centred.
    """
    found = []
    for name, column in zip(design.variables, design.values.T, strict=True):
        wrong = [f"{design.subjects[i]} ({column[i]:g})" for i in _impossible_rows(name, column)]
        if wrong:
            found.append(
                f"variable '{name}' has values that are no age in years (0 to {MAX_AGE_YEARS}): {listed(wrong)}; "
                "correct them, or leave these subjects out"
            )
    return found


def _impossible_rows(name: str, column: Array) -> list[int]:
    """Rows of a variable that cannot be; none where it is no age in years."""
    possible = (column <= MAX_AGE_YEARS) | _goes_on(column, MAX_AGE_YEARS)
    possible &= (column >= 0) | _is_counted_from_an_age(column)
    if not _is_age(name) or possible.mean() < MIN_OTHERS_IN_RANGE:
        return []
    return np.flatnonzero(~possible).tolist()


def variable_doubts(design: Design) -> list[str]:
    """Variables that are fitted as numbers and may be none.

    Parameters
    ----------
    design : Design

    Returns
    -------
    list of str
        One line each: codes for missing values among measurements, whole numbers that may stand for groups.
    """
    doubts = []
    for name, column in zip(design.variables, design.values.T, strict=True):
        codes = [] if _impossible_rows(name, column) else _codes(column, design.subjects)
        if codes:
            doubts.append(
                f"variable '{name}': {listed(codes)} lies far from all others and is a number that stands for a "
                "missing value in many studies; it is fitted as a measurement; leave the subject out if it is none"
            )
        levels = np.unique(column)
        if _may_be_groups(name, column, levels):
            doubts.append(
                f"variable '{name}' holds {len(levels)} whole numbers ({listed([f'{v:g}' for v in levels], 6)}) and is "
                "fitted as one straight line through them; if they stand for groups, make classes of them "
                "(fsgd make --class-columns)"
            )
    return doubts


def class_doubts(design: Design) -> list[str]:
    """Classes that may stand for missing labels, or hold one subject.

    Parameters
    ----------
    design : Design

    Returns
    -------
    list of str
        One line each.
    """
    doubts = []
    for index, (one, size) in enumerate(zip(design.classes, design.class_sizes, strict=True)):
        if _is_no_label(one.name) or set(one.name.lower().split("_")) & (MISSING_VALUES - {"none", "na"}):
            doubts.append(
                f"class '{one.name}' ({size} subject(s)) has the name of a missing value; if the label is missing, "
                "leave these subjects out"
            )
        if size == 1 and len(design.subjects) > 1:
            only = design.subjects[design.class_of.index(index)]
            doubts.append(
                f"class '{one.name}' has one subject, {only}: its mean is that subject's value, it tells nothing about "
                "the variance, and a difference from it may be of that person alone"
            )
    return doubts


def label_doubt(name: str, labels: Sequence[str]) -> str:
    """What is odd about a column of labels: some that stand for a missing one, or about as many as subjects.

    Parameters
    ----------
    name : str
        Of the column.
    labels : sequence of str

    Returns
    -------
    str
        Empty for none.
    """
    levels = sorted(set(labels))
    if len(levels) > MAX_LEVEL_SHARE * len(labels) and len(levels) > MAX_LIKELY_CODES:
        return (
            f"'{name}' has {len(levels)} labels ({listed(levels, 3)}) in {len(labels)} subjects, a column for each; is "
            "it a date, a number with a unit, or free text?"
        )
    odd = [label for label in levels if _is_no_label(label)]
    if not odd:
        return ""
    return (
        f"'{name}' has the label {listed(odd)}, the name of a missing value ({sum(map(_is_no_label, labels))} "
        "subject(s)); if the label is missing, leave these subjects out"
    )


def _is_no_label(label: str) -> bool:
    return label.lower() in NO_LABELS


def _is_age(name: str) -> bool:
    words = {word.lower() for word in WORD.findall(name)}
    return bool(words & {"age", "ages"}) and not words & NO_AGE


def _is_counted_from_an_age(column: Array) -> bool:
    """Whether negative values go on where the others end, as in ages minus 20; codes stand apart."""
    below, others = column[column < 0], np.sort(column[column >= 0])
    if not len(below) or len(others) < 2:
        return bool(len(below))
    gap = others[0] - below.max()
    return not (np.isin(below, (-1, *MISSING_CODES)).all() and gap > np.diff(others).max())


def _goes_on(column: Array, end: float) -> bool:
    """Whether values above an end go on where the others stop, as ages in months; typing errors stand apart."""
    above, others = column[column > end], column[column <= end]
    if not len(above) or len(others) < FEWEST_VALUES:
        return False
    usual = float(np.quantile(others, 0.75) - np.quantile(others, 0.25)) / 2
    steps = np.diff(np.sort(np.append(above, others.max())))
    return not np.isin(above, MISSING_CODES).any() and bool(steps.max() <= usual)


def _codes(column: Array, subjects: Sequence[str]) -> list[str]:
    """Values that are codes and lie far from all others, with their subjects."""
    is_code = np.isin(column, MISSING_CODES)
    others = column[~is_code]
    if not is_code.any() or len(others) < FEWEST_VALUES:
        return []
    low, high = np.quantile(others, (0.25, 0.75))
    reach = FAR_IN_RANGES * max(high - low, np.finfo(float).tiny)
    # A count or a score has no negative values: there a single -9 lies outside, however wide the spread.
    outside = (column < low - reach) | (column > high + reach) | ((column < 0) & (others.min() >= 0))
    beyond = (column < others.min()) | (column > others.max())
    return [f"{column[i]:g} of {subjects[i]}" for i in np.flatnonzero(is_code & outside & beyond).tolist()]


def _may_be_groups(name: str, column: Array, levels: Array) -> bool:
    if not FEWEST_CODES <= len(levels) <= MAX_CODES or not np.array_equal(levels, np.rint(levels)):
        return False
    if name.lower() in ("sex", "gender"):  # told where the FSGD is read
        return False
    if GROUP_NAMES.search(name):
        return True
    is_row_of_codes = levels[0] in (0, 1) and levels[-1] - levels[0] == len(levels) - 1
    return bool(
        is_row_of_codes and len(levels) <= MAX_LIKELY_CODES and len(column) >= MIN_SUBJECTS_A_CODE * len(levels)
    )
