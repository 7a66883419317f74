"""Run the cases of a command line and write their tables, also when the run is cut short."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from .._version import __version__
from ..cases.case_log import outcome_lines, write_log
from ..cases.cohort import DEFAULT_FINDERS, run_cohort
from ..cases.pipeline import HeadFinders, Outcome
from ..cases.record import read_record
from ..cases.run import Run
from ..cases.tables import case_names, write_tables
from ..errors import SclimbicError, UsageError
from ..files.system import peak_memory_kb
from ..image.labels import ColorTable
from ..network.predictor import NetworkPredictor, choose_engine
from ..network.spec import ModelSpec
from ..network.store import advice, find_model
from ..network.weights import read_weights
from ..segmentation.local_prediction import Predictor
from ..segmentation.options import ANTERIOR_COMMISSURE_ID, HIGH_FIELD_PERCENTILE, Options
from ..segmentation.population import read_population
from .arguments import ALL_DONE, INTERRUPTED, SOME_FAILED
from .guard import signals_interrupt
from .plan import Plan, make_plan
from .progress import say, show_progress

CITATION = """\
If you use these results, please cite: Greve DN, Billot B, Cordero D, Hoopes A, Hoffmann M, Dalca AV, Fischl B,
Iglesias JE, Augustinack JC (2021). A deep learning toolbox for automatic segmentation of subcortical limbic
structures from MRI images. NeuroImage 244:118610."""


def run(
    args: argparse.Namespace,
    argv: Sequence[str],
    *,
    load_predictor: Callable[..., Predictor] = NetworkPredictor,
    finders: HeadFinders = DEFAULT_FINDERS,
) -> int:
    """Do what a command line asks for.

    Parameters
    ----------
    args : argparse.Namespace
        The parsed flags.
    argv : sequence of str
        The same, as they were given, for the provenance.
    load_predictor : callable
        Makes a predictor of a ModelSpec; the keywords are those of `NetworkPredictor`.
    finders : HeadFinders
        How heads are found in images.

    Returns
    -------
    int
        The exit status.

    Raises
    ------
    SclimbicError
        If nothing can be run: no cases, no weights, or weights that do not fit.
    """
    plan = make_plan(args)
    spec = find_model(args.model, args.ctab, fov=args.fov, features=args.features, channels=args.nchannels)
    weights = read_weights(spec)  # a file that does not fit is an error before the first case
    options = options_of(args)
    _check_labels(spec.colors, options, z_scores=args.write_qa_stats)
    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{plan.folder}: output folder cannot be made ({error.strerror})") from error
    engine = choose_engine(args.engine, args.cuda_device)
    this_run = Run(spec, ("mri_sclimbic_seg", *argv), threads=args.threads, engine=engine, precision=args.precision)
    if not args.quiet:
        count = f"{len(plan.cases)} case{'s' if len(plan.cases) != 1 else ''}"
        say(f"fs_sclimbic {__version__}: {count}, weights {spec.name} ({spec.origin})")
        if hint := advice(spec):
            say(f"note: {hint}")

    load = partial(  # called when the first case needs it: it loads the engine's libraries
        load_predictor,
        spec,
        threads=args.threads,
        device=args.cuda_device,
        engine=args.engine,
        precision=args.precision,
        weights=weights,
    )
    coming = run_cohort(plan.cases, load, options, this_run, finders=finders)
    status = _run_plan(args, plan, coming, options, this_run)
    if args.vmp:
        say(f"vmpcma: {peak_memory_kb()}")
    if not args.no_cite_sclimbic and not args.quiet and status != INTERRUPTED:
        say(f"\n{CITATION}")
    return status


def options_of(args: argparse.Namespace) -> Options:
    """The options of the computation that the flags ask for."""
    commissure = frozenset() if args.keep_ac else frozenset({ANTERIOR_COMMISSURE_ID})
    return Options(
        conform=args.conform,
        percentile=HIGH_FIELD_PERCENTILE if args.seven_tesla else args.percentile,
        voxel_counts=args.vox_count_volumes,
        exclude=frozenset(args.exclude) | commissure,
        population=read_population(args.population_stats),
        full_fov=args.full_fov,
        average_shifts=args.average_shifts,
        redo=args.redo,
        without_etiv=args.no_etiv,
    )


def _check_labels(colors: ColorTable, options: Options, z_scores: bool) -> None:
    """Warn of flags that have no effect for this model; it is an error if no structure is left to measure."""
    ids = {structure.index for structure in colors.foreground}
    unknown = options.exclude - ids - {ANTERIOR_COMMISSURE_ID}
    if unknown:
        say(f"warning: --exclude {' '.join(map(str, sorted(unknown)))}: not in the colour table", sys.stderr)
    if ids <= options.exclude:
        raise UsageError("--exclude leaves no structure to measure")
    if z_scores and not any(structure.name in options.population for structure in colors.foreground):
        say("warning: the population table has none of the model's structures: no z scores", sys.stderr)


def _run_plan(args: argparse.Namespace, plan: Plan, coming: Iterator[Outcome], options: Options, this_run: Run) -> int:
    def log(*lines: str) -> None:
        if plan.log is not None:
            write_log(plan.log, lines)

    hint = advice(this_run.spec)
    log(*this_run.log_header(), *([f"note {hint}"] if hint else []))
    outcomes: list[Outcome] = []
    interrupted, lost = False, None
    try:
        with signals_interrupt():  # the tables are still written
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
    """Find tables that got one subject's row and hold rows made with other weights."""
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
    """Write the tables, and warn where one cannot be written or is old; returns whether all could be written."""
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
