"""Run the cases of a command line and write their tables, also when the run is cut short."""

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from .. import __version__
from ..cohort import log_text, outcome_lines, run_cohort, write_tables
from ..pipeline import Outcome
from ..provenance import Run, peak_memory_kb
from ..qa import read_population
from ..segmentation import ANTERIOR_COMMISSURE, Options, Predictor
from ..store import find_model
from ..weights import read_weights
from .plan import Plan, make_plan
from .progress import show_progress

ALL_DONE, SOME_FAILED, INTERRUPTED = 0, 1, 130

SEVEN_TESLA_PERCENTILE = 99.9

CITATION = """\
If you use these results, please cite: Greve DN, Billot B, Cordero D, Hoopes A, Hoffmann M, Dalca AV, Fischl B,
Iglesias JE, Augustinack JC (2021). A deep learning toolbox for automatic segmentation of subcortical limbic
structures from MRI images. NeuroImage 244:118610."""


def run(args: argparse.Namespace, argv: Sequence[str]) -> int:
    """Do what the parsed flags ask for; returns the exit status.

    Raises
    ------
    SclimbicError
        If nothing can be run: no cases, no weights, or weights that do not fit.
    """
    plan = make_plan(args)
    spec = find_model(args.model, args.ctab, fov=args.fov, features=args.features, channels=args.nchannels)
    read_weights(spec)  # a file that does not fit is refused before the first case
    this_run = Run(spec, ("mri_sclimbic_seg", *argv), args.threads)
    if not args.quiet:
        count = f"{len(plan.cases)} case{'s' if len(plan.cases) != 1 else ''}"
        print(f"fs_sclimbic {__version__}: {count}, weights {spec.name} ({spec.origin})", flush=True)

    def load() -> Predictor:
        # Loads Keras; not before a case needs it.
        from ..nn.predictor import KerasPredictor

        return KerasPredictor(spec, args.threads, args.cuda_device)

    status = _run_plan(args, plan, load, options_of(args), this_run)
    if args.vmp:
        print(f"vmpcma: {peak_memory_kb()}")
    if not args.no_cite_sclimbic and not args.quiet:
        print(f"\n{CITATION}")
    return status


def options_of(args: argparse.Namespace) -> Options:
    """The options of the computation that the flags ask for."""
    commissure = frozenset() if args.keep_ac else frozenset({ANTERIOR_COMMISSURE})
    return Options(
        conform=args.conform,
        percentile=SEVEN_TESLA_PERCENTILE if args.seven_tesla else args.percentile,
        voxel_counts=args.vox_count_volumes,
        exclude=frozenset(args.exclude) | commissure,
        population=read_population(args.population_stats),
        redo=args.redo,
    )


def _run_plan(
    args: argparse.Namespace, plan: Plan, load: Callable[[], Predictor], options: Options, this_run: Run
) -> int:
    def log(*lines: str) -> None:
        if plan.log is not None:
            log_text(plan.log, lines)

    log(*this_run.log_header())
    outcomes: list[Outcome] = []
    interrupted = False
    try:
        with _sigterm_interrupts():
            coming = run_cohort(plan.cases, load, options, this_run)
            for outcome in show_progress(coming, len(plan.cases), args.quiet, args.debug):
                outcomes.append(outcome)
                log(*outcome_lines(outcome))
    except KeyboardInterrupt:
        interrupted = True

    tables_lost = False
    try:
        for path in write_tables(plan.tables, outcomes, options.population):
            log(f"wrote {path}")
    except OSError as error:
        tables_lost = True
        print(
            f"mri_sclimbic_seg: error: {error.filename}: table cannot be written ({error.strerror}); the results of "
            "the cases are safe, give the same command again to write the tables",
            file=sys.stderr,
        )
    count = {status: sum(outcome.status == status for outcome in outcomes) for status in ("done", "skipped", "failed")}
    summary = ", ".join(f"{number} {status}" for status, number in count.items())
    if interrupted:
        summary += f", {len(plan.cases) - len(outcomes)} not run: interrupted; give the same command again to go on"
    log(summary)
    if interrupted or (len(plan.cases) > 1 and not args.quiet):
        print(summary, file=sys.stderr if interrupted else sys.stdout)
    if interrupted:
        return INTERRUPTED
    return SOME_FAILED if count["failed"] or tables_lost else ALL_DONE


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """A scheduler's SIGTERM ends the run as Ctrl-C does: the tables are still written."""
    if threading.current_thread() is not threading.main_thread():  # only there may signals be handled
        yield
        return

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
