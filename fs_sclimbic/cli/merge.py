"""fs_sclimbic merge: the tables of a study from the records of its cases."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .arguments import ALL_DONE, SOME_FAILED
from .guard import in_one_line
from .pipes import outlive_readers

if TYPE_CHECKING:
    from ..cases.record import Record
    from ..cases.study_folder import StudyFolder
    from ..segmentation.flag import CaseVerdict
    from ..segmentation.population import Population

PROGRAM = "fs_sclimbic merge"
USAGE = """\
fs_sclimbic merge RESULTS [options]
       fs_sclimbic merge --s [SUBJECT ...] [options]"""
DESCRIPTION = """\
Write the tables of a study from the records of its cases: after an array job, or while one still runs."""
EPILOG = """\
examples:
  fs_sclimbic merge results
  fs_sclimbic merge results --i raw/*_T1w.nii.gz --missing todo.txt
  fs_sclimbic merge --s --sd $SUBJECTS_DIR
  fs_sclimbic merge --subjectsfile subjects.txt --missing todo.txt   (then: mri_sclimbic_seg --subjectsfile todo.txt)

Tables are replaced as a whole. Cases without a result are named. Results of different weights or settings are refused.

exit status: 0 tables of all cases, 1 cases are missing (the tables hold the others) or nothing could be written, 2 the
command line makes no sense"""
MAX_NAMES = 20
"""A message names no more cases than this."""


def build_parser() -> argparse.ArgumentParser:
    """The command line of fs_sclimbic merge."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        usage=USAGE,
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("results", metavar="RESULTS", nargs="?", help="folder of results, as it was given to --o")
    add(
        "-i",
        "--i",
        metavar="PATH",
        nargs="+",
        help="the images or the folder that were segmented, to find missing cases (default: the folders that the "
        "records name)",
    )
    add("-s", "--s", metavar="SUBJ", nargs="*", help="recon-all subjects; no name: every subject with mri/nu.mgz")
    add("--subjectsfile", metavar="FILE", help="recon-all subjects, one a line")
    add("--sd", metavar="DIR", help="subjects directory (default: SUBJECTS_DIR)")
    add("--output-base", metavar="NAME", default="sclimbic", help="as the cases were run with (default: sclimbic)")
    add("--missing", metavar="FILE", help="write the names of missing cases into a file, one a line")
    add("--allow-mixed", action="store_true", help="take results of different weights or settings into one table")
    add("--debug", action="store_true", help="print details and tracebacks")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run fs_sclimbic merge; returns 0, 1 (cases are missing, or failed) or 2 (usage)."""
    outlive_readers()
    parser = build_parser()
    try:
        args = parser.parse_args(argv)
        of_subjects = args.s is not None or args.subjectsfile
        if bool(args.results) == bool(of_subjects):
            parser.error("give RESULTS, or subjects with --s or --subjectsfile")
        if args.i and of_subjects:
            parser.error("--i goes with RESULTS")
    except SystemExit as stop:
        return int(stop.code or 0)
    return in_one_line(PROGRAM, args.debug, lambda: _merge(args))


def _merge(args: argparse.Namespace) -> int:
    from ..cases.merge import Judged, read_study, write_study_tables
    from ..cases.verdicts import describe_verdicts
    from ..errors import TableError
    from ..files.staging import encode_text, write_atomically
    from ..qc.judge_cohort import judge_records
    from .pages_hint import pages_hint
    from .progress import say

    verdicts: list[CaseVerdict] = []

    def judge(records: "Sequence[tuple[str, Record]]", population: "Population") -> Judged:
        judged = judge_records(records, population)
        verdicts.extend(verdict for verdict, _ in judged)
        return judged

    study, expected = _study(args)
    found = read_study(study, expected, only=bool(args.s or args.subjectsfile))
    if found.mixed and not args.allow_mixed:
        advice = "run them again with the same settings (--redo), or give --allow-mixed"
        raise TableError("\n".join((*found.mixed, f"such numbers do not belong into one table: {advice}")))
    for line in found.mixed:
        say(f"warning: mixed {line}", sys.stderr)
    for name in found.replaced[:MAX_NAMES]:
        say(f"warning: {name}: its image was replaced since it was segmented: no row; run it again", sys.stderr)
    for path in write_study_tables(
        found,
        warn=lambda text: say(f"warning: {text}", sys.stderr),
        note=lambda text: say(f"note: {text}"),
        judge=judge,
    ):
        say(f"wrote {path}: {len(found.records)} cases")
    if verdicts:
        say(describe_verdicts(verdicts))
    say(pages_hint(study))
    if args.missing:
        write_atomically(args.missing, encode_text("".join(f"{name}\n" for name in found.missing)))
    if not found.missing:
        return ALL_DONE
    more = f" and {len(found.missing) - MAX_NAMES} more" if len(found.missing) > MAX_NAMES else ""
    say(f"{len(found.missing)} cases have no result: {', '.join(found.missing[:MAX_NAMES])}{more}", sys.stderr)
    return SOME_FAILED


def _study(args: argparse.Namespace) -> "tuple[StudyFolder, list[str] | None]":
    """The study, and the cases that should have results; None where the records say it."""
    from pathlib import Path

    from ..cases.images import find_images, images_in, stem_of
    from ..cases.study_folder import StudyFolder
    from ..cases.subjects import find_subjects, read_names
    from ..errors import UsageError

    if args.results:
        study = StudyFolder(folder=Path(args.results), base=args.output_base)
        if not args.i:
            return study, None
        is_folder = len(args.i) == 1 and Path(args.i[0]).is_dir()
        images = images_in(Path(args.i[0])) if is_folder else find_images(args.i)
        return study, [stem_of(image) for image in images]
    subjects_dir = args.sd or os.environ.get("SUBJECTS_DIR")
    if not subjects_dir:
        raise UsageError("SUBJECTS_DIR is not set; set it, or give --sd DIR")
    study = StudyFolder(folder=Path(subjects_dir), base=args.output_base, of_subjects=True)
    names = [*(args.s or ()), *(read_names(args.subjectsfile) if args.subjectsfile else ())]
    return study, find_subjects(study.folder, names)


if __name__ == "__main__":
    sys.exit(main())
