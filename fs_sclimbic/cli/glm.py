"""fs_sclimbic glm: fit a design to a table and test contrasts, as mri_glmfit --table does, and what a study needs."""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .arguments import ALL_DONE, BAD_USAGE
from .exclusion_arguments import read_given_exclusion
from .glm_arguments import PROGRAM, parse_flags
from .guard import in_one_line, signals_interrupt
from .pipes import outlive_readers
from .terminal import printable

if TYPE_CHECKING:
    from ..group.analysis_options import FitOptions, OutputOptions
    from ..group.study_plan import GlmInputs
    from ..notice import Notice


def main(argv: Sequence[str] | None = None) -> int:
    """Run fs_sclimbic glm; returns 0, 1 (failed) or 2 (usage)."""
    outlive_readers()
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        args = parse_flags(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    except argparse.ArgumentError as error:
        print(printable(f"{PROGRAM}: error: {error}"), file=sys.stderr)
        return BAD_USAGE
    if args.checkopts:
        print("the command line is fine")
        return ALL_DONE
    action = _write_matrix if args.xonly else _analyse
    return in_one_line(PROGRAM, args.debug, lambda: action(args, [PROGRAM, *argv]))


def _write_matrix(args: argparse.Namespace, _command: list[str]) -> int:
    from ..files.staging import encode_text, write_atomically
    from ..group.design.matrix_files import format_matrix
    from ..group.study_plan import read_model

    model = read_model(_inputs(args))
    write_atomically(args.xonly, encode_text(format_matrix(model.matrix)))
    print(printable(f"wrote {args.xonly}: {len(model.matrix)} rows, columns {', '.join(model.columns)}"))
    return ALL_DONE


def _analyse(args: argparse.Namespace, command: list[str]) -> int:
    from ..group.analysis import check_design, fit_and_test, result_files
    from ..group.each_structure import fit_each_structure
    from ..group.output.glm_tree import check_replaceable, write_tree
    from ..group.output.report import REPORT
    from ..group.study_plan import plan_study

    replaced = check_replaceable(args.glmdir)  # before any work is done
    options = _fit_options(args)
    plan = plan_study(_inputs(args))
    _print(plan.notices)
    check = check_design(plan, options)
    print(printable("\n".join(check.summary)))
    analysis = fit_and_test(plan, check, options)
    _print(analysis.notices)
    made, each = result_files(analysis, args.glmdir, _output(args, command)), fit_each_structure(analysis)
    _print(made.notices)
    print(printable("".join(f"{line}\n" for line in each.said)), end="")
    if made.sig_table:
        print("sig: -log10(p), with the sign of gamma for a contrast of one row; not corrected")
        print(printable(made.sig_table), end="")
    with signals_interrupt():  # a scheduler's signal leaves no half a folder
        write_tree(args.glmdir, made.files | each.files)
    if replaced:
        print(
            printable(f"replaced the earlier fit in {args.glmdir} as a whole; its contrasts were {', '.join(replaced)}")
        )
    page = f"; look at {os.path.join(args.glmdir, REPORT)}" if REPORT in made.files else ""
    print(f"wrote {args.glmdir}{page}")
    return ALL_DONE


def _print(notices: "Iterable[Notice]") -> None:
    """Warnings go to standard error."""
    from ..group.output.glm_files import notice_line

    for notice in notices:
        print(printable(notice_line(notice)), file=sys.stderr if notice.severity == "warning" else sys.stdout)


def _inputs(args: argparse.Namespace) -> "GlmInputs":
    from ..group.fit.study import COVARIATE, RAW, SCALED, StudyOptions
    from ..group.name_matching import NameRule
    from ..group.study_plan import GlmInputs

    fsgd, method = [*(args.fsgd or ()), None, None][:2]
    return GlmInputs(
        table=args.table,
        fsgd=fsgd,
        method=method,
        matrix=args.X,
        one_sample=args.osgm,
        allow_repeated=args.allowsubjrep,
        rescale=args.fsgd_rescale,
        contrast_files=tuple((words[0], words[1] if len(words) == 2 else None) for words in args.C),
        contrasts=tuple(args.contrast),
        no_contrasts_ok=args.no_contrasts_ok,
        allow_mixed=args.allow_mixed,
        excluded_rows_file=args.exclude_frame_file,
        formula=args.formula,
        participants=args.participants,
        subject_column=args.subject_column,
        covariates=tuple(args.covariates),
        exclusion=read_given_exclusion(args),
        combine=args.combine,
        groups_file=args.groups,
        options=StudyOptions(
            etiv=SCALED if args.scale_by_etiv else COVARIATE if args.etiv_covariate else RAW,
            analyse_etiv=args.analyse_etiv,
            logarithm=args.logy,
            allow_missing=args.allow_missing,
            names=NameRule(match=args.match, session=args.session),
            exclude=tuple(args.exclude_frame),
            columns=tuple(args.columns),
            exclude_columns=tuple(args.exclude_columns),
        ),
    )


def _fit_options(args: argparse.Namespace) -> "FitOptions":
    from ..group.analysis_options import FitOptions
    from ..group.fit.equivalence import parse_bound

    return FitOptions(
        weights=args.wg,
        permutations=args.permutations,
        seed=args.seed,
        ill_conditioned_ok=args.illcond,
        zero_dof_ok=args.allow_zero_dof,
        robust=args.robust,
        bootstrap=args.bootstrap,
        bound=parse_bound(args.equivalence) if args.equivalence else None,
    )


def _output(args: argparse.Namespace, command: list[str]) -> "OutputOptions":
    from ..group.analysis_options import OutputOptions
    from ..group.output.figure_style import FigureOptions
    from ..group.output.glm_tree import TreeOptions

    return OutputOptions(
        program=PROGRAM,
        command=command,
        tree=TreeOptions(
            suffix=args.suffix, yhat=args.yhat, eres=args.eres, cond=args.cond, unsigned_sig=args.unsigned_sig
        ),
        report=not args.no_report,
        figures=FigureOptions(args.figure_columns, tuple(args.figure_formats)),
        subjects_dir=os.environ.get("SUBJECTS_DIR", ""),
    )
