"""Spread the cases of a run over workers: what all share is fixed before they work side by side."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Protocol

from ..cases.case import Case
from ..cases.case_lock import wait_for_case
from ..cases.cohort import Tell, tell_nobody
from ..cases.pipeline import Outcome
from ..notice import Notice
from .case_job import CaseJob, EndedCase, after

ONE_BY_ONE = (
    "did not show where all structures of this model lie; cases run one after the other until one does ('fs_sclimbic "
    "model place' measures it beforehand, --full-fov does without)"
)


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


def spread_cohort(
    cases: Sequence[Case], job: CaseJob, workers: Workers, *, tell: Tell = tell_nobody
) -> Iterator[Outcome]:
    """Run cases on workers, with the results that one process would give.

    If the model has no prior, cases run one after the other until one gives it, as in one process. Otherwise it would
    depend on the workers' timing which case gives it, and with it the results of the others. A case that another run
    works on comes last: when that run is through with it, its result is taken.

    Parameters
    ----------
    cases : sequence of Case
    job : CaseJob
    workers : Workers
    tell : callable
        Is told which cases are waited for.

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
    elsewhere: list[Outcome] = []
    was_told = False
    while job.shared.learns and (first := list(islice(coming, 1))):
        for ended in workers.run(first, job):
            job = after(job, ended)
            if job.shared.learns and ended.outcome.status == "done" and not was_told:
                was_told = True
                tell(Notice("note", ONE_BY_ONE, ended.outcome.case.name))
            if ended.outcome.is_elsewhere:
                elsewhere.append(ended.outcome)
            else:
                yield ended.outcome
    for ended in workers.run(coming, job):
        if ended.outcome.is_elsewhere:
            elsewhere.append(ended.outcome)
        else:
            yield ended.outcome
    for outcome in elsewhere:
        while outcome.is_elsewhere:
            tell(Notice("note", f"waiting: {outcome.message}", outcome.case.shown_name))
            wait_for_case(outcome.case, with_recon_all=job.shared.run.wait_for_recon_all)
            for ended in workers.run([outcome.case], job):
                job, outcome = after(job, ended), ended.outcome
        yield outcome
