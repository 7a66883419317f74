"""Names of a design found among the rows of a table or the folders of subjects."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..bids.entities import parse_case_name
from ..bids.matching import is_of_session, match_entities
from .text_files import listed, same_names

BIDS, EXACT = "bids", "exact"
MATCHES = (BIDS, EXACT)


@dataclass(frozen=True)
class NameRule:
    """How a name is looked for."""

    match: str = BIDS
    """``exact``: the same letters; ``bids``: else the same entities, where that leaves no doubt."""
    session: str | None = None
    """Only rows of this session count; without ``ses-``."""


DEFAULT_RULE = NameRule()


@dataclass(frozen=True)
class FoundNames:
    """Names that were looked for."""

    found: Mapping[str, str]
    """For a wanted name the name that is there, in the order in which they are wanted."""
    notices: tuple[str, ...] = ()
    """Which names were matched though they are written in different ways."""
    problems: tuple[str, ...] = ()
    """Names that may be of one person but leave doubt, one line each."""
    near: Mapping[str, str] = field(default_factory=dict)
    """For a name that is not found another one of the same person."""


def find_names(wanted: Iterable[str], there: Sequence[str], rule: NameRule, where: str) -> FoundNames:
    """Find names among others: the same ones first, then by entities of BIDS.

    Parameters
    ----------
    wanted : iterable of str
    there : sequence of str
    rule : NameRule
    where : str
        What holds the names that are there, for messages.

    Returns
    -------
    FoundNames
    """
    names = list(dict.fromkeys(wanted))
    if rule.session is None:
        rows, problems = list(there), []
    else:
        rows = [name for name in there if is_of_session(name, rule.session)]
        problems = _session_problems(names, there, rows, rule.session, where)
    exact = same_names(names, rows)
    respelt = [name for name, other in exact.items() if name != other]
    notices = (
        [f"names written with other letters or bytes in {where} were matched: {listed(respelt)}"] if respelt else []
    )
    if rule.match == EXACT:
        return FoundNames(exact, tuple(notices), tuple(problems))
    lost = [name for name in names if name not in exact]
    matches = match_entities(lost, rows, list(exact.values()))
    if matches.found:
        pairs = [f"{name} = {other}" for name, other in matches.found.items()]
        notices.append(f"{len(pairs)} name(s) were matched with those of {where} by BIDS entities: {listed(pairs)}")
    found = {**exact, **matches.found}
    problems += [f"{where}: {text}{_advice(text)}" for text in matches.problems]
    in_order = {name: found[name] for name in names if name in found}
    return FoundNames(in_order, tuple(notices), tuple(problems), matches.near)


def _session_problems(
    names: Sequence[str], there: Sequence[str], rows: Sequence[str], session: str, where: str
) -> list[str]:
    if not rows:
        return [f"{where}: no name is of session {session}; the names are {listed(there, 3)}"]
    others = [
        name for name in names if (parts := parse_case_name(name)) and parts.entities.get("ses", session) != session
    ]
    if not others:
        return []
    return [f"--session {session} contradicts {len(others)} name(s) of another session: {listed(others, 3)}"]


def _advice(problem: str) -> str:
    return "; choose one with --session, or name it in full" if " fits " in problem else ""
