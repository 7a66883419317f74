"""Run the cases of a command line and write their tables, also when the run is cut short."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence

from .._version import __version__
from ..cases.cohort import log_text, outcome_lines, run_cohort, write_tables
from ..cases.pipeline import Outcome
from ..cases.record import read_record
from ..cases.run import Run
from ..cases.tables import case_names
from ..errors import SclimbicError, UsageError
from ..files.system import peak_memory_kb
from ..image.labels import ColorTable
from ..network.predictor import NetworkPredictor, choose_engine
from ..network.spec import ModelSpec
from ..network.store import advice, find_model
from ..network.weights import read_weights
from ..segmentation.local_prediction import Predictor
from ..segmentation.population import read_population
from ..segmentation.segment import ANTERIOR_COMMISSURE, Options
from .arguments import ALL_DONE, INTERRUPTED, SOME_FAILED
from .guard import signals_interrupt
from .plan import Plan, make_plan
from .progress import say, show_progress

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
    options = options_of(args)
    _check_labels(spec.colors, options, z_scores=args.write_qa_stats)
    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{plan.folder}: output folder cannot be made ({error.strerror})") from error
    engine = choose_engine(args.engine, args.cuda_device)
    this_run = Run(spec, ("mri_sclimbic_seg", *argv), args.threads, engine, args.precision)
    if not args.quiet:
        count = f"{len(plan.cases)} case{'s' if len(plan.cases) != 1 else ''}"
        say(f"fs_sclimbic {__version__}: {count}, weights {spec.name} ({spec.origin})")
        if hint := advice(spec):
            say(f"note: {hint}")

    def load() -> Predictor:
        # Loads the engine's libraries; not before a case needs it.
        return NetworkPredictor(spec, args.threads, args.cuda_device, args.engine, args.precision)

    status = _run_plan(args, plan, load, options, this_run)
    if args.vmp:
        say(f"vmpcma: {peak_memory_kb()}")
    if not args.no_cite_sclimbic and not args.quiet and status != INTERRUPTED:
        say(f"\n{CITATION}")
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
        full_fov=args.full_fov,
        average_shifts=args.average_shifts,
        redo=args.redo,
        without_etiv=args.no_etiv,
    )


def _check_labels(colors: ColorTable, options: Options, z_scores: bool) -> None:
    """Tell of flags that do nothing for this model, and refuse to measure nothing."""
    ids = {structure.index for structure in colors.foreground}
    unknown = options.exclude - ids - {ANTERIOR_COMMISSURE}
    if unknown:
        say(f"warning: --exclude {' '.join(map(str, sorted(unknown)))}: not in the colour table", sys.stderr)
    if ids <= options.exclude:
        raise UsageError("--exclude leaves no structure to measure")
    if z_scores and not any(structure.name in options.population for structure in colors.foreground):
        say("warning: the population table has none of the model's structures: no z scores", sys.stderr)


def _run_plan(
    args: argparse.Namespace, plan: Plan, load: Callable[[], Predictor], options: Options, this_run: Run
) -> int:
    def log(*lines: str) -> None:
        if plan.log is not None:
            log_text(plan.log, lines)

    hint = advice(this_run.spec)
    log(*this_run.log_header(), *([f"note {hint}"] if hint else []))
    outcomes: list[Outcome] = []
    interrupted, lost = False, None
    try:
        with signals_interrupt():  # the tables are still written
            coming = run_cohort(plan.cases, load, options, this_run)
            for outcome in show_progress(coming, len(plan.cases), args.quiet, args.debug):
                outcomes.append(outcome)
                log(*outcome_lines(outcome))
    except KeyboardInterrupt:
        interrupted = True
    except SclimbicError as error:  # no model: what was done before still gets its tables
        lost = error
        log(str(error))
    tables_written = _write_tables(plan, outcomes, options, log)
    if plan.update_tables and tables_written:
        for line in _mixed_weights(plan, this_run.spec):
            log(f"warning: {line}")
            say(f"warning: {line}", sys.stderr)

    count = {status: sum(outcome.status == status for outcome in outcomes) for status in ("done", "skipped", "failed")}
    summary = ", ".join(f"{number} {status}" for status, number in count.items())
    if len(outcomes) < len(plan.cases):
        summary += f", {len(plan.cases) - len(outcomes)} not run"
    if interrupted:
        summary += ": interrupted; give the same command again to go on"
    log(summary)
    if interrupted or (len(plan.cases) > 1 and not args.quiet):
        say(summary, sys.stderr if interrupted else sys.stdout)
    if lost:
        raise lost
    if interrupted:
        return INTERRUPTED
    return SOME_FAILED if count["failed"] or not tables_written else ALL_DONE


def _mixed_weights(plan: Plan, spec: ModelSpec) -> Iterator[str]:
    """Tables into which one subject's row was put, and that hold rows made with other weights."""
    (case,) = plan.cases
    record_of = case.outputs.record.relative_to(plan.folder / case.name)
    for path, _ in plan.tables:
        names = case_names(path.read_text("utf-8", "surrogateescape")) if path.exists() else []
        records = ((name, read_record(plan.folder / name / record_of)) for name in names if name != case.name)
        others = [name for name, record in records if record and record.settings.get("weights_sha256") != spec.sha256]
        if others:
            yield (
                f"{path}: {len(others)} of {len(names)} rows were made with other weights than {spec.name} "
                f"({', '.join(others[:5])}{' ...' if len(others) > 5 else ''}); run them again with the same weights"
            )


def _write_tables(plan: Plan, outcomes: Sequence[Outcome], options: Options, log: Callable[..., None]) -> bool:
    """Write the tables, and say so where they are lost or old; returns whether none is lost."""
    try:
        written = write_tables(plan.tables, outcomes, options.population, update=plan.update_tables)
    except OSError as error:
        say(
            f"mri_sclimbic_seg: error: {error.filename}: table cannot be written ({error.strerror or error}); the "
            "results of the cases are safe, give the same command again to write the tables",
            sys.stderr,
        )
        return False
    log(*(f"wrote {path}" for path in written))
    old = [path for path, _ in plan.tables if path.exists() and path not in written]
    if old:
        say(f"warning: no case is done, so {old[0]} is of an earlier run", sys.stderr)
    return True
