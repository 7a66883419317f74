"""Names of one person in two places, matched by the entities of BIDS: ``01``, ``sub-01``, ``sub-01_ses-1_T1w``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .entities import BidsName, parse_case_name, same_label


@dataclass(frozen=True)
class EntityMatches:
    """Which names are of one person, and where that cannot be said."""

    found: dict[str, str]
    """For a wanted name the only name that is there and fits it."""
    problems: tuple[str, ...] = ()
    """One line each: a name that fits several, several that fit one, labels that differ in zeros alone."""
    near: Mapping[str, str] = field(default_factory=dict)
    """For a name that is not found another one of the same person, of another session for example."""


def match_entities(wanted: Sequence[str], there: Sequence[str], taken: Sequence[str] = ()) -> EntityMatches:
    """Find names among others by their entities.

    A name fits another one that has all its entities, with the same labels, and may have more: ``sub-01`` fits
    ``sub-01_ses-1``, not the reverse, since ``sub-01`` may be another session. Labels are text: ``1`` is not ``01``.

    Parameters
    ----------
    wanted : sequence of str
    there : sequence of str
    taken : sequence of str
        Names of ``there`` that belong to others already.

    Returns
    -------
    EntityMatches
        Nothing is guessed: a name that fits two is a problem, which names both.

    Examples
    --------
    >>> match_entities(["01"], ["sub-01_ses-1", "sub-02_ses-1"]).found
    {'01': 'sub-01_ses-1'}
    >>> match_entities(["01"], ["sub-01_ses-1", "sub-01_ses-2"]).problems
    ("'01' fits sub-01_ses-1 and sub-01_ses-2",)
    """
    by_person: dict[str, list[tuple[str, BidsName]]] = {}
    for name in dict.fromkeys(there):
        if parts := parse_case_name(name):
            by_person.setdefault(parts.entities["sub"], []).append((name, parts))
    numbers = {label.lstrip("0"): label for label in by_person if label.isdecimal()}
    found: dict[str, str] = {}
    owners: dict[str, list[str]] = {name: [name] for name in taken}
    problems: list[str] = []
    near: dict[str, str] = {}
    for name in dict.fromkeys(wanted):
        parts = parse_case_name(name)
        if parts is None:
            continue
        label = parts.entities["sub"]
        candidates = [other for other, theirs in by_person.get(label, []) if _fits(parts, theirs)]
        if len(candidates) == 1:
            found[name] = candidates[0]
            owners.setdefault(candidates[0], []).append(name)
        elif candidates:
            problems.append(f"'{name}' fits {_and(candidates)}")
        elif label not in by_person and label.isdecimal() and (other := numbers.get(label.lstrip("0"))):
            problems.append(
                f"'{name}' and '{by_person[other][0][0]}' differ in leading zeros: are they one person? Write both "
                "alike (a spreadsheet drops such zeros)"
            )
        elif label in by_person:
            near[name] = by_person[label][0][0]
    for other, names in owners.items():
        if len(names) > 1:
            problems.append(f"{_and([repr(name) for name in names])} all fit {other}")
            for name in names:
                found.pop(name, None)
    return EntityMatches(found, tuple(problems), near)


def _fits(wanted: BidsName, other: BidsName) -> bool:
    theirs = other.entities
    return all(key in theirs and same_label(key, label, theirs[key]) for key, label in wanted.entities.items())


def _and(names: Sequence[str], most: int = 4) -> str:
    listed = list(names[:most])
    if len(names) > most:
        return f"{', '.join(listed)} and {len(names) - most} more"
    return " and ".join((", ".join(listed[:-1]), listed[-1])) if len(listed) > 1 else listed[0]


def is_of_session(name: str, session: str) -> bool:
    """Whether a name says that it is of this session.

    Parameters
    ----------
    name : str
    session : str
        Without ``ses-``.

    Returns
    -------
    bool
    """
    parts = parse_case_name(name)
    return parts is not None and parts.entities.get("ses") == session
