"""Who a row is about, by its name: sessions of one person stand under different names."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LONGITUDINAL = re.compile(r"(?P<session>.+)\.long\.(?P<person>.+)")
"""recon-all -long writes TIMEPOINT.long.BASE."""
BASE = re.compile(r"[_.-](base|template)$", re.IGNORECASE)
ENTITY = re.compile(r"[_.](ses|run|acq|rec|ce|dir|echo|part|desc|space)-[^_.]+", re.IGNORECASE)
"""Entities of BIDS that tell images of one person apart."""
SUFFIX = re.compile(r"[_.](T1w|T1map|MP2RAGE|UNIT1|nii|gz|mgz)(?=$|[_.])", re.IGNORECASE)
OCCASION = re.compile(
    r"[_.-]((ses|sess|session|visit|timepoint|time|tp|wave|run|scan)-?\d+[a-z]?|mri?\d*|baseline|bl|follow-?up\d*|fu\d*"
    r"|pre|post|retest|rescan|(v|t|m|y|w|yr|wk|mo|month|year|week)-?\d{1,3}|d\d{1,5}"
    r"|(19|20)\d\d-?[01]\d-?[0-3]\d|20\d{3}_\d_\d)$",
    re.IGNORECASE,
)
"""Words at the end of a name that stand for an occasion, where other rows bear the same name with another one: visits,
months, days since entry (OASIS-3), dates, instances of UK Biobank."""
MAX_OCCASIONS, MAX_OCCASIONS_WITHOUT_NUMBER, MIN_PEOPLE_WITHOUT_NUMBER = 6, 4, 5
"""More rows of one stem are people (``site1_v01`` to ``site1_v20``); a stem without a number names a group sooner."""
MAX_OCCASIONS_OF_FEW, MIN_FEW = 2, 3
"""Fewer stems without a number are people only if they have so few rows: ``con_v1`` to ``con_v3`` are not."""
TOLERANCE = 1e-8


def repeated_people(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """People who stand in several rows, by the names of the rows.

    Parameters
    ----------
    names : sequence of str
        Of the rows, such as ``sub-01_ses-1``.

    Returns
    -------
    dict of str to tuple of str
        For each such person, in the order of the rows, the names of the rows. A name that stands twice counts.

    Notes
    -----
    ``.long.`` and BIDS' entities tell sessions with certainty. Words like ``_v1`` do so only if the rest of the name
    holds a number and has few rows, or if many people have few rows each: ``con_v1`` to ``con_v20`` are people.
    """
    certain = [_without_entities(name) for name in names]
    stems = [_stem(name) for name in certain]
    rows_of: dict[str, list[int]] = {}
    for row, stem in enumerate(stems):
        rows_of.setdefault(stem, []).append(row)
    marked = [stem for stem in rows_of if any(certain[row] != stem for row in rows_of[stem])]
    typical = float(np.median([len(rows_of[stem]) for stem in marked])) if marked else 0.0
    most, fewest = MAX_OCCASIONS_WITHOUT_NUMBER, MIN_PEOPLE_WITHOUT_NUMBER
    if len(marked) < fewest:
        most, fewest = MAX_OCCASIONS_OF_FEW, MIN_FEW
    many_people = len(marked) >= fewest and typical <= most
    person = []
    for name, stem in zip(certain, stems, strict=True):
        is_occasion = len(rows_of[stem]) <= MAX_OCCASIONS and (re.search(r"\d", stem) or many_people)
        person.append(stem if is_occasion else name)
    found: dict[str, list[str]] = {}
    for who, name in zip(person, names, strict=True):
        found.setdefault(who, []).append(name)
    return {who: tuple(rows) for who, rows in found.items() if len(rows) > 1}


def _without_entities(name: str) -> str:
    """A name without what recon-all and BIDS add for a session or an image."""
    longitudinal = LONGITUDINAL.fullmatch(name)
    if longitudinal:
        name = BASE.sub("", longitudinal["person"])
    return SUFFIX.sub("", ENTITY.sub("", name))


def _stem(name: str) -> str:
    """A name without words for occasions at its end."""
    shorter = OCCASION.sub("", name)
    while shorter and shorter != name:
        name, shorter = shorter, OCCASION.sub("", shorter)
    return name


def has_column_of_each(people: dict[str, tuple[str, ...]], names: Sequence[str], matrix: NDArray[np.float64]) -> bool:
    """Whether a design takes the level of each repeated person out, as a paired comparison does.

    Parameters
    ----------
    people : dict
        As `repeated_people` gives them.
    names : sequence of str
        Of the n rows.
    matrix : (n, p) array

    Returns
    -------
    bool
        True if the indicator of every repeated person is a sum of columns.
    """
    if len(people) > matrix.shape[1]:
        return False
    number = {name: column for column, rows in enumerate(people.values()) for name in rows}
    indicators = np.zeros((len(names), len(people)))
    for row, name in enumerate(names):
        if name in number:
            indicators[row, number[name]] = 1
    if not indicators.size:
        return True
    rest = indicators - matrix @ np.linalg.lstsq(matrix, indicators, rcond=None)[0]
    return bool(np.abs(rest).max() < TOLERANCE)


def describe_people(people: dict[str, tuple[str, ...]], most: int = 5) -> str:
    """People and their rows in words: ``sub-01 (sub-01_ses-1, sub-01_ses-2)``.

    Parameters
    ----------
    people : dict
        As `repeated_people` gives them.
    most : int
        So many are named.

    Returns
    -------
    str
    """
    named = [f"{who} ({', '.join(rows)})" for who, rows in list(people.items())[:most]]
    more = len(people) - most
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def repetition_problem(names: Sequence[str], matrix: NDArray[np.float64]) -> str:
    """What is wrong with rows that a design takes for different people; empty for a sound design.

    Parameters
    ----------
    names : sequence of str
        Of the n rows.
    matrix : (n, p) array

    Returns
    -------
    str
    """
    people = repeated_people(names)
    if not people or has_column_of_each(people, names, matrix):
        return ""
    rows = sum(map(len, people.values()))
    return (
        f"{len(people)} person(s) stand in {rows} rows, by their names: {describe_people(people)}; rows of one person "
        "are not independent, and p values would be too small"
    )


REPETITION_ADVICE = (
    "keep one row a person, or fit the mean or the difference of a person's rows; if they are different people, or if "
    "you want it all the same, give --allow-repeated-subjects"
)
