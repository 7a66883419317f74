"""fs_sclimbic fsgd: make an FSGD from a table of participants, and check one."""

import argparse
import sys
from collections.abc import Sequence

from .arguments import ALL_DONE, bare_session
from .guard import in_one_line
from .terminal import printable

PROGRAM = "fs_sclimbic fsgd"
DESCRIPTION = "FreeSurfer group descriptor files (FSGD): who is in a study, in which class, with which variables."
MAKE_EPILOG = """\
examples:
  fs_sclimbic fsgd make participants.tsv -o group.fsgd --class-columns diagnosis --variables age --demean
  fs_sclimbic fsgd make study.csv -o group.fsgd --subject-column id --class-columns sex,diagnosis --variables age,iq \\
      --demean --method doss --missing drop

Labels of several class columns are joined: F_Patient, F_Control, M_Patient ... Text belongs to --class-columns, numbers
to --variables. An empty cell, n/a, NA or nan is a missing value."""
CHECK_EPILOG = """\
examples:
  fs_sclimbic fsgd check group.fsgd
  fs_sclimbic fsgd check group.fsgd doss --table sclimbic.dat --C contrasts/group.mtx
  fs_sclimbic fsgd check group.fsgd --sd subjects --contrast "Patient-Control" --contrast "Patient:Age-Control:Age"

exit status: 0 nothing wrong, 1 something is, 2 the command line makes no sense"""

DESCRIBE_EPILOG = """\
examples:
  fs_sclimbic fsgd describe participants.tsv --by group --columns age,sex,education --medians education -o table1.csv
  fs_sclimbic fsgd describe participants.tsv --fsgd study.fsgd --columns age,sex -o table1.csv

Numbers: mean (SD), Welch's t or Welch's F. --medians: median [quartiles], Mann-Whitney or Kruskal-Wallis. Labels: n
(%), chi-square; with expected counts below 5 Fisher's exact test (2 x 2) or permutations. Who lacks a value is
counted as missing, and is not in that test."""


def build_parser() -> argparse.ArgumentParser:
    """The command line of fs_sclimbic fsgd."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description=DESCRIPTION)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_make(
        commands.add_parser(
            "make",
            help="make one from a CSV or TSV, such as BIDS' participants.tsv",
            epilog=MAKE_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )
    _add_check(
        commands.add_parser(
            "check",
            help="say everything that is wrong with one, and what it means",
            epilog=CHECK_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )
    _add_describe(
        commands.add_parser(
            "describe",
            help="participants by group with tests: Table 1 of a paper",
            epilog=DESCRIBE_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )
    return parser


def _add_describe(describe: argparse.ArgumentParser) -> None:
    add = describe.add_argument
    add("participants", metavar="TABLE", help="CSV, TSV or text: a header, and one row a subject")
    add("-o", "--o", dest="output", metavar="CSV", required=True, help="file to write; beside it goes a page, .html")
    groups = describe.add_mutually_exclusive_group()
    groups.add_argument("--by", metavar="COLUMN", help="column of the groups (default: all are one group)")
    groups.add_argument("--fsgd", metavar="FSGD", help="describe its subjects by its classes")
    add(
        "--columns",
        metavar="A,B",
        type=_names,
        required=True,
        help="what is described: numbers, labels, C(NAME) for numbers as labels",
    )
    add("--medians", metavar="A,B", type=_names, default=(), help="of these: median and quartiles, tested by ranks")
    add(
        "--subject-column", metavar="NAME", default="participant_id", help="names of subjects (default: participant_id)"
    )
    add("--debug", action="store_true", help="print details and tracebacks")


def _add_make(make: argparse.ArgumentParser) -> None:
    make.add_argument("participants", metavar="TABLE", help="CSV, TSV or text: a header, and one row a subject")
    make.add_argument("-o", "--o", dest="fsgd", metavar="FSGD", required=True, help="file to write")
    make.add_argument(
        "--subject-column", metavar="NAME", default="participant_id", help="names of subjects (default: participant_id)"
    )
    make.add_argument(
        "--class-columns", metavar="A,B", type=_names, default=(), help="columns whose labels make the classes"
    )
    make.add_argument("--variables", metavar="A,B", type=_names, default=(), help="columns of numbers")
    make.add_argument(
        "--class-order", metavar="A,B", type=_names, default=(), help="order of the classes (default: sorted)"
    )
    make.add_argument("--subjects", metavar="FILE", help="only these subjects, one a line, in this order")
    make.add_argument(
        "--subject-prefix", metavar="TEXT", default="", help="put before names that do not begin with it, as sub-"
    )
    make.add_argument(
        "--session",
        metavar="LABEL",
        type=bare_session,
        help="this session: rows with that session_id, or values of each participant's sessions.tsv; names get "
        "_ses-LABEL",
    )
    make.add_argument(
        "--match",
        choices=("bids", "exact"),
        default="bids",
        help="find --subjects in the table by the same name; bids: else by BIDS entities (default: bids)",
    )
    make.add_argument(
        "--missing",
        choices=("refuse", "drop", "cap"),
        default="refuse",
        help="subjects who lack a value, or have a range like 89+: an error, or left out and listed; cap takes 89 for "
        "89+ and refuses what is missing (default: refuse)",
    )
    make.add_argument("--title", metavar="TEXT", default="", help="title of the study")
    make.add_argument("--demean", action="store_true", help="subtract each variable's mean over all subjects")
    make.add_argument(
        "--method", choices=("dods", "doss"), help="write the method into the file, which then wins everywhere"
    )
    make.add_argument("--debug", action="store_true", help="print details and tracebacks")


def _add_check(check: argparse.ArgumentParser) -> None:
    check.add_argument("fsgd", metavar="FSGD")
    check.add_argument(
        "method",
        nargs="?",
        metavar="dods|doss",
        help="a slope for each class, or one for all (default: the file's tag, else dods)",
    )
    check.add_argument("--table", metavar="FILE", help="see that every subject is in this table")
    check.add_argument("--sd", metavar="DIR", help="see that every subject of this subjects directory has its stats")
    check.add_argument(
        "--match",
        choices=("bids", "exact"),
        default="bids",
        help="find subjects there by the same name; bids: else by BIDS entities (default: bids)",
    )
    check.add_argument("--session", metavar="LABEL", type=bare_session, help="only names of this session there")
    check.add_argument(
        "--stats", metavar="FILE", default="sclimbic.stats", help="name of the stats file (default: sclimbic.stats)"
    )
    check.add_argument(
        "--C",
        metavar=("FILE", "GAMMA0"),
        dest="matrices",
        nargs="+",
        action="append",
        default=[],
        help="a contrast's matrix, and what the null hypothesis says instead of 0; may be given again",
    )
    check.add_argument(
        "--contrast", metavar="TEXT", action="append", default=[], help="a contrast by names of columns, as A-B"
    )
    check.add_argument("--xonly", metavar="FILE", help="write the design matrix as text")
    check.add_argument(
        "--allowsubjrep",
        "--allow-repeated-subjects",
        dest="allowsubjrep",
        action="store_true",
        help="let a person stand in several rows: on several Input lines, or by sessions",
    )
    check.add_argument("--fsgd-rescale", action="store_true", help="divide variables by their standard deviation")
    check.add_argument("--debug", action="store_true", help="print details and tracebacks")


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise argparse.ArgumentTypeError(f"expected names with commas between them, found '{text}'")
    return names


def main(argv: Sequence[str] | None = None) -> int:
    """Run fs_sclimbic fsgd; returns 0, 1 (failed) or 2 (usage)."""
    try:
        args = build_parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    action = {"make": _make, "check": _check, "describe": _describe}[args.command]
    return in_one_line(f"{PROGRAM} {args.command}", args.debug, lambda: action(args))


def _make(args: argparse.Namespace) -> int:
    from ..files.staging import encode_text, write_atomically
    from ..group.design.design_summary import describe_subjects
    from ..group.design.fsgd_make import make_fsgd
    from ..group.design.participants import DesignRequest
    from ..group.name_matching import NameRule
    from ..group.tables.subject_lists import read_subjects_file

    subjects = tuple(one.name for one in read_subjects_file(args.subjects)) if args.subjects else None
    wanted = DesignRequest(
        subject_column=args.subject_column,
        class_columns=args.class_columns,
        variables=args.variables,
        class_order=args.class_order,
        subjects=subjects,
        subject_prefix=args.subject_prefix,
        session=args.session,
        names=NameRule(match=args.match),
        drop_missing=args.missing == "drop",
        cap_ranges=args.missing == "cap",
        title=args.title,
        demean=args.demean,
        method=args.method,
    )
    made = make_fsgd(args.participants, wanted, args.fsgd)
    write_atomically(args.fsgd, encode_text(made.text))
    _say(made.notices)
    design = made.design
    print(printable("\n".join(describe_subjects(design))))
    classes = ", ".join(f"{one.name} {size}" for one, size in zip(design.classes, design.class_sizes, strict=True))
    variables = ", ".join(design.variables) or "none"
    print(printable(f"wrote {args.fsgd}: {len(design.subjects)} subjects, classes {classes}, variables {variables}"))
    return ALL_DONE


def _check(args: argparse.Namespace) -> int:
    from ..errors import DesignError, UsageError
    from ..files.staging import encode_text, write_atomically
    from ..group.design.fsgd_review import ReviewOptions, review_fsgd
    from ..group.design.matrix_files import format_matrix
    from ..group.name_matching import NameRule

    too_many = [words for words in args.matrices if len(words) > 2]
    if too_many:
        raise UsageError(f"--C {' '.join(too_many[0])}: takes a matrix and a gamma0 file; give --C again for another")
    options = ReviewOptions(
        method=args.method,
        allow_repeated=args.allowsubjrep,
        rescale=args.fsgd_rescale,
        contrast_files=tuple((words[0], words[1] if len(words) == 2 else None) for words in args.matrices),
        contrasts=tuple(args.contrast),
        table=args.table,
        subjects_dir=args.sd,
        stats=args.stats,
        names=NameRule(match=args.match, session=args.session),
    )
    review = review_fsgd(args.fsgd, options)
    print(printable("\n".join(review.lines)))
    _say(review.notices)
    if args.xonly:
        write_atomically(args.xonly, encode_text(format_matrix(review.design.matrix)))
        print(f"wrote {args.xonly}")
    if review.problems:
        sys.stdout.flush()
        raise DesignError("\n".join(review.problems))
    print("nothing is wrong")
    return ALL_DONE


def _describe(args: argparse.Namespace) -> int:
    from pathlib import Path

    from ..errors import UsageError
    from ..files.staging import encode_text, write_atomically
    from ..group.design.model import fsgd_model
    from ..group.design.table_one import TableOneRequest, format_csv, format_html, make_table_one

    output = Path(args.output)
    if output.suffix.lower() == ".html" or output.resolve() == Path(args.participants).resolve():
        raise UsageError(f"{output}: give another name, as table1.csv; the page gets the same one with .html")
    strange = [name for name in args.medians if name not in args.columns]
    if strange:
        raise UsageError(f"--medians {', '.join(strange)}: is not among --columns")
    made = make_table_one(
        TableOneRequest(
            participants=args.participants,
            columns=args.columns,
            by=args.by,
            design=fsgd_model(args.fsgd).design if args.fsgd else None,
            subject_column=args.subject_column,
            medians=args.medians,
        )
    )
    if made.left_out:
        _say([f"without a value of {args.by} and left out: {', '.join(made.left_out)}"])
    _say(made.doubts)
    page = output.with_suffix(".html")
    write_atomically(page, encode_text(format_html(made, args.participants)))
    write_atomically(output, encode_text(format_csv(made)))
    groups = ", ".join(f"{group} {n}" for group, n in zip(made.groups, made.sizes, strict=True))
    print(printable(f"wrote {output} and {page}: {groups}"))
    return ALL_DONE


def _say(notices: Sequence[str]) -> None:
    for notice in notices:
        print(printable(f"note: {notice}"), file=sys.stderr)
