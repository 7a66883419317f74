"""fs_sclimbic bids: segment the T1 images of a BIDS dataset, and write BIDS derivatives."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .._version import __version__
from .arguments import (
    ALL_DONE,
    BAD_USAGE,
    INTERRUPTED,
    add_computation_flags,
)
from .flag_checks import check_computation_flags, refuse_long_dashes, settle_flags
from .guard import in_one_line
from .pipes import outlive_readers
from .spelling import spell_out
from .terminal import printable

if TYPE_CHECKING:
    from ..bids.participant_level import DatasetRequest

PROGRAM = "fs_sclimbic bids"
PARTICIPANT, GROUP = "participant", "group"
USAGE = """\
fs_sclimbic bids BIDS_DIR OUTPUT_DIR participant [options]
       fs_sclimbic bids BIDS_DIR OUTPUT_DIR group [options]"""

DESCRIPTION = """\
A BIDS App: segment the T1w images of a BIDS dataset (level participant), and make tables over all of them (level
group). BIDS_DIR is only read."""

EPILOG = """\
examples:
  fs_sclimbic bids study study/derivatives/sclimbic participant --preset study
  fs_sclimbic bids study study/derivatives/sclimbic group
  fs_sclimbic bids study out participant --participant-label 01 02 --session-id baseline
  fs_sclimbic bids study out participant --subjects-dir study/derivatives/freesurfer

Every T1w image of every session is a case, called by its entities: sub-01, sub-01_ses-1_run-2. Phase images, pieces,
images in a template's space, and all echoes but the first or their combination are left out. Of a derivative of
fMRIPrep the desc-preproc images are taken, or recon-all's nu.mgz and eTIV if its subjects are there.

The results are BIDS derivatives; stats, records and logs lie in OUTPUT_DIR/sourcedata/sclimbic, laid out as a
SUBJECTS_DIR. A case that fails costs no other; what is done is skipped when the command is given again.

exit status: 0 all cases done, 1 a case failed, 2 the command line makes no sense, 130 interrupted"""


# Of flags that mean something else for a dataset. Hidden ones are always on, refused, or change nothing.
DATASET_HELP = {
    "--conform": argparse.SUPPRESS,
    "--etiv": argparse.SUPPRESS,
    "--tal": argparse.SUPPRESS,
    "--write_tables": argparse.SUPPRESS,
    "--etiv-from-image": "compute eTIV from the image also where recon-all's transform is there",
    "--no-etiv": "no eTIV from images; recon-all's transform may be missing",
    "--part": "run the I-th of N parts of the cases, as a task of an array job: "
    "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT; the level group writes the tables when all are done",
    "--logfile": "one log for all cases too, relative to OUTPUT_DIR/sourcedata/sclimbic",
}


def build_parser() -> argparse.ArgumentParser:
    """The command line of fs_sclimbic bids."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        usage=USAGE,
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("bids_dir", metavar="BIDS_DIR", help="the dataset; for the group level it need not be there")
    parser.add_argument("output_dir", metavar="OUTPUT_DIR", help="folder of the derivatives")
    parser.add_argument("analysis_level", metavar="participant|group", choices=(PARTICIPANT, GROUP))
    _add_dataset_flags(parser)
    add_computation_flags(parser, DATASET_HELP)
    parser.add_argument("-v", action="version", version=f"fs_sclimbic {__version__}", help="same as --version")
    return parser


def _add_dataset_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("dataset").add_argument
    # Other spellings of BIDS Apps are taken too, and do not fill the help.
    labels: dict[str, Any] = {"metavar": "LABEL", "nargs": "+", "action": "extend", "default": []}
    add("--participant-label", **labels, help="only these participants, with or without sub- (default: all)")
    add("--participant_label", **labels, dest="participant_label", help=argparse.SUPPRESS)
    add("--session-id", **labels, help="only these sessions, with or without ses- (default: all)")
    for spelling in ("--session_id", "--session-label", "--session_label"):
        add(spelling, **labels, dest="session_id", help=argparse.SUPPRESS)
    add("--bids-filter-file", metavar="FILE", help='JSON as {"t1w": {"acquisition": "mprage", "run": 1}}')
    add(
        "--skip-bids-validation",
        "--skip_bids_validation",
        action="store_true",
        help="go on without a proper dataset_description.json",
    )
    add(
        "--subjects-dir",
        metavar="DIR",
        help="recon-all's subjects sub-01 or sub-01_ses-1: their nu.mgz and eTIV are used; none: they are not "
        "(default: sourcedata/freesurfer of a derivative of fMRIPrep)",
    )
    add = parser.add_argument_group("outputs").add_argument
    add(
        "--redo",
        action="store_true",
        help="run cases again that are done, and replace those that were made with other weights or settings",
    )
    add("--write_posteriors", action="store_true", help="write the posteriors, as _probseg")
    add(
        "--write_qc",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="draw each case, outlines over the T1, as a picture beside its stats (.webp; default: on)",
    )
    add(
        "--output-base",
        metavar="NAME",
        default="sclimbic",
        help="stands for 'sclimbic' in the names of stats, and as desc-NAME in those of images, to keep the results of "
        "two settings in one folder (default: sclimbic)",
    )
    add("--allow-mixed", action="store_true", help="group level: tables of cases made with different settings")


def parse_bids_flags(argv: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; SystemExit or argparse.ArgumentError where it is wrong."""
    refuse_long_dashes(argv)
    args = build_parser().parse_args([spell_out(word) for word in argv])
    if args.tal:
        raise argparse.ArgumentError(None, "--tal names a transform of one image; here eTIV comes from each image")
    check_computation_flags(args)
    if not args.output_base.isalnum():
        raise argparse.ArgumentError(None, f"--output-base '{args.output_base}': give letters and digits, as in desc-")
    settle_flags(args)
    args.notes, args.conform, args.write_qa_stats = [], True, True
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Run fs_sclimbic bids; returns 0, 1 (a case failed), 2 (usage) or 130 (interrupted)."""
    outlive_readers()
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        args = parse_bids_flags(argv)
    except argparse.ArgumentError as error:
        build_parser().print_usage(sys.stderr)
        print(printable(f"{PROGRAM}: error: {error.message}"), file=sys.stderr)
        return BAD_USAGE
    except SystemExit as stop:
        return int(stop.code or 0)
    for library in ("OPENBLAS", "MKL", "OMP"):  # NumPy reads them when it is imported, below
        os.environ[f"{library}_NUM_THREADS"] = str(args.threads)
    try:
        level = _participants if args.analysis_level == PARTICIPANT else _group
        return in_one_line(PROGRAM, args.debug, lambda: level(args, argv))
    except KeyboardInterrupt:
        return INTERRUPTED


def _request(args: argparse.Namespace) -> "DatasetRequest":
    from pathlib import Path

    from ..bids.entities import bare_label
    from ..bids.filters import NO_FILTER, read_filter_file
    from ..bids.participant_level import DatasetRequest
    from ..cases.case import Requests

    return DatasetRequest(
        dataset=Path(args.bids_dir),
        out=Path(args.output_dir),
        participants=tuple(dict.fromkeys(bare_label("sub", text) for text in args.participant_label)),
        sessions=tuple(dict.fromkeys(bare_label("ses", text) for text in args.session_id)),
        filter=read_filter_file(Path(args.bids_filter_file)) if args.bids_filter_file else NO_FILTER,
        subjects_dir=args.subjects_dir,
        lenient=args.skip_bids_validation,
        outputs=Requests(posteriors=args.write_posteriors, volumes=True, qa_stats=True, picture=args.write_qc),
        from_image=args.etiv_from_image,
        with_etiv=not args.no_etiv,
        base=args.output_base,
    )


def _participants(args: argparse.Namespace, argv: Sequence[str]) -> int:
    from ..bids.cases import SUBJECTS_FOLDER
    from ..bids.dataset import write_output_description
    from ..bids.participant_level import finisher, plan_dataset
    from ..cases.study_folder import StudyFolder
    from .plan import Plan, part_of_plan
    from .run import run

    request = _request(args)
    planned = plan_dataset(request)
    for warning in planned.warnings:
        print(printable(f"warning: {warning}"), file=sys.stderr)
    write_output_description(request.out, request.dataset, planned.info, planned.links)
    folder = request.out / SUBJECTS_FOLDER
    plan = Plan(
        cases=[bids_case.case for bids_case in planned.cases],
        tables=[],
        log=folder / args.logfile if args.logfile else None,
        folder=folder,
        notes=planned.notes,
        study=StudyFolder(folder=folder, base=args.output_base, of_subjects=True),
    )
    plan = part_of_plan(plan, args)
    return run(args, argv, plan=plan, program=("fs_sclimbic", "bids"), finish_case=finisher(planned.cases))


def _group(args: argparse.Namespace, _argv: Sequence[str]) -> int:
    from ..bids.cases import SUBJECTS_FOLDER
    from ..bids.dataset import write_if_changed
    from ..bids.group_level import read_finished, split_replaced, without_results, write_group_tables
    from ..cases.flag_table import FLAGS, format_flag_table
    from ..cases.merge import population_of
    from ..cases.mixture import find_mixture
    from ..cases.study_folder import StudyFolder
    from ..cases.tables import table_files
    from ..cases.verdicts import describe_verdicts
    from ..errors import TableError
    from ..files.staging import write_atomically
    from ..group.tables.provenance import format_provenance, provenance_file, provenance_of_record
    from ..qc.judge_cohort import judge_records
    from ..segmentation.population import read_population
    from .pages_hint import pages_hint

    request = _request(args)
    cases, replaced = split_replaced(
        request.out,
        read_finished(request.out, base=request.base, participants=request.participants, sessions=request.sessions),
        base=request.base,
    )
    for name in replaced:
        print(
            printable(f"warning: {name}: its image was replaced since it was segmented: no row; run it again"),
            file=sys.stderr,
        )
    if not cases:
        raise TableError(f"{request.out}: all images were replaced since they were segmented; run them again")
    mixed = find_mixture([(case.name, case.record) for case in cases])
    if mixed and not args.allow_mixed:
        advice = "run them again with the same settings (--redo), or give --allow-mixed"
        raise TableError("\n".join((*mixed, f"such numbers do not belong into one table: {advice}")))
    for line in (*mixed, *without_results(request, cases)):
        print(printable(f"warning: {line}"), file=sys.stderr)
    # As the cases were made: the norms depend on the weights.
    given = read_population(args.population_stats) if args.population_stats else population_of(cases[0].record)
    population = given or read_population()
    tables = write_group_tables(request.out, cases, population, base=request.base)
    study = StudyFolder(folder=request.out / SUBJECTS_FOLDER, base=request.base, of_subjects=True)
    judged = judge_records([(case.name, case.record) for case in cases], population)
    ((flags, _),) = table_files(study.tables_start, "_", [FLAGS])
    write_if_changed(flags, format_flag_table(judged))
    made = [(case.name, provenance_of_record(case.record)) for case in cases]
    write_atomically(provenance_file(tables[0]), format_provenance(made))  # fs_sclimbic glm looks for it
    for path in (*tables, flags):
        print(printable(f"wrote {path}"))
    print(f"{len(cases)} cases")
    print(printable(describe_verdicts([verdict for verdict, _ in judged])))
    print(printable(pages_hint(study)))
    return ALL_DONE
