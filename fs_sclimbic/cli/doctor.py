"""fs_sclimbic doctor: which program, weights and engine a run would use here, and where it can write."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .arguments import ALL_DONE, SOME_FAILED
from .guard import in_one_line
from .pipes import outlive_readers

if TYPE_CHECKING:
    from ..execution.installation import Finding

PROGRAM = "fs_sclimbic doctor"
DESCRIPTION = """\
Look at this machine: which mri_sclimbic_seg is on the PATH, which weights and engine a run would use and how quick it
is, where results can be written and whether locks work there. Nothing is changed."""
EPILOG = """\
examples:
  fs_sclimbic doctor
  fs_sclimbic doctor --sd $SUBJECTS_DIR --threads 4
  fs_sclimbic doctor --folder /scratch/results --quick

exit status: 0 ready, 1 a problem was found, 2 the command line makes no sense"""


def build_parser() -> argparse.ArgumentParser:
    """The command line of fs_sclimbic doctor."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--sd", metavar="DIR", help="subjects directory (default: SUBJECTS_DIR)")
    add("--folder", metavar="DIR", help="a folder that results will be written to")
    add("--output-base", metavar="NAME", default="sclimbic", help="as for a run (default: sclimbic)")
    add("--model", metavar="H5", help="weights, as for a run")
    add("--threads", metavar="N", type=int, default=1, help="threads that the network is timed with (default: 1)")
    add("--quick", action="store_true", help="do not load and run the network")
    add("--debug", action="store_true", help="print details and tracebacks")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run fs_sclimbic doctor; returns 0 (ready), 1 (a problem) or 2 (usage)."""
    outlive_readers()
    try:
        args = build_parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    return in_one_line(PROGRAM, args.debug, lambda: _look(args))


def _look(args: argparse.Namespace) -> int:
    from .progress import say

    problems = 0
    for finding in _findings(args):
        problems += finding.severity == "problem"
        mark = {"ok": "", "note": "note", "problem": "PROBLEM"}[finding.severity]
        say(f"{mark:<8s}{finding.subject:<18s}{finding.text}")
    say(f"{problems} problem{'s' if problems != 1 else ''} found" if problems else "ready")
    return SOME_FAILED if problems else ALL_DONE


def _findings(args: argparse.Namespace) -> "Iterator[Finding]":
    from pathlib import Path

    from ..bids.cases import SUBJECTS_FOLDER
    from ..execution import installation

    yield from installation.look_at_machine()
    yield from installation.look_at_commands(os.environ.get("PATH", ""))
    findings, spec = installation.look_at_weights(args.model)
    yield from findings
    if spec and not args.quick:
        yield from installation.look_at_engine(spec, max(args.threads, 1))
    subjects_dir = args.sd or os.environ.get("SUBJECTS_DIR")
    if subjects_dir:
        yield installation.look_at_folder("SUBJECTS_DIR", Path(subjects_dir))
        yield from installation.look_at_study(Path(subjects_dir), args.output_base, spec)
    if args.folder:
        folder = Path(args.folder)
        yield installation.look_at_folder("folder", folder)
        for study in (folder, folder / SUBJECTS_FOLDER):  # of images, of a BIDS dataset
            yield from installation.look_at_study(study, args.output_base, spec)
    yield installation.models_finding()


if __name__ == "__main__":
    sys.exit(main())
