"""Parts of a study: each task of an array job runs its own cases."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..errors import UsageError

Item = TypeVar("Item")


@dataclass(frozen=True)
class Part:
    """One of several parts of a list."""

    index: int
    """From 1 to ``count``."""
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def parse_part(text: str) -> Part:
    """Read ``i/n``, as ``--part`` takes it.

    Parameters
    ----------
    text : str
        Such as ``3/10``, or ``$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT``.

    Returns
    -------
    Part

    Raises
    ------
    UsageError
        If it is no such text, or ``i`` is not from 1 to ``n``.

    Examples
    --------
    >>> parse_part("3/10")
    Part(index=3, count=10)
    """
    found = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", text, re.ASCII)
    if not found:
        raise UsageError(f"--part '{text}': expected I/N, such as 3/10; in an array job both numbers must be set")
    index, count = int(found[1]), int(found[2])
    if not 1 <= index <= count:
        raise UsageError(
            f"--part {text}: parts are counted from 1 to {count}; give an array the same numbers (--array=1-{count})"
        )
    return Part(index, count)


def part_of(cases: Sequence[Item], index: int, count: int) -> list[Item]:
    """The cases of one part: every ``count``-th one, so that neighbours, often of one size, are shared out.

    The parts of one list are disjoint, hold all of it, and differ by one case at most. They depend on the list alone:
    all tasks must see the same one.

    Parameters
    ----------
    cases : sequence
        In the same order in each task.
    index : int
        Of the part, from 1.
    count : int
        How many parts there are; those beyond the number of cases are empty.

    Returns
    -------
    list

    Raises
    ------
    UsageError
        If ``index`` is not from 1 to ``count``.

    Examples
    --------
    >>> [part_of("abcde", index, 3) for index in (1, 2, 3)]
    [['a', 'd'], ['b', 'e'], ['c']]
    """
    if not 1 <= index <= count:
        raise UsageError(f"part {index} of {count}: parts are counted from 1 to {count}")
    return list(cases[index - 1 :: count])
