"""Run cases on a Dask cluster: one that runs already, or jobs of a batch system that are started for this run."""

import logging
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import dask.config
import dask_jobqueue
import distributed

from .._version import __version__
from ..cases.case import Case
from ..cases.cohort import Tell, tell_nobody
from ..cases.pipeline import Outcome
from ..errors import ModelError, SclimbicError, UsageError
from ..files.system import host_name
from ..notice import Notice
from .case_job import CaseJob, EndedCase, absolute_case, at_host, run_job
from .spread import spread_cohort

RETRIES = 2
"""So often Dask gives a case to a worker again after an error that lies with the worker."""
MAX_SUBMITTED = 1000
"""Cases that the scheduler knows at once; it is quick with so many, and workers that join find work."""
MAX_ERRORS_BEFORE_SUCCESS = 3
"""If so many cases could not be run on any worker, and none could, then none will."""
CONNECT_TIMEOUT_S = 20.0
CLUSTERS = {"slurm": "SLURMCluster", "sge": "SGECluster", "pbs": "PBSCluster", "lsf": "LSFCluster"}
"""Words for ``--dask``, and the classes of dask-jobqueue."""
DEFAULT_JOB_MEMORY = "2GB"
"""For each worker of a job; docs/cluster.md has what was measured."""


class UnfitWorkerError(ModelError):
    """A worker's machine lacks what every case needs; another one may have it."""


class DaskWorkers:
    """The workers of a Dask cluster.

    Parameters
    ----------
    client : distributed.Client
        Connected to the scheduler.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        # Dask takes two tasks of one name for the same: those of two runs must differ.
        self._run_name = secrets.token_hex(4)
        self._number = 0
        self._errors, self._successes = 0, 0

    def run(self, cases: Iterable[Case], job: CaseJob) -> Iterator[EndedCase]:
        """Run cases side by side; see `spread.Workers`.

        Parameters
        ----------
        cases : iterable of Case
        job : CaseJob

        Yields
        ------
        EndedCase
            As they end. After an interrupt, and before it goes on, those that ended meanwhile.

        Raises
        ------
        ModelError
            If the first cases can be run on no worker.
        SclimbicError
            If the scheduler is lost.
        """
        coming = iter(cases)
        running: dict[Any, Case] = {}
        ending = distributed.as_completed(raise_errors=False, loop=self._client.loop)
        try:
            while True:
                for case in islice(coming, MAX_SUBMITTED - len(running)):
                    future = self._submit(case, job)
                    running[future] = case
                    ending.add(future)
                if not running:
                    return
                future = next(ending)
                ended = self._ended(future, running.pop(future), job)
                future.release()
                yield ended
        except KeyboardInterrupt:
            for future in [future for future in running if future.status == "finished"]:
                yield self._ended(future, running.pop(future), job)
            raise
        finally:
            if running and self._client.status == "running":
                with suppress(Exception):  # the scheduler may be what was lost
                    self._client.cancel(list(running), force=True)

    def _submit(self, case: Case, job: CaseJob) -> Any:
        self._number += 1
        folders = tuple(
            folder for folder in (case.t1.absolute().parent, case.outputs.record.absolute().parent) if folder.is_dir()
        )
        return self._client.submit(
            run_remotely,
            absolute_case(case),
            job,
            folders=folders,
            version=__version__,
            key=f"sclimbic-{case.name}-{self._number}-{self._run_name}",
            pure=False,
            retries=RETRIES,
        )

    def _ended(self, future: Any, case: Case, job: CaseJob) -> EndedCase:
        if future.status in ("cancelled", "lost"):
            raise SclimbicError(
                "the Dask scheduler is gone, or has dropped this run; what is done is kept: start the cluster and give "
                "the same command again"
            )
        if future.status == "finished":
            self._successes += 1
            ended: EndedCase = future.result()
            return replace(ended, outcome=replace(ended.outcome, case=case))
        error = future.exception()
        self._errors += 1
        message = f"{case.t1}: {describe_error(error)}"
        if not self._successes and self._errors >= MAX_ERRORS_BEFORE_SUCCESS:
            raise ModelError(f"no case can be run on this cluster: {message}")
        outcome = Outcome(case=case, status="failed", seconds=0.0, message=message)
        return EndedCase(outcome=outcome, prior=job.shared.run.spec.prior, learns=job.shared.learns)


def run_remotely(case: Case, job: CaseJob, *, folders: tuple[Path, ...], version: str) -> EndedCase:
    """Run one case, in a worker of a Dask cluster.

    Parameters
    ----------
    case : Case
        With absolute paths.
    job : CaseJob
    folders : tuple of Path
        What this machine must see.
    version : str
        Of the package that started the run.

    Returns
    -------
    EndedCase

    Raises
    ------
    ModelError
        If this worker cannot run any case: Dask then gives it to another.
    """
    host = host_name()
    if version != __version__:
        raise UnfitWorkerError(f"worker on {host}: has fs_sclimbic {__version__}, the run was started with {version}")
    for folder in folders:
        if not folder.is_dir():
            raise UnfitWorkerError(f"worker on {host}: does not see the folder {folder}")
    return run_job(case, at_host(job, host))


def run_on_dask(
    cases: Sequence[Case], job: CaseJob, where: str, *, jobs: int = 1, tell: Tell = tell_nobody
) -> Iterator[Outcome]:
    """Run cases on a Dask cluster, with the results that one process would give.

    Parameters
    ----------
    cases : sequence of Case
        Workers must see their files under the same absolute paths.
    job : CaseJob
    where : str
        Address of a scheduler, a scheduler file, or one of `CLUSTERS`.
    jobs : int
        How many jobs are started, with one of `CLUSTERS`.
    tell : callable
        Is told which cases are waited for.

    Yields
    ------
    Outcome
        As they end, in any order.

    Raises
    ------
    UsageError
        If no scheduler answers, or the jobs cannot be started.
    ModelError
        If the first cases can be run on no worker.
    SclimbicError
        If the scheduler is lost.
    """
    with connected(where, jobs, job.model.threads or 1) as client:
        if not client.scheduler_info()["workers"]:
            tell(Notice("note", f"{where}: no worker has joined this cluster yet; cases wait for the first"))
        yield from spread_cohort(cases, job, DaskWorkers(client), tell=tell)


@contextmanager
def connected(where: str, jobs: int = 1, threads: int = 1, *, timeout_s: float = CONNECT_TIMEOUT_S) -> Iterator[Any]:
    """A client of a cluster; afterwards it is closed, and so are the jobs that were started for it.

    Parameters
    ----------
    where : str
        Address of a scheduler, a scheduler file, or one of `CLUSTERS`.
    jobs : int
        How many jobs are started, with one of `CLUSTERS`.
    threads : int
        Processors of a job, unless Dask's configuration says otherwise.
    timeout_s : float
        How long to wait for a scheduler, seconds.

    Yields
    ------
    distributed.Client

    Raises
    ------
    UsageError
        If no scheduler answers, or the jobs cannot be started.
    """
    for name in (
        "distributed",
        "distributed.client",
        "tornado",
    ):  # what it says of lost connections, we say in one line
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if where in CLUSTERS:
        with _started(where, jobs, threads) as cluster, distributed.Client(cluster) as client:
            yield client
        return
    file = Path(where)
    if file.suffix == ".json" and not file.is_file():
        raise UsageError(f"--dask {where}: no such scheduler file; it is written by 'dask scheduler --scheduler-file'")
    address = {"scheduler_file": where} if file.is_file() else {"address": where}
    try:
        client = distributed.Client(**address, timeout=timeout_s)
    except (OSError, ValueError, AssertionError) as error:  # the last: a scheduler file without an address
        raise UsageError(f"--dask {where}: no Dask scheduler answers there ({' '.join(str(error).split())})") from error
    try:
        yield client
    finally:
        with suppress(Exception):  # the scheduler may be what was lost
            client.close(timeout=timeout_s)


@contextmanager
def _started(system: str, jobs: int, threads: int) -> Iterator[Any]:
    """A cluster of jobs; what Dask's configuration (``jobqueue.slurm``) says of them goes first."""
    given = dask.config.get(f"jobqueue.{system}", {})
    cores = given.get("cores") or threads
    try:
        cluster = getattr(dask_jobqueue, CLUSTERS[system])(
            cores=cores,
            processes=given.get("processes") or max(1, cores // threads),
            memory=given.get("memory") or DEFAULT_JOB_MEMORY,
            # One case at a time: the network itself runs on the threads. Pages of the state for browsers are not
            # served: whoever reaches the login node could read names of cases there.
            worker_extra_args=[*(given.get("worker-extra-args") or []), "--nthreads", "1", "--no-dashboard"],
            scheduler_options={"dashboard": False, "dashboard_address": "localhost:0"},
        )
        with cluster:
            cluster.scale(jobs=jobs)
            yield cluster
    except (OSError, RuntimeError) as error:
        raise UsageError(f"--dask {system}: jobs cannot be started ({' '.join(str(error).split())})") from error


def describe_error(error: BaseException | None) -> str:
    """Why Dask has given a case up, in one line.

    Parameters
    ----------
    error : BaseException or None

    Returns
    -------
    str
    """
    if isinstance(error, distributed.KilledWorker):
        return (
            "each worker that ran it ended; give the workers more memory (dask worker --memory-limit, the job's "
            "--mem), or look into their logs"
        )
    summary = " ".join(str(error).split())[:300]
    if "deserialization" in summary:
        return "the scheduler and the workers must have fs_sclimbic installed, in the version of this command"
    return summary if isinstance(error, SclimbicError) else f"{type(error).__name__}: {summary}"
