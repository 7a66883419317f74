"""fs_sclimbic table: stats files of many cases as one table, with the options of asegstats2table."""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .arguments import ALL_DONE, BAD_USAGE, add_combination_flags, bare_session
from .exclusion_arguments import add_exclusion_flags, leave_out_rated
from .guard import in_one_line
from .pipes import outlive_readers
from .refused_options import refused_option
from .terminal import printable

if TYPE_CHECKING:
    from ..group.tables.stats_paths import StatsFile

PROGRAM = "sclimbic_stats2table"
DESCRIPTION = """\
Make a table for a group analysis: one row a subject, one column a structure, eTIV last.
Takes the options of FreeSurfer's asegstats2table, and writes the same text."""

EPILOG = """\
examples:
  sclimbic_stats2table --fsgd group.fsgd --tablefile sclimbic.dat
  sclimbic_stats2table --all --sd subjects --delimiter comma -t sclimbic.csv
  sclimbic_stats2table --inputs results/*.sclimbic.stats --names-from-files -t sclimbic.dat
  sclimbic_stats2table --subjectsfile subjects.txt --meas confidence -t confidence.dat

What the original does silently is refused or said: a subject listed twice, a file that was cut off, a value that is
no number, a structure that a file lacks. Warnings go to standard error; the table appears whole or not at all.

exit status: 0 written, 1 failed, 2 the command line makes no sense, 130 interrupted"""

SOURCES = ("subjects", "subjectsfile", "fsgd", "qdec", "qdec_long", "inputs", "all")


def build_parser() -> argparse.ArgumentParser:
    """The command line of fs_sclimbic table."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        usage="%(prog)s (--subjects SUBJ ... | --fsgd FILE | --inputs STATS ... | --all | ...) -t FILE [options]",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_sources(parser)
    _add_places(parser)
    _add_choices(parser)
    _add_leniency(parser)
    _add_output(parser)
    return parser


def _add_sources(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("who (exactly one)").add_argument
    add("--subjects", metavar="SUBJ", nargs="+", action="extend", help="subjects of SUBJECTS_DIR")
    add("-s", metavar="SUBJ", dest="subjects", action="append", help="one subject; may be given again")
    add("--subjectsfile", metavar="FILE", help="text file, one subject a line")
    add("--fsgd", metavar="FILE", help="the Input lines of an FSGD, in its order")
    add("--qdec", metavar="FILE", help="column fsid of a QDEC table")
    add("--qdec-long", metavar="FILE", help="<fsid>.long.<fsid-base> of a QDEC table")
    add("--inputs", metavar="STATS", nargs="+", action="extend", help="stats files; rows are called 0, 1, 2 ...")
    add("-i", metavar="STATS", dest="inputs", action="append", help="one stats file; may be given again")
    add("--all", action="store_true", help="every subject of SUBJECTS_DIR that has the stats file, sorted")


def _add_places(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("where").add_argument
    add("--sd", metavar="DIR", help="subjects directory (default: SUBJECTS_DIR)")
    add("--subdir", metavar="DIR", default="stats", help="folder of the stats file in a subject (default: stats)")
    add(
        "--stats",
        "--statsfile",
        metavar="FILE",
        help="name of the stats file (default: sclimbic.stats; for confidence and z sclimbic.qa.stats)",
    )
    add(
        "--names-from-files",
        action="store_true",
        help="call the rows of --inputs by their cases: head for head.sclimbic.stats, bert for "
        "bert/stats/sclimbic.stats",
    )
    add(
        "--match",
        choices=("bids", "exact"),
        default="bids",
        help="find a subject's folder by the same name; bids: else by BIDS entities, where only one folder fits "
        "(default: bids)",
    )
    add(
        "--session",
        metavar="LABEL",
        type=bare_session,
        help="only folders of this session, as ses-LABEL in their names",
    )
    add_exclusion_flags(add, "failed structures are n/a")
    add("--allow-repeated", action="store_true", help="let a subject be listed, and stand in the table, twice")


def _add_choices(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("what").add_argument
    add(
        "-m",
        "--meas",
        choices=("volume", "nvoxels", "nvertices", "confidence", "z"),
        default="volume",
        help="volume (mm^3, with eTIV), nvoxels (nvertices is the same), confidence or z score (default: volume)",
    )
    add("--no-vol-extras", action="store_true", help="leave eTIV out")
    add("--segno", metavar="ID", nargs="+", type=int, help="only structures of these SegIds, in this order")
    add("--segids-from-file", metavar="FILE", help="the same from a text file, one SegId a line")
    add("--no-segno", metavar="ID", nargs="+", type=int, default=[], help="leave out structures of these SegIds")
    add("--maxsegno", metavar="ID", type=int, help="leave out structures of larger SegIds")
    add("--common-segs", action="store_true", help="only structures that all files have, in the last file's order")
    add("--all-segs", action="store_true", help="structures that any file has; what a file lacks is filled, and said")
    add(
        "--missing",
        choices=("zero", "nan"),
        default="zero",
        help="what --all-segs fills in: zero, as the original does, which a fit takes for a volume, or nan, which it "
        "refuses (default: zero)",
    )
    add_combination_flags(add)
    add("--etiv", action="store_true", help="values in percent of eTIV")
    add("--scale", metavar="X", type=float, default=1.0, help="multiply every value, also eTIV; after --etiv")
    add("--replace53", action="store_true", help="Left-Thalamus-Proper becomes Left-Thalamus, and so the right one")


def _add_leniency(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("files that are not as they should be").add_argument
    add("--skip", action="store_true", help="leave out subjects whose stats file is missing or empty, and say which")
    add("--allow-mixed", action="store_true", help="take files of different weights or settings, and say which")
    add("--skipped", metavar="FILE", help="with --skip: write their names into a file, one a line")
    add(
        "--lenient", action="store_true", help="take files with fewer rows than NRows says, and leave out rows with a #"
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("output").add_argument
    add("-t", "--tablefile", metavar="FILE", required=True, help="table to write")
    add(
        "-d",
        "--delimiter",
        choices=("tab", "comma", "space", "semicolon"),
        default="tab",
        help="between the cells (default: tab)",
    )
    add("--transpose", action="store_true", help="structures in rows, 6 digits a value: to look at, not to analyse")
    add("-v", "--debug", action="store_true", help="print details and tracebacks")


def main(argv: Sequence[str] | None = None) -> int:
    """Run fs_sclimbic table, also called sclimbic_stats2table; returns 0, 1 (failed) or 2 (usage)."""
    outlive_readers()
    parser = build_parser()
    reason = refused_option(argv)
    if reason:
        print(f"{PROGRAM}: error: {reason}", file=sys.stderr)
        return BAD_USAGE
    try:
        args = parser.parse_args(argv)
        _check(parser, args)
    except SystemExit as stop:
        return int(stop.code or 0)
    return in_one_line(PROGRAM, args.debug, lambda: _table(args))


def _check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse combinations that mean nothing."""
    given = [f"--{name.replace('_', '-')}" for name in SOURCES if getattr(args, name)]
    if len(given) != 1:
        every = ", ".join(f"--{name.replace('_', '-')}" for name in SOURCES)
        parser.error(f"give exactly one of {every}" + (f"; found {' and '.join(given)}" if given else ""))
    if args.segno and args.segids_from_file:
        parser.error("--segno and --segids-from-file exclude each other")
    if args.common_segs and args.all_segs:
        parser.error("--common-segs and --all-segs exclude each other")
    if args.missing != "zero" and not args.all_segs:
        parser.error("--missing goes with --all-segs")
    if (args.combine or args.groups) and args.meas in ("confidence", "z"):
        parser.error(f"--meas {args.meas} cannot be added up by --combine or --groups")
    if args.skipped and not args.skip:
        parser.error("--skipped goes with --skip")
    if args.skipped and os.path.abspath(args.skipped) == os.path.abspath(args.tablefile):
        parser.error("--skipped and --tablefile are one file")
    # Written under another name and renamed: of /dev/stdout that would make a file.
    for path in filter(None, (args.tablefile, args.skipped)):
        if (
            path == "-"
            or os.path.abspath(path).startswith("/dev/")
            or (os.path.exists(path) and not os.path.isfile(path))
        ):
            parser.error(f"{path}: expected the name of a file to write")
    if args.session and args.inputs:
        parser.error("--session goes with subjects; choose the files of --inputs themselves")
    if args.names_from_files and not args.inputs:
        parser.error("--names-from-files goes with --inputs; subjects give the rows their names already")
    if not args.scale or args.scale - args.scale:  # 0, nan or infinite
        parser.error(f"--scale {args.scale:g}: give a finite number other than 0")


def _table(args: argparse.Namespace) -> int:
    from ..files.staging import StagedFiles, encode_text
    from ..group.tables.cohort_table import cohort_table, read_cohort, stats_name, who_is_left_out
    from ..group.tables.column_choice import Choice
    from ..group.tables.combined import combined_table
    from ..group.tables.measures import MEASURES, ReadOptions
    from ..group.tables.provenance import check_provenance, format_provenance, provenance_file
    from ..group.tables.subject_lists import read_segids
    from ..group.text_table import format_group_table, notes_for_readers

    measure, in_subjects_dir = MEASURES[args.meas], not args.inputs
    only = read_segids(args.segids_from_file) if args.segids_from_file else args.segno
    files = _files(args, args.stats or stats_name(measure))
    print("Parsing the .stats files")
    options = ReadOptions(with_etiv=not args.no_vol_extras, lenient=args.lenient, new_names=args.replace53)
    cohort = read_cohort(files, measure, options, in_subjects_dir=in_subjects_dir, skip_missing=args.skip)
    for line in cohort.missing:
        print(printable(f"Skipping {line}"), file=sys.stderr)
    _warn(who_is_left_out(cohort, in_subjects_dir=in_subjects_dir))
    print("Building the table..")
    choice = Choice(
        only=tuple(only) if only else None,
        without=frozenset(args.no_segno),
        highest=args.maxsegno,
        differing="common" if args.common_segs else "all" if args.all_segs else "refuse",
        fill=float("nan") if args.missing == "nan" else 0.0,
    )
    built = cohort_table(cohort, choice, percent_of_etiv=args.etiv, scale=args.scale)
    rated, missing = leave_out_rated(built.table, args)  # the sum with a failed side has failed
    stays = set(rated.subjects)
    rows = zip(cohort.files, cohort.values, strict=True)
    made = [(file.name, row.provenance) for file, row in rows if file.name in stays]
    with_etiv = measure.with_etiv and not args.no_vol_extras
    mixed, made_with = check_provenance(made, with_etiv=with_etiv, allow_mixed=args.allow_mixed)
    _warn(mixed)
    for line in made_with:
        print(printable(f"rows made with {line}"))
    table, more = combined_table(rated, args.combine, args.groups)
    _warn((*built.warnings, *(notice.text for notice in more)))
    _warn(notes_for_readers(table, args.tablefile, args.delimiter))
    text = format_group_table(table, args.delimiter, transpose=args.transpose, missing=missing)
    print(f"Writing the table to {args.tablefile}")
    with StagedFiles() as staged:
        if args.skipped:
            staged.write(args.skipped, encode_text("".join(f"{name}\n" for name in cohort.skipped)))
        staged.write(args.tablefile, encode_text(text))
        if any(one for _, one in made):
            staged.write(provenance_file(Path(args.tablefile)), format_provenance(made))
    return ALL_DONE


def _files(args: argparse.Namespace, stats: str) -> "tuple[StatsFile, ...]":
    """The stats files of the rows, from whichever source was given."""
    from ..errors import UsageError
    from ..group.name_matching import NameRule
    from ..group.tables.cohort_table import SubjectSource, list_subjects
    from ..group.tables.stats_paths import input_files, notes_on_folders, subject_files

    if args.inputs:
        return input_files(args.inputs, names_from_files=args.names_from_files, subdir=args.subdir)
    folder = args.sd or os.environ.get("SUBJECTS_DIR")
    if not folder:
        raise UsageError("SUBJECTS_DIR is not set; set it, or give --sd DIR")
    print(f"SUBJECTS_DIR : {folder}")
    source = SubjectSource(
        every=args.all,
        fsgd=args.fsgd,
        subjects_file=args.subjectsfile,
        qdec=args.qdec,
        qdec_long=args.qdec_long,
        names=tuple(args.subjects or ()),
        session=args.session,
    )
    subjects, warnings = list_subjects(source, Path(folder), stats=stats, subdir=args.subdir, measure=args.meas)
    _warn(warnings)
    rule = NameRule(match=args.match, session=args.session)
    files = subject_files(subjects, Path(folder), stats, args.subdir, allow_repeated=args.allow_repeated, rule=rule)
    _warn(notes_on_folders(files, Path(folder)))
    return files


def _warn(messages: Iterable[str]) -> None:
    for message in messages:
        print(printable(f"WARNING: {message}"), file=sys.stderr)
