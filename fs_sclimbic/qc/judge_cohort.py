"""Compare the cases of a run, or finished ones, with one another."""

from collections.abc import Sequence
from dataclasses import replace

from ..cases.pipeline import Outcome
from ..cases.record import Record, recorded_flags
from ..segmentation.flag import CaseVerdict
from ..segmentation.measure import SegStats
from ..segmentation.population import Population
from .cohort_flags import CohortCase, find_cohort_flags
from .finished_case import FinishedCase
from .read_case import provenance_of


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


def judge_records(records: Sequence[tuple[str, Record]], population: Population) -> list[tuple[CaseVerdict, SegStats]]:
    """Judge the cases of a study by their records.

    Parameters
    ----------
    records : sequence of (str, Record)
        Cases and their records.
    population : Population
        Norms of volumes, for records that hold no flags.

    Returns
    -------
    list of (CaseVerdict, SegStats)
        In the same order, with the flags that only the other cases give.
    """
    found = find_cohort_flags(
        [
            CohortCase(name=str(i), stats=record.stats, provenance=provenance_of(record.provenance))
            for i, (_, record) in enumerate(records)
        ]
    )
    return [
        (CaseVerdict(case=name, flags=(*recorded_flags(record, population), *found[str(i)])), record.stats)
        for i, (name, record) in enumerate(records)
    ]
