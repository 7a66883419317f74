"""Where the cases of a command line run: in this process, in worker processes, or on a Dask cluster."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence

from ..cases.case import Case
from ..cases.case_picture import DrawPicture
from ..cases.cohort import Tell, first_shared
from ..cases.pipeline import HeadFinders, Outcome
from ..cases.run import Run
from ..errors import UsageError
from ..execution.case_job import CaseJob, ModelRequest
from ..execution.workers import run_in_workers, worker_memory_mb
from ..files.memory import available_memory_mb
from ..files.processors import count_processors
from ..segmentation.local_prediction import Predictor
from ..segmentation.options import Options
from .progress import say

DASK_HINT = "--dask needs Dask, which is not installed: python -m pip install 'fs_sclimbic[dask]'"


def runs_elsewhere(args: argparse.Namespace) -> bool:
    """Whether other processes than this one run the cases."""
    return args.workers != 1 or bool(args.dask)


def run_elsewhere(
    args: argparse.Namespace,
    cases: Sequence[Case],
    options: Options,
    this_run: Run,
    *,
    make: Callable[..., Predictor],
    finders: HeadFinders,
    tell: Tell,
    draw: DrawPicture | None,
) -> Iterator[Outcome]:
    """Run cases in worker processes, or on a Dask cluster.

    Parameters
    ----------
    args : argparse.Namespace
        The parsed flags.
    cases : sequence of Case
    options : Options
    this_run : Run
    make : callable
        Makes a predictor of a ModelSpec, in a worker.
    finders : HeadFinders
        How heads are found in images.
    tell : callable
        Is told which cases are waited for.
    draw : callable or None
        Draws the picture of a case, in a worker.

    Returns
    -------
    iterator of Outcome
        In the order in which the cases end.

    Raises
    ------
    UsageError
        If Dask is asked for and is not installed, or its cluster cannot be reached.
    """
    job = CaseJob(
        shared=first_shared(this_run, options),
        options=options,
        model=ModelRequest(
            spec=this_run.spec,
            threads=args.threads,
            device=args.cuda_device,
            engine=args.engine,
            precision=args.precision,
            make=make,
        ),
        finders=finders,
        draw=draw,
    )
    if args.dask:
        try:  # here, after parsing: it takes most of a second, and it is an extra
            from ..execution.dask import run_on_dask
        except ImportError as error:
            raise UsageError(f"{DASK_HINT} ({error})") from error
        return run_on_dask(cases, job, args.dask, jobs=args.workers, tell=tell)
    need = worker_memory_mb(job, this_run.engine)
    count = choose_count(args.workers, need, len(cases))
    if not args.quiet:
        say(f"worker processes: {count}, threads of each: {args.threads}")
    return run_in_workers(cases, job, count, tell=tell)


def choose_count(
    asked: int, need_mb: int, cases: int, *, processors: int | None = None, available_mb: int | None = None
) -> int:
    """How many worker processes run.

    Parameters
    ----------
    asked : int
        0: as many as processors and memory allow.
    need_mb : int
        Peak memory of one, in MB.
    cases : int
    processors, available_mb : int, optional
        By default what this process may use.

    Returns
    -------
    int
        A number that was asked for is kept, with a warning if the memory looks too little.
    """
    available = available_memory_mb() if available_mb is None else available_mb
    room = cases if available is None else available // need_mb
    if not asked:
        return max(1, min(processors or count_processors(), room, cases))
    count = max(1, min(asked, cases))
    if count > room:
        say(
            f"warning: {count} workers may take {count * need_mb / 1024:.1f} GB, and {(available or 0) / 1024:.1f} GB "
            "are free: the system may end some of them; give fewer --workers (0: as many as fit)",
            sys.stderr,
        )
    return count
