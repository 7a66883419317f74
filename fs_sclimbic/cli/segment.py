"""mri_sclimbic_seg: segment images, folders of images, and recon-all subjects."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from .. import __version__

if TYPE_CHECKING:
    from ..pipeline import Options, Outcome
    from ..provenance import Run
    from ..subject import Case
    from ..tables import Table

ALL_DONE, SOME_FAILED, BAD_USAGE, INTERRUPTED = 0, 1, 2, 130

DESCRIPTION = """\
Segment the nucleus accumbens, hypothalamus, fornix, mammillary bodies, septal nuclei, basal forebrain and
anterior commissure in T1-weighted MRI, and measure their volumes."""

EPILOG = """\
examples:
  mri_sclimbic_seg --i t1.nii.gz --o seg.mgz --conform --write_volumes
  mri_sclimbic_seg --i images --o results --conform --write_qa_stats
  mri_sclimbic_seg --s bert ernie --write_qa_stats       (subjects of SUBJECTS_DIR; no name: all of them)

Results appear whole or not at all. A case that fails is reported and costs no other. A case that is done is
skipped when the same command is given again, so an interrupted run goes on where it stopped.

exit status: 0 all cases done, 1 a case failed, 2 the command line makes no sense, 130 interrupted"""

CITATION = """\
If you use these results, please cite: Greve DN, Billot B, Cordero D, Hoopes A, Hoffmann M, Dalca AV, Fischl B,
Iglesias JE, Augustinack JC (2021). A deep learning toolbox for automatic segmentation of subcortical limbic
structures from MRI images. NeuroImage 244:118610."""


def build_parser() -> argparse.ArgumentParser:
    """The command line of mri_sclimbic_seg."""
    parser = argparse.ArgumentParser(prog="mri_sclimbic_seg", description=DESCRIPTION, epilog=EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument_group("input and output").add_argument
    add("-i", "--i", metavar="PATH", help="T1-weighted image (.mgz .mgh .nii .nii.gz), or a folder of them")
    add("-o", "--o", metavar="PATH", help="output segmentation, or output folder for a folder")
    add("-s", "--s", metavar="SUBJ", nargs="*", help="recon-all subjects, also patterns like '*.long.*'; no name: every subject with mri/nu.mgz")
    add("--sd", metavar="DIR", help="subjects directory (default: SUBJECTS_DIR)")
    add("--output-base", metavar="NAME", default="sclimbic", help="stands for 'sclimbic' in the names of outputs (default: sclimbic)")
    add("--redo", action="store_true", help="run cases again that are done with the same input and settings")

    add = parser.add_argument_group("further outputs").add_argument
    add("--write_posteriors", "--write-posteriors", action="store_true", help="write the posteriors (4-D, one frame a label, cropped)")
    add("--write_volumes", "--write-volumes", action="store_true", help="write a stats file for each image (always on for subjects)")
    add("--write_qa_stats", "--write-qa-stats", action="store_true", help="write QA stats for each case, and tables of z scores and confidences")

    add = parser.add_argument_group("image").add_argument
    add("--conform", action="store_true", help="accept images that are not 1 mm isotropic")
    add("--percentile", metavar="P", type=float, help="top of the intensity range is the P-th percentile of the non-zero voxels (default: the maximum)")
    add("--7T", dest="seven_tesla", action="store_true", help="same as --percentile 99.9")

    add = parser.add_argument_group("volumes").add_argument
    add("--etiv", action="store_true", help="add eTIV; needs --tal for images, always on for subjects")
    add("--no-etiv", action="store_true", help="subjects without eTIV: a missing transform is no failure then")
    add("--tal", metavar="XFM", help="transform to MNI305 (.xfm, .lta) for eTIV: a file; for a folder a suffix (<case><suffix> beside the image); "
                                    "for subjects a path inside the subject")
    add("--exclude", metavar="ID", nargs="+", type=int, default=[], help="SegIds to leave out of stats and tables")
    add("--keep_ac", "--keep-ac", action="store_true", help="keep the anterior commissure (853) in stats and tables")
    add("--vox-count-volumes", "--vox_count_volumes", action="store_true", help="volumes from voxel counts instead of posteriors")
    add("--population-stats", "--population_stats", metavar="CSV", help="mean and sd of volumes for z scores (default: 39 manually labelled brains)")

    add = parser.add_argument_group("model").add_argument
    add("--model", metavar="H5", help="weights (default: FreeSurfer's, installed or shipped ones; see fs_sclimbic model list)")
    add("--ctab", metavar="FILE", help="colour table, one row an output channel of the model")
    add("--fov", metavar="N", type=int, default=160, help="edge of the network's box in mm (default: 160)")
    add("--features", metavar="N", type=int, default=24, help="features of the network's first level (default: 24)")
    add("--nchannels", metavar="N", type=int, default=1, help="input channels of the network (default: 1)")

    add = parser.add_argument_group("running").add_argument
    add("--threads", metavar="N", type=int, default=1, help="processor threads (default: 1)")
    add("--cuda-device", metavar="D", help="run on this CUDA device (default: the processor)")
    add("--logfile", metavar="F", help="log file; a bare name lies in the output folder, or in each subject's scripts "
                                       "(default: mri_sclimbic.log, scripts/sclimbic.log)")
    add("--quiet", action="store_true", help="print only failures and warnings")
    add("--debug", action="store_true", help="print details and tracebacks")
    add("--vmp", action="store_true", help="print the peak of virtual memory at the end")
    add("--no-cite-sclimbic", action="store_true", help="do not print the citation")
    add("--version", action="version", version=f"fs_sclimbic {__version__}")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run mri_sclimbic_seg.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the program's name; by default those of this process.

    Returns
    -------
    int
        0 all cases done, 1 a case failed, 2 the command line makes no sense, 130 interrupted.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    parser = build_parser()
    if not argv:
        parser.print_help()
        return SOME_FAILED
    try:
        args = parser.parse_args(argv)
        _check(args)
    except argparse.ArgumentError as error:
        parser.print_usage(sys.stderr)
        print(f"mri_sclimbic_seg: error: {error.message}", file=sys.stderr)
        return BAD_USAGE
    except SystemExit as stop:  # argparse has printed help, version or its own error
        return int(stop.code or 0)

    # After parsing, so that --help and a wrong flag answer at once.
    from ..errors import SclimbicError, UsageError

    logging.basicConfig(level=logging.DEBUG if args.debug else logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    for talkative in ("h5py", "absl", "tensorflow", "urllib3"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    try:
        return _run(args, argv)
    except UsageError as error:
        print(f"mri_sclimbic_seg: error: {error}", file=sys.stderr)
        return BAD_USAGE
    except SclimbicError as error:
        print(f"mri_sclimbic_seg: error: {error}", file=sys.stderr)
        return SOME_FAILED


def _check(args: argparse.Namespace) -> None:
    """Refuse combinations that mean nothing."""
    def wrong(message: str) -> None:
        raise argparse.ArgumentError(None, message)

    if args.i and args.s is not None:
        wrong("--i and --s exclude each other: give images or subjects")
    if not args.i and args.s is None:
        wrong("give --i IMAGE|FOLDER with --o, or --s SUBJECT ...")
    if args.i and not args.o:
        wrong("--i needs --o: the output file, or the output folder for a folder")
    if args.s is not None and args.o:
        wrong("--o goes with --i; the results of subjects are written into their folders")
    if args.i and args.sd:
        wrong("--sd goes with --s")
    if args.i and args.etiv and not args.tal:
        wrong("--etiv on an image needs --tal XFM; eTIV without a transform is not computed by this version")
    if args.no_etiv and (args.etiv or args.tal):
        wrong("--no-etiv contradicts --etiv and --tal")
    if args.threads < 1:
        wrong(f"--threads {args.threads}: give a positive number")
    if args.percentile is not None and not 0 < args.percentile <= 100:
        wrong(f"--percentile {args.percentile:g}: give a number above 0, up to 100")
    if args.seven_tesla and args.percentile not in (None, 99.9):
        wrong(f"--7T means --percentile 99.9, --percentile {args.percentile:g} was given too")
    if not args.output_base or os.sep in args.output_base:
        wrong(f"--output-base '{args.output_base}': give a name without folders")


def _run(args: argparse.Namespace, argv: Sequence[str]) -> int:
    from ..model import ModelSpec
    from ..pipeline import ANTERIOR_COMMISSURE, Options, Predictor
    from ..provenance import Run, peak_memory_kb
    from ..qa import read_population
    from ..store import find_model
    from ..weights import read_weights

    cases, tables, run_log = _plan(args)
    spec: ModelSpec = find_model(args.model, args.ctab, fov=args.fov, features=args.features, channels=args.nchannels)
    read_weights(spec)  # a file that does not fit is refused before anything is read or written
    options = Options(
        conform=args.conform, percentile=99.9 if args.seven_tesla else args.percentile, voxel_counts=args.vox_count_volumes,
        exclude=frozenset(args.exclude) | (frozenset() if args.keep_ac else frozenset({ANTERIOR_COMMISSURE})),
        population=read_population(args.population_stats), redo=args.redo)
    run = Run(spec, ("mri_sclimbic_seg", *argv), args.threads)

    def load() -> Predictor:
        from ..nn.predictor import KerasPredictor

        return KerasPredictor(spec, args.threads, args.cuda_device)

    if not args.quiet:
        print(f"fs_sclimbic {__version__}: {len(cases)} case{'s' if len(cases) != 1 else ''}, weights {spec.name} ({spec.origin})", flush=True)
    status = _work(args, cases, load, options, run, tables, run_log)
    if args.vmp:
        print(f"vmpcma: {peak_memory_kb()}")
    if not args.no_cite_sclimbic and not args.quiet:
        print(f"\n{CITATION}")
    return status


def _plan(args: argparse.Namespace) -> "tuple[list[Case], list[tuple[Path, Table]], Path | None]":
    """Cases, tables with their files, and the log of the run, for the three modes."""
    from ..errors import UsageError
    from ..subject import DEFAULT_LOG, Requests, find_subjects, folder_cases, image_case, subject_case
    from ..tables import CONFIDENCE, CONFIDENCES, VOLUMES, Z_SCORES, table_files
    from ..volume import image_suffix

    requests = Requests(args.write_posteriors, args.write_volumes, args.write_qa_stats)
    base, qa = args.output_base, args.write_qa_stats
    named_log = Path(args.logfile) if args.logfile else None
    log_is_bare = named_log is not None and named_log.parent == Path()

    if args.s is not None:
        subjects_dir = args.sd or os.environ.get("SUBJECTS_DIR")
        if not subjects_dir:
            raise UsageError("--s needs a subjects directory: give --sd DIR or set SUBJECTS_DIR")
        names = find_subjects(Path(subjects_dir), args.s)
        cases = [subject_case(Path(subjects_dir), name, requests, base=base, transform=args.tal, etiv=not args.no_etiv,
                              log=args.logfile if log_is_bare else None) for name in names]
        tables = ([VOLUMES] if len(cases) > 1 else []) + ([Z_SCORES, CONFIDENCES, CONFIDENCE] if qa else [])
        return cases, table_files(Path(subjects_dir) / base, "_", tables), None if log_is_bare else named_log

    source, target = Path(args.i), Path(args.o)
    if source.is_dir():
        if image_suffix(target) or target.is_file():
            raise UsageError(f"--i {source} is a folder, so --o must be a folder too, not {target}")
        cases = folder_cases(source, target, requests, base=base, transform_suffix=args.tal)
        tables = [VOLUMES] + ([Z_SCORES, CONFIDENCES, CONFIDENCE] if qa else [])
        files, folder = table_files(target / base, "_", tables), target
    else:
        if target.is_dir() or not image_suffix(target):
            raise UsageError(f"--i {source} is an image, so --o must name an image (.mgz .mgh .nii .nii.gz), not {target}")
        if not source.exists() and not image_suffix(source):
            raise UsageError(f"--i {source}: no such image or folder")
        if source.exists() and target.exists() and source.samefile(target):
            raise UsageError(f"--o {target} is the input image itself; name another file")
        case = image_case(source, target, requests, base=base, transform=Path(args.tal) if args.tal else None)
        cases = [case]
        files, folder = table_files(target.parent / case.name, ".", [Z_SCORES, CONFIDENCES] if qa else []), target.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--o {target}: {folder} cannot be made ({error.strerror})") from error
    return cases, files, named_log if named_log and not log_is_bare else folder / (named_log or DEFAULT_LOG)


def _work(args: argparse.Namespace, cases: "list[Case]", load, options: "Options", run: "Run",  # type: ignore[no-untyped-def]
          tables: "list[tuple[Path, Table]]", run_log: Path | None) -> int:
    """Run the cases and write the tables, also when the run is cut short."""
    from ..cohort import log_text, outcome_lines, run_cohort, write_tables
    from .progress import show_progress

    def log(*lines: str) -> None:
        if run_log is not None:
            log_text(run_log, lines)

    log(*run.log_header())
    outcomes: list[Outcome] = []
    interrupted = False
    previous = signal.signal(signal.SIGTERM, _stop) if _in_main_thread() else None
    try:
        for outcome in show_progress(run_cohort(cases, load, options, run), len(cases), args.quiet, args.debug):
            outcomes.append(outcome)
            log(*outcome_lines(outcome))
    except KeyboardInterrupt:
        interrupted = True
    finally:
        if previous is not None:
            signal.signal(signal.SIGTERM, previous)

    tables_lost = False
    try:
        for path in write_tables(tables, outcomes, options.population):
            log(f"wrote {path}")
    except OSError as error:
        tables_lost = True
        print(f"mri_sclimbic_seg: error: tables cannot be written ({error.filename}: {error.strerror}); the results of the cases are "
              "safe, run the same command again to write the tables", file=sys.stderr)
    failed = sum(outcome.status == "failed" for outcome in outcomes)
    skipped = sum(outcome.status == "skipped" for outcome in outcomes)
    summary = f"{len(outcomes) - failed - skipped} done, {skipped} skipped, {failed} failed"
    if interrupted:
        summary += f", {len(cases) - len(outcomes)} not run: interrupted; give the same command again to go on"
    log(summary)
    if len(cases) > 1 and not args.quiet or interrupted:
        print(summary, file=sys.stderr if interrupted else sys.stdout)
    return INTERRUPTED if interrupted else SOME_FAILED if failed or tables_lost else ALL_DONE


def _in_main_thread() -> bool:
    import threading

    return threading.current_thread() is threading.main_thread()


def _stop(_signal: int, _frame: FrameType | None) -> None:
    """A scheduler's SIGTERM ends the run like Ctrl-C does: tables are written first."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
