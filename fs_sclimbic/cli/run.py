"""Run the cases of a command line and write their tables, also when the run is cut short."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import chain
from pathlib import Path

from .._version import __version__
from ..cases.case_log import outcome_lines, write_log
from ..cases.cohort import DEFAULT_FINDERS, run_cohort
from ..cases.file_names import check_file_names
from ..cases.pipeline import HeadFinders, Outcome
from ..cases.record import read_record
from ..cases.run import Run
from ..cases.tables import case_names, cases_with_other_columns, lock_file_of, write_tables
from ..cases.verdicts import describe_verdicts, verdict_of
from ..errors import SclimbicError, UsageError
from ..files.resources import data_file
from ..files.staging import remove_leftovers
from ..files.system import peak_memory_kb
from ..image.labels import DEFAULT_CTAB, ColorTable
from ..network.predictor import NetworkPredictor, choose_engine
from ..network.spec import ModelSpec
from ..network.store import PUBLISHED_NAME, SHIPPED, advice, find_model, models_folder
from ..network.weights import read_weights
from ..notice import Notice
from ..qc.judge_cohort import add_cohort_flags
from ..segmentation.local_prediction import Predictor
from ..segmentation.options import ANTERIOR_COMMISSURE_ID, HIGH_FIELD_PERCENTILE, Options
from ..segmentation.population import read_population
from ..segmentation.preset import PRESETS, STUDY_PRESET
from .arguments import ALL_DONE, INTERRUPTED, SOME_FAILED
from .guard import signals_ask, signals_interrupt
from .plan import Plan, make_plan
from .progress import say, show_progress

MIXED_SETTINGS = {
    "weights_sha256": "rows were made with other weights than {spec.name}",
    "percentile": "rows were made with another top of the intensity range",
    "low_percentile": "rows were made with another bottom of the intensity range",
    "average_shifts": "rows were made with another number of starts",
}
"""Settings that all rows of a table should share, and what is said where they do not."""

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
    _prepare_folder(plan)
    engine = choose_engine(args.engine, args.cuda_device)
    this_run = Run(
        spec,
        ("mri_sclimbic_seg", *argv),
        threads=args.threads,
        engine=engine,
        precision=args.precision,
        ctab=Path(args.ctab).absolute() if args.ctab else data_file(*DEFAULT_CTAB),
    )
    _introduce(args, plan, spec)
    load = partial(  # called when the first case needs it: it loads the engine's libraries
        load_predictor,
        spec,
        threads=args.threads,
        device=args.cuda_device,
        engine=args.engine,
        precision=args.precision,
        weights=weights,
    )
    told: set[tuple[str | None, str]] = set()

    def tell(notice: Notice) -> None:
        told.add((notice.case, notice.text))
        say(f"{notice.case}: {notice.severity}: {notice.text}", sys.stderr)

    coming = run_cohort(plan.cases, load, options, this_run, finders=finders, tell=tell)
    show = partial(show_progress, total=len(plan.cases), quiet=args.quiet, debug=args.debug, told=told)
    status, has_results = _run_plan(args, plan, coming, show, options, this_run)
    if args.vmp:
        say(f"vmpcma: {peak_memory_kb()}")
    if not args.no_cite_sclimbic and not args.quiet and status != INTERRUPTED and has_results:
        say(f"\n{CITATION}")
    if status == ALL_DONE and not args.quiet:
        say("done")  # scripts look at the last line
    return status


def _prepare_folder(plan: Plan) -> None:
    """Make the folder of the tables, and check what can be checked before the first case."""
    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{plan.folder}: output folder cannot be made ({error.strerror})") from error
    tables = [path for path, _ in plan.tables]
    locks = [lock_file_of(path) for path in tables] if plan.update_tables else []
    check_file_names([*tables, *locks, *([plan.log] if plan.log else [])])
    remove_leftovers([models_folder()])  # folders of results: when the first file is written there


def _introduce(args: argparse.Namespace, plan: Plan, spec: ModelSpec) -> None:
    """Say what is run, with which weights, and what is to be known about that."""
    for warning in _weights_warnings(spec):
        say(f"warning: {warning}", sys.stderr)
    if not args.quiet:
        count = f"{len(plan.cases)} case{'s' if len(plan.cases) != 1 else ''}"
        say(f"fs_sclimbic {__version__}: {count}, weights {spec.name} ({spec.origin})")
        if hint := advice(spec):
            say(f"note: {hint}")
        for note in (*args.notes, *plan.notes):
            say(f"note: {note}")


def options_of(args: argparse.Namespace) -> Options:
    """The options of the computation that the flags ask for."""
    commissure = frozenset() if args.keep_ac else frozenset({ANTERIOR_COMMISSURE_ID})
    options = Options(
        conform=args.conform,
        percentile=HIGH_FIELD_PERCENTILE if args.seven_tesla else args.percentile,
        voxel_counts=args.vox_count_volumes,
        exclude=frozenset(args.exclude) | commissure,
        population=read_population(args.population_stats),
        full_fov=args.full_fov,
        average_shifts=1 if args.average_shifts is None else args.average_shifts,
        redo=args.redo,
        without_etiv=args.no_etiv,
    )
    return replace(options, **asdict(PRESETS[STUDY_PRESET])) if args.preset == STUDY_PRESET else options


def _weights_warnings(spec: ModelSpec) -> Iterator[str]:
    """Warn of the shipped weights where FreeSurfer's are to be expected: a script may believe that it has them."""
    home = os.environ.get("FREESURFER_HOME")
    if home and spec.origin == SHIPPED:
        yield (
            f"FREESURFER_HOME is {home}, but it holds no models/{PUBLISHED_NAME}: the shipped weights are used, and "
            "the numbers are not the published ones (--model FILE or 'fs_sclimbic model install FILE' gives others)"
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


def _run_plan(
    args: argparse.Namespace,
    plan: Plan,
    coming: Iterator[Outcome],
    show: Callable[[Iterator[Outcome]], Iterator[Outcome]],
    options: Options,
    this_run: Run,
) -> tuple[int, bool]:
    """Run the cases and write their tables, however the run ends; the exit status, and whether a case has results."""

    def log(*lines: str) -> None:
        if plan.log is not None:
            write_log(plan.log, lines)

    hint = advice(this_run.spec)
    notes = [*([hint] if hint else []), *args.notes, *plan.notes]
    log(
        *this_run.log_header(),
        *(f"note {note}" for note in notes),
        *(f"warning: {warning}" for warning in _weights_warnings(this_run.spec)),
    )
    outcomes: list[Outcome] = []

    def record() -> Iterator[Outcome]:
        for outcome in coming:
            outcomes.append(outcome)
            log(*outcome_lines(outcome))
            yield outcome

    interrupted = False
    lost: Exception | None = None
    with signals_interrupt():
        try:
            for _ in show(record()):  # logged before it is shown: nothing on the screen costs a case its row
                pass
        except KeyboardInterrupt:
            interrupted = True
        except Exception as error:  # no model, or a fault: what was done before still gets its tables
            lost = error
            log(str(error) if isinstance(error, SclimbicError) else f"{type(error).__name__}: {error}")
        with signals_ask() as asked:  # the tables are still written
            outcomes = add_cohort_flags(outcomes)
            tables_written = _write_tables(plan, outcomes, options, log)
        interrupted = interrupted or asked()
    if plan.update_tables and tables_written:
        for line in (*_mixed_settings(plan, this_run.spec), *_mixed_columns(plan)):
            log(f"warning: {line}")
            say(f"warning: {line}", sys.stderr)

    count = {status: sum(outcome.status == status for outcome in outcomes) for status in ("done", "skipped", "failed")}
    summary = ", ".join(f"{number} {status}" for status, number in count.items())
    if len(outcomes) < len(plan.cases):
        summary += f", {len(plan.cases) - len(outcomes)} not run"
    if interrupted:
        summary += ": interrupted; give the same command again to go on"
    verdicts = [verdict_of(outcome) for outcome in outcomes if outcome.stats is not None]
    judged = describe_verdicts(verdicts) if verdicts else ""
    log(summary, *([judged] if judged else []))
    if interrupted or (len(plan.cases) > 1 and not args.quiet):
        say(summary, sys.stderr if interrupted else sys.stdout)
    if judged and not args.quiet:
        say(judged)
    if lost:
        raise lost
    has_results = count["failed"] < len(outcomes)
    if interrupted:
        return INTERRUPTED, has_results
    return SOME_FAILED if count["failed"] or not tables_written else ALL_DONE, has_results


def _mixed_settings(plan: Plan, spec: ModelSpec) -> Iterator[str]:
    """Find tables that got one subject's row and hold rows made with other weights, or another preset."""
    (case,) = plan.cases
    ours = read_record(case.outputs.record)
    record_of = case.outputs.record.relative_to(plan.folder / case.name)
    if ours is None:
        return
    texts = {path: path.read_text("utf-8", "surrogateescape") for path, _ in plan.tables if path.exists()}
    rows = {path: case_names(text) for path, text in texts.items()}
    # Once each: thousands of records, over a network, in each of thousands of jobs.
    records = {name: read_record(plan.folder / name / record_of) for name in {*chain.from_iterable(rows.values())}}
    for path, names in rows.items():
        others: dict[str, list[str]] = {}
        for name in names:
            record = records[name]
            for key, words in MIXED_SETTINGS.items():
                if record and record.settings.get(key) != ours.settings.get(key):
                    others.setdefault(words.format(spec=spec), []).append(name)
        for words, cases in others.items():
            yield (
                f"{path}: {len(cases)} of {len(names)} {words} "
                f"({', '.join(cases[:5])}{' ...' if len(cases) > 5 else ''}); run them again with the same settings"
            )


def _mixed_columns(plan: Plan) -> Iterator[str]:
    """Find tables that got one subject's row and hold rows with other columns."""
    for path, _ in plan.tables:
        text = path.read_text("utf-8", "surrogateescape") if path.exists() else ""
        if others := cases_with_other_columns(text):
            yield (
                f"{path}: {len(others)} rows have empty cells ({', '.join(others[:5])}"
                f"{' ...' if len(others) > 5 else ''}): they were made with other structures or other flags than this "
                "one; run them again with the same command line"
            )


def _write_tables(plan: Plan, outcomes: Sequence[Outcome], options: Options, log: Callable[..., None]) -> bool:
    """Write the tables, and warn where one cannot be written or is old; returns whether all could be written."""

    def warn(text: str) -> None:
        log(f"warning: {text}")
        say(f"warning: {text}", sys.stderr)

    try:
        written = write_tables(plan.tables, outcomes, options.population, update=plan.update_tables, warn=warn)
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
