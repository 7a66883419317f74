"""Run cases in processes of this machine. A process that dies costs its case a second try, and never the run.

Each worker has a pipe of its own, and nothing else is shared: whoever is killed, at whatever moment, holds no lock that
another needs. (Process pools share queues; docs/dependencies.md says how those that were tried end.)
"""

import multiprocessing
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.resource_tracker import ensure_running

from ..cases.case import Case
from ..cases.cohort import Tell, tell_nobody
from ..cases.pipeline import Outcome
from ..errors import ModelError, SclimbicError
from ..network.spec import OPENVINO
from .case_job import CaseJob, EndedCase
from .spread import spread_cohort
from .worker_life import READY, SIGNALS_OF_A_TERMINAL, serve

MAX_TRIES = 2
"""A case is failed when so many workers have died over it."""
MAX_FAILED_STARTS = 3
"""So many workers in a row that end before their first case end the run."""
END_TIMEOUT_S = 30.0
"""How long a worker that is told to end may take to leave its case in order; it cannot hear while the network runs."""
WORKER_MB, WHOLE_BOX_MB, TENSORFLOW_MB = 1000, 1700, 1000
"""Peak memory of a worker, MB (docs/cluster.md): usually; on the network's whole box; what TensorFlow adds."""


@dataclass(eq=False)
class _Worker:
    """A process, this end of its pipe, and what it is doing."""

    process: BaseProcess
    pipe: Connection
    is_ready: bool = False
    case: Case | None = None


class LocalWorkers:
    """Processes of this machine that run one case at a time each. Use it as a context.

    Parameters
    ----------
    count : int
        How many processes work at once; each holds one model and one image.
    started : callable
        Is given the process id of each worker as it starts.
    life : callable
        What a worker does with its end of the pipe, see `serve`.
    """

    def __init__(
        self,
        count: int,
        *,
        started: Callable[[int], None] = lambda _pid: None,
        life: Callable[[Connection], None] = serve,
    ) -> None:
        self._count = count
        self._life = life
        self._started = started
        self._context = multiprocessing.get_context("spawn")  # a fork would copy the locks of libraries' threads
        self._workers: list[_Worker] = []
        self._failed_starts = 0

    def __enter__(self) -> "LocalWorkers":
        return self

    def __exit__(self, *_error: object) -> None:
        self.end()

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
            If a worker cannot load the model.
        SclimbicError
            If workers cannot be started.
        """
        waiting, tries = deque(cases), Counter[Case]()
        try:
            while waiting or any(worker.case for worker in self._workers):
                self._start_workers(len(waiting))
                for worker in self._workers:
                    if waiting and worker.is_ready and worker.case is None:
                        self._give(worker, waiting, job)
                heard = wait([worker.pipe for worker in self._workers])
                for worker in [worker for worker in self._workers if worker.pipe in heard]:
                    try:
                        message = worker.pipe.recv()
                    except (EOFError, OSError):
                        case = self._bury(worker)
                        if case is None:
                            continue
                        tries[case] += 1
                        if tries[case] < MAX_TRIES:
                            waiting.append(case)  # last: what it lacks, such as memory, may be there then
                        else:
                            yield _given_up(case, worker.process.exitcode, job)
                        continue
                    if message == READY:
                        worker.is_ready, self._failed_starts = True, 0
                        continue
                    worker.case = None
                    if isinstance(message, ModelError):
                        raise message
                    yield message
        except (KeyboardInterrupt, ModelError):
            yield from self._end_and_hear()  # their files are written, so their rows belong into the tables
            raise

    def end(self) -> None:
        """End all workers; a case that is being run leaves nothing behind."""
        for _ in self._end_and_hear():
            pass

    def _start_workers(self, waiting: int) -> None:
        """Start workers as far as there is work for them."""
        needed = min(self._count, waiting + sum(worker.case is not None for worker in self._workers))
        while len(self._workers) < needed:
            ours, theirs = self._context.Pipe()
            ensure_running()  # its first start would let the signals through again
            process = self._context.Process(target=self._life, args=(theirs,), daemon=True)
            with _signals_wait():  # the worker inherits that it does not hear them
                process.start()
            theirs.close()  # then the end of the process closes the pipe
            self._workers.append(_Worker(process, ours))
            self._started(process.pid or 0)

    @staticmethod
    def _give(worker: _Worker, waiting: deque[Case], job: CaseJob) -> None:
        """Give a worker the next case, unless it died while it had nothing to do, which shows when it is heard."""
        with suppress(OSError):
            worker.pipe.send((waiting[0], job))
            worker.case = waiting.popleft()

    def _bury(self, worker: _Worker) -> Case | None:
        """Forget a worker that has ended; the case that it was running."""
        self._workers.remove(worker)
        worker.pipe.close()
        worker.process.join()
        if not worker.is_ready:
            self._failed_starts += 1
            if self._failed_starts >= MAX_FAILED_STARTS:
                end = describe_end(worker.process.exitcode)
                raise SclimbicError(f"no worker process could be started ({end}); give fewer --workers, or more memory")
        return worker.case

    def _end_and_hear(self) -> Iterator[EndedCase]:
        """Tell all workers to end, and pass on what they had ended before."""
        workers, self._workers = self._workers, []
        for worker in workers:
            if worker.case is None:
                worker.pipe.close()
            else:
                worker.process.terminate()
        for worker in workers:
            if worker.case is not None:
                with suppress(EOFError, OSError):
                    if worker.pipe.poll(END_TIMEOUT_S) and isinstance(message := worker.pipe.recv(), EndedCase):
                        yield message
                worker.pipe.close()
            worker.process.join(END_TIMEOUT_S)
            if worker.process.exitcode is None:
                worker.process.kill()
                worker.process.join()


def run_in_workers(
    cases: Sequence[Case],
    job: CaseJob,
    count: int,
    *,
    started: Callable[[int], None] = lambda _pid: None,
    tell: Tell = tell_nobody,
) -> Iterator[Outcome]:
    """Run cases in processes of this machine, with the results that one process would give.

    Parameters
    ----------
    cases : sequence of Case
    job : CaseJob
    count : int
        How many processes work at once.
    started : callable
        Is given the process id of each worker as it starts.
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
    SclimbicError
        If workers cannot be started.

    Notes
    -----
    A script that calls this must guard its own start with ``if __name__ == "__main__":``, since workers import it.
    """
    with LocalWorkers(count, started=started) as workers:
        yield from spread_cohort(cases, job, workers, tell=tell)


def worker_memory_mb(job: CaseJob, engine: str) -> int:
    """Peak memory of one worker, with something to spare.

    Parameters
    ----------
    job : CaseJob
    engine : {"openvino", "tensorflow"}

    Returns
    -------
    int
        MB of 2^20 bytes.
    """
    is_whole = job.options.full_fov or job.shared.run.spec.prior is None
    return (WHOLE_BOX_MB if is_whole else WORKER_MB) + (0 if engine == OPENVINO else TENSORFLOW_MB)


def describe_end(exitcode: int | None) -> str:
    """How a process ended, in words.

    Parameters
    ----------
    exitcode : int or None
        Negative: the signal that ended it.

    Returns
    -------
    str
    """
    if exitcode is not None and exitcode < 0:
        name = signal.Signals(-exitcode).name if -exitcode in {*signal.Signals} else "unknown"
        hint = ", as the system does when memory is short" if name == "SIGKILL" else ""
        return f"ended by signal {-exitcode}, {name}{hint}"
    return f"ended with status {exitcode}"


def _given_up(case: Case, exitcode: int | None, job: CaseJob) -> EndedCase:
    message = (
        f"{case.t1}: the worker process was {describe_end(exitcode)}, {MAX_TRIES} times; "
        "give fewer --workers, or the job more memory"
    )
    outcome = Outcome(case=case, status="failed", seconds=0.0, message=message)
    return EndedCase(outcome=outcome, prior=job.shared.run.spec.prior, learns=job.shared.learns)


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Hold back a terminal's signals; they come afterwards."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS_OF_A_TERMINAL)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
