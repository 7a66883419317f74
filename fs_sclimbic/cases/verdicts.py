"""The verdicts of a run, and the line that tells them at its end."""

from collections.abc import Sequence
from pathlib import Path

from ..segmentation.flag import CaseVerdict, Flag
from .pipeline import Outcome

FAILED = "FAILED"
"""The kind of the flag of a case without results."""
MAX_NAMED_CASES = 3
WORDS = {"good": "good", "look": "to look at", "bad": "bad"}


def verdict_of(outcome: Outcome) -> CaseVerdict:
    """The verdict of a case of a run.

    Parameters
    ----------
    outcome : Outcome

    Returns
    -------
    CaseVerdict
        A case that failed is bad.
    """
    if outcome.status == "failed":
        failed = Flag(kind=FAILED, severity="bad", reason=outcome.message)
        return CaseVerdict(case=outcome.case.name, flags=(failed,))
    return CaseVerdict(case=outcome.case.name, flags=outcome.flags)


def worst_first(flags: Sequence[Flag]) -> list[Flag]:
    """Flags with the bad ones first, otherwise in their order."""
    return sorted(flags, key=lambda flag: flag.severity != "bad")


def describe_verdicts(verdicts: Sequence[CaseVerdict], page: Path | None = None) -> str:
    """The verdicts of a run in one line.

    Parameters
    ----------
    verdicts : sequence of CaseVerdict
        Of the cases that have results.
    page : Path, optional
        Where they can be looked at.

    Returns
    -------
    str
        Such as ``38 good, 1 to look at (sub-30: right accumbens lost), 1 bad (sub-31: noise is 30 % of the contrast)``;
        of one case its verdict and all reasons; empty without cases.
    """
    if not verdicts:
        return ""
    end = f"; page: {page}" if page else ""
    if len(verdicts) == 1:
        (one,) = verdicts
        reasons = "; ".join(flag.reason for flag in worst_first(one.flags))
        return f"verdict {WORDS[one.verdict]}{': ' * bool(reasons)}{reasons}{end}"
    parts = []
    for verdict, words in WORDS.items():
        cases = [case for case in verdicts if case.verdict == verdict]
        named = [f"{case.case}: {worst_first(case.flags)[0].reason}" for case in cases[:MAX_NAMED_CASES] if case.flags]
        more = len(cases) - MAX_NAMED_CASES
        listed = (
            f" ({'; '.join([*named, *([f'{more} more'] if more > 0 else [])])})" if named and verdict != "good" else ""
        )
        if cases or verdict == "good":
            parts.append(f"{len(cases)} {words}{listed}")
    return ", ".join(parts) + end
