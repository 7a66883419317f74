"""Who and what is left out of an analysis because of ratings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath

from ..errors import TableError, UsageError
from .ratings import RATINGS, Rating, latest_ratings, read_ratings

DEFAULT_EXCLUDED = ("fail",)
"""Ratings that exclude, unless others are named: what a rater is unsure of stays in."""


@dataclass(frozen=True, kw_only=True)
class Exclusion:
    """What ratings exclude."""

    source: str
    """The table of ratings."""
    words: tuple[str, ...]
    """The ratings that exclude."""
    cases: tuple[str, ...]
    """Whole cases."""
    structures: Mapping[str, tuple[str, ...]]
    """StructNames by case, of cases that are not excluded as a whole."""
    rated: tuple[str, ...] = ()
    """All cases that the table names, also those that stay."""
    disputed: tuple[str, ...] = ()
    """What is excluded though another rater rates it otherwise: the case, or case and structure."""


def read_exclusion(path: str | PathLike[str], words: Sequence[str] = DEFAULT_EXCLUDED) -> Exclusion:
    """Read what ratings exclude. Of several raters one is enough; what a rater says twice counts as said last.

    Parameters
    ----------
    path : path-like
        A table of ratings.
    words : sequence of str
        The ratings that exclude.

    Returns
    -------
    Exclusion

    Raises
    ------
    UsageError
        If a word is no rating, or is ``pass``.
    TableError
        If the table cannot be read.
    """
    allowed = [word for word in RATINGS if word != "pass"]
    unknown = [word for word in words if word not in allowed]
    if unknown or not words:
        found = f", found '{unknown[0]}'" if unknown else ""
        raise UsageError(f"ratings that exclude: expected some of {', '.join(allowed)}{found}")
    given = read_ratings(path)
    try:
        latest = latest_ratings(given)
    except TableError as error:
        raise TableError(f"{fspath(path)}: {error}") from error
    rated = [one for one in latest if one.rating in words]
    cases = tuple(dict.fromkeys(one.case for one in rated if one.structure is None))
    structures: dict[str, tuple[str, ...]] = {}
    for one in rated:
        if one.structure is not None and one.case not in cases:
            structures[one.case] = tuple(dict.fromkeys((*structures.get(one.case, ()), one.structure)))
    return Exclusion(
        source=fspath(path),
        words=tuple(words),
        cases=cases,
        structures=structures,
        rated=tuple(dict.fromkeys(one.case for one in latest)),
        disputed=_disputed(latest, words),
    )


def _disputed(latest: Sequence[Rating], words: Sequence[str]) -> tuple[str, ...]:
    excluded = {one.subject for one in latest if one.rating in words}
    subjects = dict.fromkeys(
        one.subject for one in latest if one.subject in excluded and one.rating and one.rating not in words
    )
    return tuple(case if structure is None else f"{case} {structure}" for case, structure in subjects)
