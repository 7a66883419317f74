"""Cells that give an end of a range for a number, such as the ages ``89+`` that privacy rules ask for."""

import re

OPEN_RANGE = re.compile(r"(?:>=?|\u2265)\s*(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?)\s*(?:\+|(?:and|or) (?:over|older|above))")


def end_of_range(cell: str) -> str | None:
    """The number at which a range begins.

    Parameters
    ----------
    cell : str
        Such as ``89+``, ``>89`` or ``90 or older``.

    Returns
    -------
    str or None
        ``89``; None where the cell is no such range.
    """
    found = OPEN_RANGE.fullmatch(cell.strip())
    return (found[1] or found[2]) if found else None
