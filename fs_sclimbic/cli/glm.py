"""fs_sclimbic glm: fit a design to a table and test contrasts, as mri_glmfit --table does, and what a study needs."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .arguments import ALL_DONE, BAD_USAGE
from .glm_arguments import PROGRAM, parse_flags
from .guard import in_one_line, signals_interrupt

if TYPE_CHECKING:
    from ..group.design.contrast import Contrast
    from ..group.fit.glm import Fit
    from ..group.fit.results import GroupResult
    from ..group.fit.rows import Model
    from ..group.fit.study import Study, StudyOptions

WARNING = "warning: "
"""Notices that begin so go to standard error."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run fs_sclimbic glm; returns 0, 1 (failed) or 2 (usage)."""
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        args = parse_flags(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    except argparse.ArgumentError as error:
        print(f"{PROGRAM}: error: {error}", file=sys.stderr)
        return BAD_USAGE
    if args.checkopts:
        print("the command line is fine")
        return ALL_DONE
    return in_one_line(PROGRAM, args.debug, lambda: _run(args, [PROGRAM, *argv]))


def _run(args: argparse.Namespace, command: list[str]) -> int:
    from ..files.staging import encode_text, write_atomically
    from ..group.fit.study import assemble
    from ..group.output.glm_tree import check_names, check_replaceable, format_matrix
    from ..group.text_table import read_group_table

    if args.xonly:
        model, _ = _model(args, 0)
        write_atomically(args.xonly, encode_text(format_matrix(model.matrix)))
        print(f"wrote {args.xonly}: {len(model.matrix)} rows, columns {', '.join(model.columns)}")
        return ALL_DONE
    replaced = check_replaceable(args.glmdir)  # before any work is done
    table = read_group_table(args.table)
    model, said = _model(args, len(table.subjects))
    study = assemble(model, table, _options(args), args.table)
    contrasts = _contrasts(args, model, study)
    check_names(contrasts)
    for line in (*said, *study.notices):
        print(line, file=sys.stderr if line.startswith(WARNING) else sys.stdout)
    condition, lines = _check_design(args, study, contrasts)
    print("\n".join(lines))
    fit, results = _analyse(args, study, model, contrasts)
    notes = [*said, *study.notices, *lines]
    _write(args, command, study, model, fit, results, condition, notes)
    if replaced:
        print(f"replaced the earlier fit in {args.glmdir} as a whole; its contrasts were {', '.join(replaced)}")
    page = os.path.join(args.glmdir, "report.html")
    print(f"wrote {args.glmdir}" + (f"; look at {page}" if os.path.exists(page) else ""))
    return ALL_DONE


def _model(args: argparse.Namespace, n_table: int) -> "tuple[Model, list[str]]":
    """The design as it is given, and what to say about it."""
    import numpy as np

    from ..group.design.fsgd import read_fsgd
    from ..group.fit.rows import Model
    from ..group.output.glm_files import read_design_matrix

    if args.X:
        matrix = read_design_matrix(args.X)
        names = tuple(f"X{number + 1}" for number in range(matrix.shape[1]))
        return Model(names, matrix, None, None, args.X), [f"design: {args.X}, columns {', '.join(names)}"]
    if not args.fsgd:
        return Model(("Mean",), np.ones((n_table, 1)), None, None, "--osgm"), ["design: one-sample group mean"]
    asked = args.fsgd[1] if len(args.fsgd) == 2 else None
    design, warnings = read_fsgd(args.fsgd[0], asked, args.allowsubjrep, args.fsgd_rescale)
    said = [f"{WARNING}{text}" for text in warnings]
    if args.osgm:
        said.append(f"design: one-sample group mean of the subjects in {args.fsgd[0]}")
        ones = np.ones((len(design.subjects), 1))
        return Model(("Mean",), ones, design.subjects, design, args.fsgd[0]), said
    why = (
        "by a tag in the file, which goes before the command line"
        if design.method_in_file
        else "as asked for"
        if asked and asked.lower() != "none"
        else "by default"
    )
    meaning = "each class has its own slope" if design.method == "dods" else "one slope for all classes"
    said.append(f"design: {args.fsgd[0]}, method {design.method} ({why}): {meaning}")
    return Model(design.columns, design.matrix, design.subjects, design, args.fsgd[0]), said


def _options(args: argparse.Namespace) -> "StudyOptions":
    from ..group.fit.study import COVARIATE, RAW, SCALED, StudyOptions
    from ..group.output.glm_files import read_frames

    frames = read_frames(args.exclude_frame_file) if args.exclude_frame_file else ()
    return StudyOptions(
        etiv=SCALED if args.scale_by_etiv else COVARIATE if args.etiv_covariate else RAW,
        analyse_etiv=args.analyse_etiv,
        logarithm=args.logy,
        allow_missing=args.allow_missing,
        exclude=(*args.exclude_frame, *frames),
        columns=tuple(args.columns),
        exclude_columns=tuple(args.exclude_columns),
    )


def _contrasts(args: argparse.Namespace, model: "Model", study: "Study") -> "list[Contrast]":
    """All contrasts, with a weight for each column of the study."""
    import numpy as np

    from ..errors import UsageError
    from ..group.design.contrast import Contrast, named_contrast, read_contrast

    if args.osgm:
        return [Contrast("osgm", np.eye(1, len(study.columns)))]
    tagged = model.design.contrasts if model.design else ()
    if tagged and (args.C or args.contrast):
        raise UsageError(
            f"cannot have contrasts in FSGD and on the command-line: {args.fsgd[0]} has "
            f"{', '.join(contrast.name for contrast in tagged)}"
        )
    if not (tagged or args.C or args.contrast or args.no_contrasts_ok):
        raise UsageError(
            f"no contrasts specified: give --contrast or --C (columns {', '.join(study.columns)}), or --no-contrasts-ok"
        )
    other = model.design.other_columns if model.design else {}
    found = list(tagged)
    for words in args.C:
        null = words[1] if len(words) == 2 else None
        columns = study.columns if _width(words[0]) in (None, len(study.columns)) else model.columns
        found.append(read_contrast(words[0], columns, null, other_columns=other))
    found += [named_contrast(text, study.columns, other_columns=other) for text in args.contrast]
    added = len(study.columns)
    return [
        # A contrast of the FSGD's columns leaves the added eTIV alone.
        Contrast(c.name, np.pad(c.matrix, ((0, 0), (0, added - c.matrix.shape[1]))), c.gamma0)
        for c in found
    ]


def _width(path: str) -> int | None:
    """Weights in the first row of a matrix file; None where there is no file."""
    from pathlib import Path

    from ..group.design.contrast import read_rows

    if not Path(path).exists():
        return None
    return len(read_rows(Path(path), "contrast")[0][1])


def _check_design(args: argparse.Namespace, study: "Study", contrasts: "list[Contrast]") -> tuple[float, list[str]]:
    """Condition number of the design, and lines about design and contrasts; a bad design is refused."""
    import numpy as np

    from ..errors import DesignError
    from ..group.design.design import condition_number
    from ..group.output.study_summary import describe_study, fitted_design, ill_conditioned, notes_at_zero

    condition = condition_number(study.matrix)
    problem = ill_conditioned(study, condition)
    if problem and not (args.illcond and np.isfinite(condition)):
        raise DesignError(problem)
    return condition, [
        *describe_study(study, contrasts),
        *notes_at_zero(fitted_design(study), contrasts),
        f"Normalized matrix condition is {condition:g}",
    ]


def _analyse(
    args: argparse.Namespace, study: "Study", model: "Model", contrasts: "list[Contrast]"
) -> "tuple[Fit, list[GroupResult]]":
    from ..group.fit.glm import fit_glm
    from ..group.fit.results import group_result
    from ..group.output.glm_files import read_weights
    from ..group.output.study_summary import fitted_design, tested_at

    weights = read_weights(args.wg, len(model.matrix))[list(study.kept)] if args.wg else None
    fit = fit_glm(study.matrix, study.values, weights, allow_zero_dof=args.allow_zero_dof)
    results = [
        group_result(
            fit, c, study.structures, study.family,
            logarithm=args.logy, permutations=args.permutations, seed=args.seed,
            tested_at=tested_at(fitted_design(study), c),
        )
        for c in contrasts
    ]  # fmt: skip
    return fit, results


def _write(
    args: argparse.Namespace,
    command: list[str],
    study: "Study",
    model: "Model",
    fit: "Fit",
    results: "list[GroupResult]",
    condition: float,
    notes: list[str],
) -> None:
    """Print the table of sig, and put the output folder in place."""
    from ..files.staging import encode_text
    from ..group.fit.results import format_results, format_rows
    from ..group.output.glm_files import LogFacts, format_log, format_y_fsgd
    from ..group.output.glm_tree import LOG, TreeOptions, sig_table, tree_files, write_tree

    contrasts, tests = [r.contrast for r in results], [r.test for r in results]
    options = TreeOptions(args.suffix, args.yhat, args.eres, args.cond, args.unsigned_sig)
    files = tree_files(
        study.measure, study.subjects, study.structures, study.table, fit, contrasts, tests, args.seed, options
    )
    table = os.path.abspath(args.table)
    if study.design:
        files["y.fsgd"] = encode_text(
            format_y_fsgd(
                study.design, table, PROGRAM, args.seed, logarithm=args.logy,
                subjects_dir=os.environ.get("SUBJECTS_DIR", ""),
            )
        )  # fmt: skip
    for result in results:
        files[f"{result.contrast.name}/results.tsv"] = encode_text(format_results(result))
        if not result.test.is_t:
            rows = format_rows(result, study.columns)
            files[f"{result.contrast.name}/results_rows.tsv"] = encode_text(rows)
    if not args.no_report and results:
        files.update(_report(args, command, study, fit, results, condition, notes))
    facts = LogFacts(
        PROGRAM, command, table, args.glmdir, args.fsgd[0] if args.fsgd else None, args.X, args.wg, args.osgm,
        args.logy, args.illcond, len(study.structures), notes,
    )  # fmt: skip
    files[LOG] = encode_text(format_log(facts))
    if results:
        print("sig: -log10(p), with the sign of gamma for a contrast of one row; not corrected")
        print(sig_table(study.measure, study.structures, contrasts, tests, unsigned=args.unsigned_sig), end="")
    with signals_interrupt():  # a scheduler's signal leaves no half a folder
        write_tree(args.glmdir, files)


def _report(
    args: argparse.Namespace,
    command: list[str],
    study: "Study",
    fit: "Fit",
    results: "list[GroupResult]",
    condition: float,
    notes: list[str],
) -> dict[str, bytes]:
    """Figures and the page; without matplotlib the page alone."""
    import shlex

    from ..errors import UsageError
    from ..files.staging import encode_text
    from ..group.output.plots import forest_plot, pyplot, structure_plots, value_label
    from ..group.output.report import ReportText, report_page, study_title
    from ..group.output.study_summary import fitted_design, notes_at_zero

    files: dict[str, bytes] = {}
    figures: dict[str, list[bytes]] = {}
    try:
        pyplot()
        with_figures = study.family.any() and fit.dof > 0
    except UsageError as error:
        print(f"no figures: {error}")
        with_figures = False
    for result in results if with_figures else ():
        if not result.family.any():
            continue
        pages = structure_plots(study, fit, result, value_label(study))
        name, forest = result.contrast.name, forest_plot(study, fit, result)
        files[f"{name}/forest.png"] = forest
        files |= {f"{name}/structures{f'_{i}' if i > 1 else ''}.png": page for i, page in enumerate(pages, 1)}
        figures[name] = [forest, *pages]
    design = next((line.removeprefix("design: ") for line in notes if line.startswith("design: ")), "")
    method = [line for line in notes if line.startswith(WARNING) and line not in study.notices]
    method += notes_at_zero(fitted_design(study), [result.contrast for result in results])
    if study.design and study.design.variables:
        method.append(f"variables {'demeaned over all subjects' if study.design.demean else 'not demeaned'}")
    text = ReportText(
        study_title(args.glmdir, study.design), shlex.join(command), args.table, design,
        method, condition, args.seed,
    )  # fmt: skip
    files["report.html"] = encode_text(report_page(text, study, fit, results, figures))
    return files
