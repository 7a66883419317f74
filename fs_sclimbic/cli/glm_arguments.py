"""The flags of fs_sclimbic glm, those of mri_glmfit --table among them, and which of them go together."""

import argparse
from collections.abc import Iterable, Sequence

from .._version import __version__
from .arguments import add_combination_flags, bare_session
from .exclusion_arguments import add_exclusion_flags
from .glm_flag_checks import check_flags
from .mri_glmfit_options import IMAGE_ONLY, WITHOUT_EFFECT

PROGRAM = "sclimbic_glmfit"
DEFAULT_SEED = 1

DESCRIPTION = """\
Fit a design to a table of volumes and test contrasts on every structure: mri_glmfit --table without FreeSurfer.
Subjects are matched by name. Takes the options of mri_glmfit and writes the same files; adds corrected p values,
effect sizes, permutations and figures."""

EPILOG = """\
examples:
  sclimbic_glmfit --table sclimbic.dat --fsgd group.fsgd --C group.mtx --scale-by-etiv --glmdir out
  sclimbic_glmfit --table volumes.csv --fsgd group.fsgd doss --contrast "Patient-Control" --etiv-covariate --glmdir out
  sclimbic_glmfit --table volumes.csv --fsgd group.fsgd --contrast "slope = Patient:Age - Control:Age" \\
      --permutations 10000 --glmdir out
  sclimbic_glmfit --table sclimbic.dat --osgm --glmdir out

Columns of the design by method, for classes Control, Patient and the variable Age:
  dods (default)  Control Patient Control:Age Patient:Age      each class has its own slope
  doss            Control Patient Age                          one slope for all
A DODS or DOSS tag in the FSGD goes before the command line, as in the original. Run once with --no-contrasts-ok to
see the columns.

The output folder appears whole; an earlier fit in it is replaced as a whole, other files in it are a reason to stop.
For each contrast: C.dat, images as mri_glmfit's, results.tsv (effects, intervals, p corrected by Holm and FDR), and
figures. report.html shows everything on one page; methods.md is a paragraph for a paper; analysis.R and analysis.py
compute the numbers again.

exit status: 0 written, 1 failed, 2 the command line makes no sense, 130 interrupted"""


def build_parser() -> argparse.ArgumentParser:
    """The command line of fs_sclimbic glm."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        usage="%(prog)s --table FILE (--fsgd FILE [METHOD] | --X FILE | --osgm) --contrast TEXT ... --glmdir DIR [...]",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_inputs(parser)
    _add_questions(parser)
    _add_scales(parser)
    _add_permutations(parser)
    _add_output(parser)
    _add_leniency(parser)
    return parser


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("what goes in").add_argument
    add(
        "--table",
        metavar="FILE",
        help="subjects in rows, structures in columns: asegstats2table's, sclimbic_stats2table's, "
        "sclimbic_volumes_all.csv, CSV or TSV; told apart by content",
    )
    add(
        "--fsgd",
        metavar=("FILE", "METHOD"),
        nargs="+",
        help="group descriptor file; METHOD dods (default) or doss",
    )
    add(
        "--formula",
        metavar="TEXT",
        help="the design as a formula over columns of --participants: 'group + sex + age', 'group * age', "
        "'group + C(site)' (numbers as groups); 'eTIV' is the table's; --contrast takes names of levels too",
    )
    add("--participants", metavar="FILE", help="CSV or TSV, such as participants.tsv, for --formula and --covariates")
    add(
        "--subject-column", metavar="NAME", default="participant_id", help="in --participants (default: participant_id)"
    )
    add(
        "--covariates",
        metavar="NAME",
        nargs="+",
        default=[],
        help="adjust an FSGD's design for columns of --participants, without crossing: sex age 'C(site)'",
    )
    add("--X", metavar="FILE", help="design matrix, text or Matlab; rows go by order, since it names no subjects")
    add("--osgm", action="store_true", help="one-sample group mean: test the mean of each structure against 0")
    add("--wg", metavar="FILE", help="one weight a row of the design, by which its row of X and y is multiplied")
    add(
        "--allow-missing", action="store_true", help="leave subjects out of the design that the table lacks, and say so"
    )
    add(
        "--match",
        choices=("bids", "exact"),
        default="bids",
        help="find subjects in the table by the same name; bids: else by BIDS entities, 01 or sub-01 for "
        "sub-01_ses-1_T1w, where only one row fits (default: bids)",
    )
    add("--session", metavar="LABEL", type=bare_session, help="only rows of this session, as ses-LABEL in their names")
    add(
        "--exclude-frame",
        metavar="N",
        type=int,
        action="append",
        default=[],
        help="leave out row N of the design, from 0",
    )
    add("--exclude-frame-file", metavar="FILE", help="the same, numbers in a file")
    add_exclusion_flags(
        add, "so is, from the fit of all structures, who has a failed one; results_each.tsv fits each alone"
    )
    add("--columns", metavar="NAME", nargs="+", default=[], help="analyse these structures (default: all)")
    add("--exclude-columns", metavar="NAME", nargs="+", default=[], help="leave these columns out")
    add_combination_flags(add)
    add(
        "--allowsubjrep",
        "--allow-repeated-subjects",
        dest="allowsubjrep",
        action="store_true",
        help="let a person stand in several rows: on several Input lines, or by sessions (sub-01_ses-1, sub-01_ses-2); "
        "p values still take rows for independent",
    )
    add("--fsgd-rescale", action="store_true", help="divide variables by their standard deviation")


def _add_questions(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("what is asked").add_argument
    add(
        "--C",
        metavar=("FILE", "GAMMA0"),
        nargs="+",
        action="append",
        default=[],
        help="contrast matrix, a weight for each column of the design; GAMMA0: file with the null values; repeat",
    )
    add(
        "--contrast",
        metavar="TEXT",
        action="append",
        default=[],
        help="contrast by the names of the columns: 'Patient-Control', 'NAME = (A+B)/2 - C', ';' between rows of an "
        "F-test; repeat",
    )
    add("--no-contrasts-ok", action="store_true", help="fit without a contrast")
    add(
        "--allow-mixed",
        action="store_true",
        help="fit rows that were made with different weights, settings or sources of eTIV, and say which",
    )
    add(
        "--robust",
        action="store_true",
        help="standard errors and tests that hold where variances differ between subjects or classes (HC3)",
    )
    add(
        "--equivalence",
        metavar="BOUND",
        default="",
        help="test whether effects are smaller than this: '5%%' of the structure's mean, or '20' in the unit of the "
        "table (two one-sided tests)",
    )
    add(
        "--bootstrap",
        metavar="N",
        type=int,
        default=0,
        help="add 95 %% intervals by N resamples within classes (BCa; 5000 or more), with --seed",
    )


def _add_scales(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("head size and scale").add_argument
    add("--scale-by-etiv", action="store_true", help="divide every structure by eTIV, times 100000")
    add("--etiv-covariate", action="store_true", help="add eTIV, centred on its mean, to the design: one slope for all")
    add("--analyse-etiv", action="store_true", help="analyse eTIV as if it were a structure (original: always)")
    add("--logy", action="store_true", help="fit the natural logarithm of the values")


def _add_permutations(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("permutations").add_argument
    add(
        "--permutations",
        metavar="N",
        type=int,
        default=0,
        help="add p values by N random permutations (Freedman-Lane), or by all where no more exist",
    )
    add(
        "--seed", metavar="S", type=int, default=DEFAULT_SEED, help=f"same seed, same numbers (default: {DEFAULT_SEED})"
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("output").add_argument
    add("--glmdir", "--o", metavar="DIR", help="output folder")
    add("--yhat-save", "--save-yhat", dest="yhat", action="store_true", help="write yhat (the fit)")
    add("--eres-save", "--save-eres", dest="eres", action="store_true", help="write eres (the residuals)")
    add("--save-cond", dest="cond", action="store_true", help="write cond (condition number of X'X)")
    for suffix in ("mgh", "mgz", "nii", "nii.gz"):
        add(
            f"--{suffix}",
            dest="suffix",
            action="store_const",
            const=f".{suffix}",
            default=".mgh",
            help=f"write images as .{suffix}" + (" (default)" if suffix == "mgh" else ""),
        )
    add("--unsigned-sig", action="store_true", help="sig.table.dat without signs, as FreeSurfer 8 writes it")
    add(
        "--figure-columns",
        type=int,
        choices=(1, 2),
        default=2,
        help="width of figures in columns of a journal's page: 1 (88 mm) or 2 (180 mm; default)",
    )
    add(
        "--figure-formats",
        nargs="+",
        choices=("png", "pdf", "svg"),
        default=["png", "pdf"],
        help="of figures: png (300 dpi), pdf, svg (default: png pdf; report.html holds a png in any case)",
    )
    add("--no-report", action="store_true", help="no figures and no report.html")
    add("--xonly", metavar="FILE", help="write the design matrix to FILE and stop; needs no table")
    add("--checkopts", action="store_true", help="check the command line and stop")


def _add_leniency(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("what is let pass").add_argument
    add("--illcond", action="store_true", help="fit a design whose condition number is above 10000")
    add("--allow-zero-dof", action="store_true", help="fit as many columns as subjects; nothing can be tested then")
    add("--debug", action="store_true", help="print details and tracebacks")
    add("--version", action="version", version=f"fs_sclimbic {__version__}")
    for flag in WITHOUT_EFFECT:
        add(flag, action="store_true", help=argparse.SUPPRESS)


def parse_flags(argv: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; SystemExit or argparse.ArgumentError where it is wrong."""
    parser = build_parser()
    words = _as_spelt_here(argv, {*parser._option_string_actions, *IMAGE_ONLY})
    for word in words:
        if word in IMAGE_ONLY:
            raise argparse.ArgumentError(None, f"{word} {IMAGE_ONLY[word]}; take it out")
    args = parser.parse_args(words)
    check_flags(args)
    return args


def _as_spelt_here(argv: Sequence[str], flags: Iterable[str]) -> list[str]:
    """Flags in our letters, since mri_glmfit takes --c for --C; and --contrast=-A for --contrast -A."""
    known = {flag.lower(): flag for flag in flags}
    words: list[str] = []
    for word in argv:
        name, equals, value = word.partition("=")
        word = f"{known[name.lower()]}{equals}{value}" if word[:2] == "--" and name.lower() in known else word
        if words and words[-1] == "--contrast" and word.startswith("-") and word not in known.values():
            words[-1] += f"={word}"
        else:
            words.append(word)
    return words
