"""Compare the cases of a run, or finished ones, with one another."""

from collections.abc import Sequence
from dataclasses import replace

from ..cases.pipeline import Outcome
from ..segmentation.flag import CaseVerdict
from ..segmentation.measure import SegStats
from .cohort_flags import CohortCase, find_cohort_flags
from .finished_case import FinishedCase


def add_cohort_flags(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Add the flags that only the other cases of a run give.

    Parameters
    ----------
    outcomes : sequence of Outcome

    Returns
    -------
    list of Outcome
        In the same order.
    """
    cases = [CohortCase(name=str(i), stats=one.stats) for i, one in enumerate(outcomes) if one.stats is not None]
    found = find_cohort_flags(cases)  # by number: a run may hold two cases of one name, one of them failed
    return [replace(one, flags=(*one.flags, *found.get(str(i), ()))) for i, one in enumerate(outcomes)]


def judge_cohort(cases: Sequence[FinishedCase]) -> list[FinishedCase]:
    """Add the flags that only the other cases of a cohort give to finished cases.

    Parameters
    ----------
    cases : sequence of FinishedCase

    Returns
    -------
    list of FinishedCase
        In the same order.
    """
    found = find_cohort_flags(
        [
            CohortCase(name=str(i), stats=case.stats, provenance=case.provenance)
            for i, case in enumerate(cases)
            if case.problem is None
        ]
    )
    return [
        replace(case, verdict=CaseVerdict(case=case.name, flags=(*case.verdict.flags, *found.get(str(i), ()))))
        for i, case in enumerate(cases)
    ]


def judge_verdicts(cases: Sequence[tuple[CaseVerdict, SegStats]]) -> list[tuple[CaseVerdict, SegStats]]:
    """Add the flags that only the other cases of a study give to verdicts.

    Parameters
    ----------
    cases : sequence of (CaseVerdict, SegStats)

    Returns
    -------
    list of (CaseVerdict, SegStats)
        In the same order.
    """
    found = find_cohort_flags([CohortCase(name=str(i), stats=stats) for i, (_, stats) in enumerate(cases)])
    return [
        (CaseVerdict(case=verdict.case, flags=(*verdict.flags, *found[str(i)])), stats)
        for i, (verdict, stats) in enumerate(cases)
    ]
