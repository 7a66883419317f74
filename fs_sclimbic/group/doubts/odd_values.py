"""Values of a table that are numbers and hardly measurements: another unit, a digit too many, one image twice."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import TableError
from ..head_sizes import MAD_TO_SD, in_other_unit, is_signed
from ..text_files import listed

Array = NDArray[np.float64]

UNIT = 1000.0
"""mm^3 in a cm^3."""
UNIT_TOLERANCE = 2.0
"""A value this many times larger or smaller than a thousandth of the others is one of them in another unit."""
TEN_TOLERANCE = 2.0
"""A value that far from ten times, or a tenth, of the others may have a digit too many, or too few."""
MAX_RATIO = 7.0
"""A larger or smaller ratio to the class is doubtful however few the subjects are."""
MIN_DEVIATIONS = 7.0
"""Robust standard deviations (of the logarithm of the ratio to the class) of a doubtful value."""
MIN_DEVIATIONS_OF_RATIO = 4.0
"""The same for a ratio above `MAX_RATIO`."""
FEWEST_SUBJECTS, FEWEST_IN_CLASS, FEWEST_FOR_RATIO = 10, 8, 4
"""With fewer there is no spread to go by; a class with fewer is compared with all; with fewer nothing is said."""
MIN_EQUAL_COLUMNS = 4
"""Rows that are equal in so many columns of measurements are of one image."""
MIN_SPREAD = 0.07
"""Of that logarithm, at least: small structures vary by 0.11 to 0.25, and a small sample may look tighter."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Measurements:
    """Volumes of n subjects as the table holds them, before any scaling."""

    subjects: Sequence[str]
    class_of: NDArray[np.intp]
    """(n,)."""
    structures: Sequence[str]
    """k names, without eTIV."""
    volumes: Array
    """(n, k), in the unit of the table."""
    etiv: Array | None = None
    """(n,)."""
    etiv_name: str = "eTIV"


def refuse_other_units(values: Measurements, table_name: str, *, etiv_is_used: bool) -> None:
    """Refuse a table that mixes units, since no number of it can be trusted.

    Parameters
    ----------
    values : Measurements
    table_name : str
        For messages.
    etiv_is_used : bool
        Whether a result depends on eTIV.

    Raises
    ------
    TableError
        If eTIV of some subjects, or all structures of some, are a thousandth or a thousand times of the others'.
    """
    problems = []
    etiv = mixed_etiv(values)
    if etiv and etiv_is_used:
        problems.append(f"{table_name}: {etiv}")
    ratio = _ratios(values.volumes, np.zeros_like(values.class_of))
    if values.volumes.shape[0] >= FEWEST_FOR_RATIO and values.volumes.shape[1] >= 2:
        for factor, unit in ((1 / UNIT, "cm^3 among mm^3"), (UNIT, "mm^3 among cm^3")):
            near = np.abs(np.log(ratio / factor)) <= np.log(UNIT_TOLERANCE)
            rows = np.flatnonzero(near.mean(axis=1) > 0.5).tolist()
            if rows:
                names = [values.subjects[row] for row in rows]
                problems.append(
                    f"{table_name}: volumes of {listed(names)} are about {factor:g} times those of the others, as "
                    f"{unit}; write all rows in one unit"
                )
    if problems:
        raise TableError("\n".join(problems))


def mixed_etiv(values: Measurements) -> str:
    """What is wrong with an eTIV column of several units; empty for one unit.

    Parameters
    ----------
    values : Measurements

    Returns
    -------
    str
    """
    if values.etiv is None:
        return ""
    names = [f"{values.subjects[i]} ({values.etiv[i]:g})" for i in np.flatnonzero(in_other_unit(values.etiv)).tolist()]
    if not names:
        return ""
    return (
        f"{values.etiv_name} is in another unit (cm^3, litres?) for {listed(names)}, and in mm^3 for the others; write "
        "all rows in mm^3"
    )


def value_doubts(values: Measurements) -> list[str]:
    """Single values that are far from those of the same class.

    Parameters
    ----------
    values : Measurements

    Returns
    -------
    list of str
        One line on values that may have a digit too many or too few, one on other outliers.

    Notes
    -----
    A value is compared with the median of its class, as a ratio. Its spread is the median absolute deviation over all
    subjects, which a few wrong values do not change.
    """
    if len(values.subjects) < FEWEST_FOR_RATIO:
        return []
    names = list(values.structures)
    columns = values.volumes
    if values.etiv is not None:
        names, columns = [*names, values.etiv_name], np.column_stack([columns, values.etiv])
    ratio = _ratios(columns, values.class_of)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.abs(np.log(ratio))
        spread = np.maximum(MAD_TO_SD * np.nanmedian(size, axis=0), MIN_SPREAD)
        far = size > MIN_DEVIATIONS * spread
    far &= len(values.subjects) >= FEWEST_SUBJECTS
    # Where all values differ that much, as lesion volumes do, the spread alone counts.
    widest = size > MIN_DEVIATIONS_OF_RATIO * spread if len(values.subjects) >= FEWEST_SUBJECTS else True
    far |= (size >= np.log(MAX_RATIO)) & widest
    far &= np.isfinite(ratio) & (ratio > 0) & ~is_signed(columns)
    digit = far & (np.abs(size - np.log(10)) <= np.log(TEN_TOLERANCE))
    doubts = []
    for where, what in (
        (
            digit,
            "about ten times as large or as small as in the others of the class; a digit too many or too few? if not, "
            "look at the image",
        ),
        (far & ~digit, "far from the others of the class; look at the image and its segmentation"),
    ):
        cells = [
            f"{names[k]} of {values.subjects[i]} ({columns[i, k]:g}, {ratio[i, k]:.3g} times the median)"
            for i, k in np.argwhere(where).tolist()
        ]
        if cells:
            doubts.append(f"{len(cells)} value(s) {what}: {listed(cells, 8)}")
    return doubts


def _ratios(columns: Array, class_of: NDArray[np.intp]) -> Array:
    """(n, k): each value / the median of its class; of a small class, of all subjects."""
    columns = np.where(columns > 0, columns, np.nan)  # 0 is a structure that was not found, and told elsewhere
    with np.errstate(all="ignore"):
        middle = np.tile(_median(columns), (len(columns), 1))
        for number in np.unique(class_of):
            members = class_of == number
            if members.sum() >= FEWEST_IN_CLASS:
                middle[members] = _median(columns[members])
        return np.asarray(columns / middle)


def _median(columns: Array) -> Array:
    """Medians of the columns, (k,); nan for a column without a value."""
    known = ~np.isnan(columns).all(axis=0)
    middle = np.full(columns.shape[1], np.nan)
    if known.any():
        middle[known] = np.nanmedian(columns[:, known], axis=0)
    return middle


def equal_rows(values: Measurements) -> list[tuple[str, ...]]:
    """Subjects whose measurements are all the same, as of one image under two names.

    Parameters
    ----------
    values : Measurements

    Returns
    -------
    list of tuple of str
        Names that share their values; rows of one name do not count.
    """
    columns = values.volumes[:, np.ptp(values.volumes, axis=0) > 0]
    if values.etiv is not None and columns.shape[1] < MIN_EQUAL_COLUMNS and np.ptp(values.etiv) > 0:
        columns = np.column_stack([columns, values.etiv])
    if columns.shape[1] < MIN_EQUAL_COLUMNS:
        return []
    rows: dict[bytes, list[str]] = {}
    for name, row in zip(values.subjects, columns, strict=True):
        if np.count_nonzero(row) >= MIN_EQUAL_COLUMNS:
            rows.setdefault(row.tobytes(), []).append(name)
    return [names for same in rows.values() if len(names := tuple(dict.fromkeys(same))) > 1]


def refuse_equal_rows(values: Measurements, table_name: str) -> None:
    """Refuse a table that holds one image under several names.

    Parameters
    ----------
    values : Measurements
    table_name : str
        For messages.

    Raises
    ------
    TableError
        With the names.
    """
    found = equal_rows(values)
    if found:
        texts = [" and ".join(names) for names in found]
        raise TableError(
            f"{table_name}: the same values in every structure for {listed(texts)}: one image under several names; "
            "leave all but one out, or give --allow-repeated-subjects"
        )
