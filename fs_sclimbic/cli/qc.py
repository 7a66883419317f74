"""fs_sclimbic qc: pages to look at finished cases and to mark them."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .arguments import ALL_DONE, SOME_FAILED
from .guard import in_one_line, signals_interrupt
from .terminal import printable

if TYPE_CHECKING:  # NumPy and nibabel behind them would slow --help
    from ..qc.finished_case import FinishedCase
    from ..qc.pages.build import PageOptions

PROGRAM = "fs_sclimbic qc"
PAGES_FOLDER = "sclimbic_qc"
CACHE_NAME = "cases.json"
"""What was read of the cases, beside the pages."""
MOST_THREADS = 4
"""Unless asked for: each case in work may take 1 GB, and the disk is the limit soon."""
PROGRESS_STEPS = 10

DESCRIPTION = """\
Make pages to look at finished cases: a table with the worst first, pictures, distributions, a viewer, and marks by
keys. They open from disk in any browser, also without network, and when the images are no longer there."""

EPILOG = """\
examples:
  fs_sclimbic qc results                                     of mri_sclimbic_seg --i images --o results
  fs_sclimbic qc study/derivatives/sclimbic                  of fs_sclimbic bids
  fs_sclimbic qc --s --sd subjects                           of recon-all subjects, also FreeSurfer's own sclimbic
  fs_sclimbic qc results --participants participants.tsv --group site
  fs_sclimbic qc results --single-file sub-30                one case in one file, to send to somebody

Run it again when cases have come: only new and changed ones are read. fs_sclimbic ratings, table and glm read the
marks.

exit status: 0 made, 1 a case cannot be read (the page says why), 2 the command line makes no sense"""


def build_parser() -> argparse.ArgumentParser:
    """The command line of fs_sclimbic qc."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        usage="%(prog)s (RESULTS | --s [NAME ...] --sd DIR) [options]",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("results", metavar="RESULTS", nargs="?", help="folder that the results were written to")
    parser.add_argument(
        "--s", metavar="NAME", dest="subjects", nargs="*", help="recon-all subjects or patterns (default: all finished)"
    )
    parser.add_argument("--sd", metavar="DIR", help="subjects directory (default: SUBJECTS_DIR)")
    parser.add_argument(
        "--images", metavar="DIR", help="where the images lie that were segmented, if they were moved since"
    )
    parser.add_argument(
        "--output-base", metavar="NAME", default="sclimbic", help="name of the results (default: sclimbic)"
    )
    parser.add_argument(
        "--out", metavar="PATH", help=f"folder for the pages (default: {PAGES_FOLDER} in RESULTS or in the subjects "
        "directory), or with --single-file the file"
    )  # fmt: skip
    parser.add_argument("--title", metavar="TEXT", help="name of the study on the pages (default: that of the folder)")
    parser.add_argument("--participants", metavar="TSV", help="table of participants, for --group")
    parser.add_argument("--group", metavar="COLUMN", help="its column that makes groups, such as site")
    parser.add_argument("--no-viewer", action="store_true", help="leave out the viewer: 0.1 MB a case in place of 0.9")
    parser.add_argument("--single-file", metavar="CASE", help="write one case into one file, without paths and names")
    parser.add_argument(
        "--threads", metavar="N", type=int, help=f"cases at once (default: one a processor, at most {MOST_THREADS})"
    )
    parser.add_argument("--debug", action="store_true", help="print details and tracebacks")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run fs_sclimbic qc; returns 0, 1 (a case failed) or 2 (usage)."""
    try:
        args = build_parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)

    def run() -> int:
        with signals_interrupt():
            return _run(args)

    return in_one_line(PROGRAM, args.debug, run)


def _run(args: argparse.Namespace) -> int:
    from ..errors import UsageError
    from ..files.processors import count_processors
    from ..qc.pages.build import PageOptions
    from ..qc.pages.site_groups import read_site_groups

    _check(args)
    source, cases = _find_cases(args)
    groups = None
    if args.group:
        groups = read_site_groups(args.participants, args.group, [case.name for case in cases])
        if groups.lacking:
            _say(f"note: {len(groups.lacking)} of {len(cases)} cases have no {args.group}, such as {groups.lacking[0]}")
    options = PageOptions(
        title=args.title or source.resolve().name,
        source=source,
        groups=groups,
        with_viewer=not args.no_viewer,
        threads=args.threads or min(count_processors(), MOST_THREADS),
    )
    if args.single_file is None:
        return _write_pages(cases, _pages_folder(args, source), options)
    chosen = next((case for case in cases if case.name == args.single_file), None)
    if chosen is None:
        raise UsageError(f"--single-file {args.single_file}: no such case; there are {_examples(cases)}")
    return _write_single(chosen, cases, Path(args.out or f"{Path(chosen.name).name}_qc.html"), options)


def _check(args: argparse.Namespace) -> None:
    from ..errors import UsageError

    if (args.results is None) == (args.subjects is None):
        raise UsageError("expected a folder of results, or --s for recon-all subjects; see --help")
    if args.results is not None and args.sd is not None:
        raise UsageError("--sd belongs to --s, and not to a folder of results")
    if args.subjects is not None and args.images is not None:
        raise UsageError("--images belongs to a folder of results, and not to --s")
    if bool(args.participants) != bool(args.group):
        raise UsageError("--participants and --group go together")
    if args.threads is not None and args.threads < 1:
        raise UsageError(f"--threads {args.threads}: expected 1 or more")


def _find_cases(args: argparse.Namespace) -> "tuple[Path, list[FinishedCase]]":
    from ..bids.cases import SUBJECTS_FOLDER
    from ..bids.finished import find_finished_in_bids, holds_bids_results
    from ..errors import UsageError
    from ..qc.case_cache import read_case_cache
    from ..qc.failed_cases import read_failed_cases
    from ..qc.find_cases import find_finished_cases, find_finished_subjects

    given = args.results if args.results is not None else args.sd or os.environ.get("SUBJECTS_DIR")
    if not given:
        raise UsageError("--s needs the subjects directory: give --sd DIR or set SUBJECTS_DIR")
    source = Path(given)
    cache_file = _pages_folder(args, source) / CACHE_NAME
    cache = read_case_cache(cache_file)
    if args.results is not None and holds_bids_results(source):
        cases = find_finished_in_bids(source, base=args.output_base, read=cache.read)
    elif args.results is not None:
        cases = find_finished_cases(source, args.images, args.output_base, read=cache.read)
    else:
        cases = find_finished_subjects(source, args.subjects, args.output_base, read=cache.read)
    if args.single_file is None:
        cache.write(cache_file)
    if not args.subjects:  # of subjects that are named, those alone
        tables = source / SUBJECTS_FOLDER if holds_bids_results(source) else source
        cases += read_failed_cases(tables / args.output_base, {case.name for case in cases})
    return source, cases


def _pages_folder(args: argparse.Namespace, source: Path) -> Path:
    return Path(args.out) if args.out and args.single_file is None else source / PAGES_FOLDER


def _write_pages(cases: "Sequence[FinishedCase]", folder: Path, options: "PageOptions") -> int:
    from ..cases.verdicts import describe_verdicts
    from ..errors import SclimbicError
    from ..qc.cohort_flags import describe_mixture
    from ..qc.pages.build import build_pages

    def tell(done: int, of: int) -> None:
        if of > PROGRESS_STEPS and done * PROGRESS_STEPS // of != (done - 1) * PROGRESS_STEPS // of:
            _say(f"{done} of {of} cases")

    try:
        built = build_pages(cases, folder, options, progress=tell)
    except OSError as error:
        reason = f"pages cannot be written ({error.strerror or error}); --out gives another folder"
        raise SclimbicError(f"{error.filename or folder}: {reason}") from error
    for line in describe_mixture([case.provenance for case in cases]):
        _say(f"warning: {line}")
    for note in built.notes:
        _say(f"note: {note}")
    for name, problem in built.problems.items():
        _say(f"{name}: {problem}")
    print(printable(f"{built.n_made} drawn, {built.n_kept} unchanged"))
    print(printable(describe_verdicts([case.verdict for case in cases], built.index)))
    return SOME_FAILED if built.problems else ALL_DONE


def _write_single(case: "FinishedCase", cases: "Sequence[FinishedCase]", path: Path, options: "PageOptions") -> int:
    from ..errors import SclimbicError
    from ..files.staging import write_atomically
    from ..qc.pages.single_page import build_single_page

    if case.problem:
        raise SclimbicError(f"{case.name}: {case.problem}")
    content = build_single_page(case, cases, options)
    write_atomically(path, content)
    print(printable(f"wrote {path}, {len(content) / 1e6:.1f} MB"))
    return ALL_DONE


def _examples(cases: "Sequence[FinishedCase]", most: int = 5) -> str:
    names = [case.name for case in cases]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _say(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)
