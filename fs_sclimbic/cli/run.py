"""Do what a command line asks for: cases, weights, options, then the run."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from .._version import __version__
from ..cases.case_picture import DrawPicture
from ..cases.cohort import DEFAULT_FINDERS, run_cohort
from ..cases.file_names import check_file_names
from ..cases.pipeline import HeadFinders, Outcome
from ..cases.protection import ADVICE, ADVICE_OF_IMAGE, MAX_OTHERS, check_study, spread
from ..cases.run import Run
from ..cases.study_weights import claim_study
from ..cases.tables import lock_file_of
from ..errors import UsageError
from ..files.resources import data_file
from ..files.staging import remove_leftovers
from ..files.system import peak_memory_kb
from ..image.labels import DEFAULT_CTAB, ColorTable
from ..network.predictor import NetworkPredictor, choose_engine
from ..network.spec import ModelSpec
from ..network.store import PUBLISHED_NAME, SHIPPED, advice, find_model, models_folder
from ..network.weights import read_weights
from ..notice import Notice
from ..qc.case_picture import encode_case_picture
from ..segmentation.local_prediction import Predictor
from ..segmentation.options import ANTERIOR_COMMISSURE_ID, HIGH_FIELD_PERCENTILE, Options
from ..segmentation.population import PopulationFile, read_population
from ..segmentation.preset import PRESETS, STUDY_PRESET
from .arguments import ALL_DONE, INTERRUPTED
from .plan import Plan, make_plan
from .progress import say, show_progress
from .run_cases import run_plan
from .workplace import run_elsewhere, runs_elsewhere

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
    plan: Plan | None = None,
    program: Sequence[str] = ("mri_sclimbic_seg",),
    finish_case: Callable[[Outcome], Outcome] | None = None,
    draw: DrawPicture = encode_case_picture,
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
    plan : Plan, optional
        What the command line asks for, if its cases are found otherwise than by `make_plan`.
    program : sequence of str
        The command, for the provenance.
    finish_case : callable, optional
        Is given each outcome, writes what else belongs to the case, and returns the outcome of that.
    draw : callable
        Draws the pictures of cases.

    Returns
    -------
    int
        The exit status.

    Raises
    ------
    SclimbicError
        If nothing can be run: no cases, no weights, or weights that do not fit.
    """
    plan = plan or make_plan(args)
    spec = find_model(args.model, args.ctab, fov=args.fov, features=args.features, channels=args.nchannels)
    weights = read_weights(spec)  # a file that does not fit is an error before the first case
    options = options_of(args).with_norms_of(spec.sha256)
    _check_labels(spec.colors, options, z_scores=args.write_qa_stats)
    _prepare_folder(plan)
    engine = choose_engine(args.engine, args.cuda_device)
    this_run = Run(
        spec,
        (*program, *argv),
        threads=args.threads,
        engine=engine,
        precision=args.precision,
        ctab=Path(args.ctab).absolute() if args.ctab else data_file(*DEFAULT_CTAB),
        wait_for_recon_all=args.wait_for_recon_all,
        model_is_named=args.model is not None,
    )
    _protect(plan, this_run, options)
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
        case = f"{notice.case}: " if notice.case else ""
        say(f"{case}{notice.severity}: {notice.text}", sys.stderr)

    if runs_elsewhere(args):
        coming = run_elsewhere(
            args, plan.cases, options, this_run, make=load_predictor, finders=finders, tell=tell, draw=draw
        )
    else:
        coming = run_cohort(plan.cases, load, options, this_run, finders=finders, tell=tell, draw=draw)
    if finish_case:
        coming = map(finish_case, coming)
    show = partial(show_progress, total=len(plan.cases), quiet=args.quiet, debug=args.debug, told=told)
    status, has_results = run_plan(
        plan, coming, show, options, this_run, header=_log_header(args, plan, spec), quiet=args.quiet
    )
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
    locks = [lock_file_of(path) for path in tables] if plan.study else []
    check_file_names([*tables, *locks, *([plan.log] if plan.log else [])])
    remove_leftovers([models_folder()])  # folders of results: when the first file is written there


def _protect(plan: Plan, this_run: Run, options: Options) -> None:
    """Refuse a run that would replace or mix results of other weights or settings; nothing is done before."""
    everyone = plan.everyone or tuple(plan.cases)
    ours_first = {case.name: case for case in (*plan.cases, *spread(everyone, MAX_OTHERS))}
    check_study(list(ours_first.values()), this_run, options, advice=ADVICE if plan.study else ADVICE_OF_IMAGE)
    if plan.study:
        ours = frozenset(case.name for case in everyone)
        others = partial(plan.study.records, without=ours)
        claim_study(plan.study.weights_file, this_run, others, redo=options.redo)


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


def _log_header(args: argparse.Namespace, plan: Plan, spec: ModelSpec) -> list[str]:
    """What `_introduce` says, for the log."""
    hint = advice(spec)
    notes = [*([hint] if hint else []), *args.notes, *plan.notes]
    return [*(f"note {note}" for note in notes), *(f"warning: {warning}" for warning in _weights_warnings(spec))]


def options_of(args: argparse.Namespace) -> Options:
    """The options of the computation that the flags ask for."""
    commissure = frozenset() if args.keep_ac else frozenset({ANTERIOR_COMMISSURE_ID})
    options = Options(
        conform=args.conform,
        percentile=HIGH_FIELD_PERCENTILE if args.seven_tesla else args.percentile,
        voxel_counts=args.vox_count_volumes,
        exclude=frozenset(args.exclude) | commissure,
        population=read_population(args.population_stats) if args.population_stats else PopulationFile(),
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
