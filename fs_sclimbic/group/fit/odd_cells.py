"""Cells of a table whose values are numbers but hardly measurements."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...notice import Notice
from ..head_sizes import is_signed
from ..text_files import listed
from .glm import Array


def odd_value_notices(
    values: Array,
    subjects: Sequence[str],
    structures: Sequence[str],
    family: NDArray[np.bool_],
    *,
    may_be_negative: bool = False,
) -> list[Notice]:
    """Tell values that are numbers but hardly measurements.

    Parameters
    ----------
    values : (n, m) array
    subjects, structures : sequence of str
        n and m names.
    family : (m,) array of bool
        Structures that the corrections count.
    may_be_negative : bool
        Whether values below 0 are nothing odd, as of a laterality.

    Returns
    -------
    list of Notice
        Warnings.
    """
    texts = []
    zero = name_cells(values == 0, subjects, structures)
    if zero:
        texts.append(
            f"{len(zero)} value(s) of 0 enter the fit as real zeros (structure not found, or filled in by "
            f"--all-segs?): {listed(zero)}"
        )
    negative = name_cells((values < 0) & ~is_signed(values), subjects, structures)
    if negative and not may_be_negative:
        texts.append(f"{len(negative)} value(s) below 0: {listed(negative)}")
    constant = [name for name, column in zip(structures, values.T, strict=True) if np.ptp(column) == 0]
    if constant:
        texts.append(f"the same value for every subject, nothing to test: {listed(constant)}")
    if len(subjects) and not family.any():
        texts.append("no structure is analysed, only eTIV; nothing is corrected for multiple comparisons")
    return [Notice("warning", text) for text in texts]


def name_cells(where: NDArray[np.bool_], subjects: Sequence[str], structures: Sequence[str]) -> list[str]:
    """Name the cells of a table.

    Parameters
    ----------
    where : (n, m) array of bool
        True for those to name.
    subjects, structures : sequence of str
        n and m names.

    Returns
    -------
    list of str
        ``STRUCTURE of SUBJECT``.
    """
    return [f"{structures[column]} of {subjects[row]}" for row, column in np.argwhere(where)]
