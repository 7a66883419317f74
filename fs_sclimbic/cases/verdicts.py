"""The verdicts of a run: of each case, as a table and in a line at the end."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..segmentation.flag import CaseVerdict, Flag
from .pipeline import Outcome
from .stats_files import kinds_of

FIRST_COLUMNS = ("case", "verdict", "n_flags", "reasons", "whole_case")
NONE, NOT_MEASURED = "-", "NA"
MAX_NAMED_CASES = 3
WORDS = {"good": "good", "look": "to look at", "bad": "bad"}


@dataclass(frozen=True)
class FlagTable:
    """The table of flags: its file name after the base."""

    ending: str


FLAGS = FlagTable("qa_flags_all.csv")


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
        failed = Flag(kind="FAILED", severity="bad", reason=outcome.message)
        return CaseVerdict(case=outcome.case.name, flags=(failed,))
    return CaseVerdict(case=outcome.case.name, flags=outcome.flags)


def format_flag_table(outcomes: Sequence[Outcome]) -> str:
    """The text of the table of flags: one row a case, and one column a structure, named as in the table of volumes.

    Parameters
    ----------
    outcomes : sequence of Outcome
        At least one has numbers; all have the same structures, since they come from one model.

    Returns
    -------
    str
        ``case,verdict,n_flags,reasons,whole_case,<StructName ...>``. The last columns hold the kinds of the flags,
        separated by blanks, or ``-``; of a case that failed ``NA``.
    """
    measured = next(outcome.stats for outcome in outcomes if outcome.stats is not None)
    names = [row.structure.name for row in measured.structures]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*FIRST_COLUMNS, *names])
    for outcome in outcomes:
        verdict = verdict_of(outcome)
        flags = verdict.flags
        cells = [" ".join(kinds_of(flags, name)) or NONE for name in names]
        writer.writerow(
            [
                verdict.case,
                verdict.verdict,
                len(flags),
                "; ".join(" ".join(flag.reason.split()) for flag in worst_first(flags)) or NONE,
                " ".join(kinds_of(flags, None)) or NONE,
                *(cells if outcome.stats is not None else [NOT_MEASURED] * len(names)),
            ]
        )
    return text.getvalue()


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
        of one case its verdict and all reasons.
    """
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
