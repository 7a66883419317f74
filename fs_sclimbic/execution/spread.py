"""Spread the cases of a run over workers: what all share is fixed before they work side by side."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Protocol

from ..cases.case import Case
from ..cases.pipeline import Outcome
from .case_job import CaseJob, EndedCase, after


class Workers(Protocol):
    """Processes that run cases, here or elsewhere."""

    def run(self, cases: Iterable[Case], job: CaseJob) -> Iterator[EndedCase]:
        """Run cases side by side.

        Parameters
        ----------
        cases : iterable of Case
        job : CaseJob

        Yields
        ------
        EndedCase
            As they end, in any order.
        """


def spread_cohort(cases: Sequence[Case], job: CaseJob, workers: Workers) -> Iterator[Outcome]:
    """Run cases on workers, with the results that one process would give.

    If the model has no prior, cases run one after the other until one gives it, as in one process. Otherwise it would
    depend on the workers' timing which case gives it, and with it the results of the others.

    Parameters
    ----------
    cases : sequence of Case
    job : CaseJob
    workers : Workers

    Yields
    ------
    Outcome
        As they end, in any order.

    Raises
    ------
    ModelError
        If the model cannot be loaded.
    """
    coming = iter(cases)
    while job.shared.learns and (first := list(islice(coming, 1))):
        for ended in workers.run(first, job):
            yield ended.outcome
            job = after(job, ended)
    for ended in workers.run(coming, job):
        yield ended.outcome
