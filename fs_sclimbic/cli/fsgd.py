"""fs_sclimbic fsgd: make an FSGD from a table of participants, and check one."""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from .arguments import ALL_DONE
from .guard import in_one_line

if TYPE_CHECKING:
    from ..group.design.contrast import Contrast
    from ..group.design.design import Design

PROGRAM = "fs_sclimbic fsgd"
MOST_LISTED = 10
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
    return parser


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
        "--missing",
        choices=("refuse", "drop"),
        default="refuse",
        help="subjects who lack a value: an error, or left out and listed (default: refuse)",
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
    check.add_argument("--allowsubjrep", action="store_true", help="let a subject stand on several Input lines")
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
    action = {"make": _make, "check": _check}[args.command]
    return in_one_line(f"{PROGRAM} {args.command}", args.debug, lambda: action(args))


def _make(args: argparse.Namespace) -> int:
    from ..files.staging import encode_text, write_atomically
    from ..group.design.design import variable_hints
    from ..group.design.design_summary import describe_subjects
    from ..group.design.fsgd import format_fsgd, parse_fsgd
    from ..group.design.fsgd_make import Wanted, design_from_table
    from ..group.tables.subject_lists import read_subjects_file

    subjects = tuple(one.name for one in read_subjects_file(args.subjects)) if args.subjects else None
    wanted = Wanted(
        subject_column=args.subject_column,
        class_columns=args.class_columns,
        variables=args.variables,
        class_order=args.class_order,
        subjects=subjects,
        subject_prefix=args.subject_prefix,
        drop_missing=args.missing == "drop",
        title=args.title,
        demean=args.demean,
        method=args.method,
    )
    design, notices = design_from_table(args.participants, wanted)
    text = format_fsgd(design)
    # doss, where no method is chosen: what only dods would forbid has been said.
    _, warnings = parse_fsgd(text, args.fsgd, args.method or "doss")
    write_atomically(args.fsgd, encode_text(text))
    _say((*notices, *warnings, *variable_hints(design)))
    print("\n".join(describe_subjects(design)))
    classes = ", ".join(f"{one.name} {size}" for one, size in zip(design.classes, design.class_sizes, strict=True))
    print(
        f"wrote {args.fsgd}: {len(design.subjects)} subjects, classes {classes}, "
        f"variables {', '.join(design.variables) or 'none'}"
    )
    return ALL_DONE


def _check(args: argparse.Namespace) -> int:
    from ..errors import DesignError
    from ..files.staging import encode_text, write_atomically
    from ..group.design.design_summary import describe_contrast, describe_matrix, describe_subjects, design_problems
    from ..group.design.fsgd import read_fsgd
    from ..group.output.glm_tree import format_matrix
    from ..group.output.study_summary import notes_at_zero

    design, warnings = read_fsgd(args.fsgd, args.method, args.allowsubjrep, args.fsgd_rescale)
    notices = [*warnings, *_blank_lines(args.fsgd)]
    lines = [f"{args.fsgd}: {len(design.subjects)} subjects", f"Method {_method(design, args.method)}"]
    lines += [*describe_subjects(design), *describe_matrix(design)]
    problems = [f"{args.fsgd}: {text}" for text in design_problems(design)]
    contrasts, wrong = _contrasts(args, design)
    problems += wrong
    for contrast in contrasts:
        lines += describe_contrast(contrast, design.columns)
    notices += notes_at_zero(design, contrasts)
    if args.table:
        more, wrong = _against_table(args.table, design)
        notices, problems = [*notices, *more], [*problems, *wrong]
    if args.sd:
        problems += _against_subjects_dir(args.sd, args.stats, design)
    print("\n".join(lines))
    _say(notices)
    if args.xonly:
        write_atomically(args.xonly, encode_text(format_matrix(design.matrix)))
        print(f"wrote {args.xonly}")
    if problems:
        sys.stdout.flush()
        raise DesignError("\n".join(problems))
    print("nothing is wrong")
    return ALL_DONE


def _say(notices: Sequence[str]) -> None:
    for notice in notices:
        print(f"note: {notice}", file=sys.stderr)


def _method(design: "Design", asked: str | None) -> str:
    """The method, who chose it and what it means."""
    if design.method_in_file:
        why = f"the file's {design.method.upper()} tag, which goes before the command line"
    else:
        why = "asked for" if asked and asked.lower() != "none" else "the default"
    meaning = {"dods": "its own offset and slope", "doss": "its own offset, and one slope for all"}[design.method]
    return f"{design.method} ({why}): each class has {meaning}"


def _blank_lines(path: str) -> list[str]:
    from pathlib import Path

    from ..group.text_table import read_text

    lines = read_text(Path(path)).removesuffix("\n").split("\n")
    blank = [number for number, line in enumerate(lines, 1) if not line.strip()]
    return [f"{path}:{blank[0]}: blank line(s), which stop asegstats2table --fsgd, not us"] if blank else []


def _contrasts(args: argparse.Namespace, design: "Design") -> "tuple[list[Contrast], list[str]]":
    """All contrasts that fit, and what is wrong with the others."""
    from ..errors import DesignError, UsageError
    from ..group.design.contrast import Contrast, check_contrast, named_contrast, read_contrast

    too_many = [words for words in args.matrices if len(words) > 2]
    if too_many:
        raise UsageError(f"--C {' '.join(too_many[0])}: takes a matrix and a gamma0 file; give --C again for another")
    matrix, other = design.matrix, design.other_columns
    found: list[Contrast] = []
    problems: list[str] = []

    def tagged(contrast: "Contrast") -> "Contrast":
        check_contrast(contrast, design.columns, f"{args.fsgd}: contrast '{contrast.name}'", matrix)
        return contrast

    def read(path: str, gamma0: str | None = None) -> "Contrast":
        return read_contrast(path, design.columns, gamma0, design_matrix=matrix, other_columns=other)

    asked: list[Callable[[], Contrast]] = [
        *(partial(tagged, contrast) for contrast in design.contrasts),
        *(partial(read, *words) for words in args.matrices),
        *(
            partial(named_contrast, text, design.columns, design_matrix=matrix, other_columns=other)
            for text in args.contrast
        ),
    ]
    for make in asked:
        try:
            found.append(make())
        except DesignError as error:
            problems += str(error).split("\n")
    names = [contrast.name for contrast in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems += [f"two contrasts are called '{name}'; their results would overwrite each other" for name in twice]
    return found, problems


def _against_table(path: str, design: "Design") -> tuple[list[str], list[str]]:
    """Notices and problems of a table's rows."""
    from ..errors import TableError
    from ..group.text_table import read_group_table

    try:
        rows = read_group_table(path).subjects
    except TableError as error:
        return [], str(error).split("\n")
    there, wanted = set(rows), set(design.subjects)
    if not there & wanted:
        return [], [
            f"{path}: holds no subject of the FSGD; names must be the same: '{rows[0]}' there, "
            f"'{design.subjects[0]}' here"
        ]
    problems = [f"{path}: no row of subject '{name}'" for name in design.subjects if name not in there]
    notices = []
    others = [name for name in rows if name not in wanted]
    if others:
        notices.append(f"{path}: {len(others)} subject(s) are not in the FSGD: {', '.join(others[:MOST_LISTED])}")
    if not problems and tuple(name for name in rows if name in wanted) != tuple(dict.fromkeys(design.subjects)):
        notices.append(
            f"{path}: subjects stand in another order than in the FSGD; we match by name, mri_glmfit by order alone"
        )
    return notices, problems


def _against_subjects_dir(folder: str, stats: str, design: "Design") -> list[str]:
    """Subjects without a folder or without a stats file."""
    from pathlib import Path

    from ..errors import UsageError

    home = Path(folder)
    if not home.is_dir():
        raise UsageError(f"{folder}: subjects directory does not exist; give --sd DIR")
    problems = []
    for name in dict.fromkeys(design.subjects):
        file = home / name / "stats" / stats
        if not (home / name).is_dir():
            problems.append(f"{home / name}: subject does not exist")
        elif not file.is_file():
            problems.append(f"{file}: does not exist; segment the subject first, or give --stats")
    return problems
