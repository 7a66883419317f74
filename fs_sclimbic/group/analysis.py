"""The group analysis: read a table and a design, fit, test contrasts, and write what mri_glmfit writes and more.

The steps are functions, each on the value of the one before: `plan_study`, `check_design`, `fit_and_test`,
`result_files`. `analyse` does the first three at once, `write_analysis` the last and puts the folder in place.
"""

import os
import shlex
from dataclasses import dataclass
from os import PathLike

import numpy as np

from ..errors import DesignError
from ..files.staging import encode_text
from ..notice import Notice
from .analysis_options import DEFAULT_FIT, DEFAULT_OUTPUT, FitOptions, OutputOptions
from .design.design import condition_number
from .design.design_summary import notes_at_zero, tested_at
from .design.matrix_files import read_weights
from .doubts.study_doubts import doubt_results
from .effects import EffectFiles, effect_files
from .fit.glm import Fit, fit_glm
from .fit.results import GroupResult, group_result, how_tested
from .fit.robust import refuse_full_leverage
from .output.contrast_tables import contrast_tables
from .output.glm_files import NOTICES, LogFacts, format_log, format_notices, format_y_fsgd, notice_line
from .output.glm_tree import LOG, sig_table, tree_files, write_tree
from .output.report import ReportText, report_files, study_title
from .output.study_summary import describe_study, fitted_design, ill_conditioned
from .paper_files import PaperFiles, paper_files
from .study_plan import GlmInputs, StudyPlan, plan_study


@dataclass(frozen=True)
class DesignCheck:
    """A design that can be fitted."""

    condition: float
    """Normalised condition number of X'X."""
    summary: tuple[str, ...]
    """Lines about the design and its contrasts."""


@dataclass(frozen=True, kw_only=True, eq=False)
class GroupAnalysis:
    """A fit and its tested contrasts."""

    plan: StudyPlan
    check: DesignCheck
    options: FitOptions
    fit: Fit
    results: tuple[GroupResult, ...]
    """One a contrast."""
    notices: tuple[Notice, ...] = ()
    """On the results; those on the data are the plan's."""


def analyse(inputs: GlmInputs, options: FitOptions = DEFAULT_FIT) -> GroupAnalysis:
    """Read a table and a design, match them, fit, and test the contrasts; nothing is written.

    Parameters
    ----------
    inputs : GlmInputs
    options : FitOptions

    Returns
    -------
    GroupAnalysis

    Raises
    ------
    TableError, DesignError, UsageError
        If a file cannot be read, names do not match, or the design cannot be fitted.
    """
    plan = plan_study(inputs)
    return fit_and_test(plan, check_design(plan, options), options)


def check_design(plan: StudyPlan, options: FitOptions) -> DesignCheck:
    """Describe the design and its contrasts.

    Parameters
    ----------
    plan : StudyPlan
    options : FitOptions

    Returns
    -------
    DesignCheck

    Raises
    ------
    DesignError
        If the design is ill-conditioned and that is not allowed.
    """
    study = plan.study
    condition = condition_number(study.matrix)
    problem = ill_conditioned(study, condition)
    if problem and not (options.ill_conditioned_ok and np.isfinite(condition)):
        raise DesignError(problem)
    lines = (
        *describe_study(study, plan.contrasts),
        *notes_at_zero(fitted_design(study), plan.contrasts),
        f"Normalized matrix condition is {condition:g}",
    )
    return DesignCheck(condition, lines)


def fit_and_test(plan: StudyPlan, check: DesignCheck, options: FitOptions) -> GroupAnalysis:
    """Fit the design to every structure, and test every contrast.

    Parameters
    ----------
    plan : StudyPlan
    check : DesignCheck
    options : FitOptions

    Returns
    -------
    GroupAnalysis

    Raises
    ------
    DesignError
        If the weights cannot be read, or the design cannot be fitted.
    """
    study = plan.study
    weights = read_weights(options.weights, len(plan.model.matrix))[list(study.kept)] if options.weights else None
    fit = fit_glm(study.matrix, study.values, weights, allow_zero_dof=options.zero_dof_ok)
    if options.robust:
        refuse_full_leverage(fit, study.subjects)
    tested = tuple(
        group_result(
            fit,
            contrast,
            study.structures,
            study.family,
            logarithm=study.options.logarithm,
            permutations=options.permutations,
            seed=options.seed,
            tested_at=tested_at(fitted_design(study), contrast),
            robust=options.robust,
        )
        for contrast in plan.contrasts
    )
    results, doubts = doubt_results(study, fit, fitted_design(study), tested, robust=options.robust)
    notices = (*how_tested(results, seed=options.seed, robust=options.robust), *doubts)
    return GroupAnalysis(plan=plan, check=check, options=options, fit=fit, results=results, notices=notices)


@dataclass(frozen=True)
class ResultFiles:
    """The output folder before it is written."""

    files: dict[str, bytes]
    """Content by path within the folder."""
    sig_table: str
    """The text of sig.table.dat; empty without a contrast."""
    notices: tuple[Notice, ...]
    """What could not be made."""


def result_files(
    analysis: GroupAnalysis, glmdir: str | PathLike[str], output: OutputOptions = DEFAULT_OUTPUT
) -> ResultFiles:
    """Everything that goes into the output folder.

    Parameters
    ----------
    analysis : GroupAnalysis
    glmdir : path-like
        Only its name is used, for the log and the report.
    output : OutputOptions

    Returns
    -------
    ResultFiles
    """
    plan, fit, results, seed = analysis.plan, analysis.fit, analysis.results, analysis.options.seed
    study, notices = plan.study, list[Notice]()
    files = tree_files(study, fit, results, seed=seed, options=output.tree)
    table = os.path.abspath(plan.inputs.table)
    if study.design:
        files["y.fsgd"] = encode_text(
            format_y_fsgd(
                study.design,
                table=table,
                program=output.program,
                seed=seed,
                logarithm=study.options.logarithm,
                subjects_dir=output.subjects_dir,
            )
        )
    for result in results:
        files |= contrast_tables(study, result)
    effects = effect_files(
        plan, fit, results, resamples=analysis.options.bootstrap, seed=seed, bound=analysis.options.bound,
        robust=analysis.options.robust,
    )  # fmt: skip
    files |= effects.files
    files[NOTICES] = encode_text(format_notices((*plan.notices, *analysis.notices)))
    if results:
        paper = paper_files(plan, fit, results, robust=analysis.options.robust, seed=seed)
        files |= paper.files
    if output.report and results:
        more, notices = report_files(_report_text(analysis, glmdir, output, paper, effects), study, fit, results)
        files |= more
    files[LOG] = encode_text(format_log(_log_facts(analysis, glmdir, output, table)))
    text = sig_table(study, results, unsigned=output.tree.unsigned_sig) if results else ""
    return ResultFiles(files, text, tuple(notices))


def write_analysis(
    analysis: GroupAnalysis, glmdir: str | PathLike[str], output: OutputOptions = DEFAULT_OUTPUT
) -> ResultFiles:
    """Write the output folder, whole or not at all; an earlier fit in it is replaced.

    Parameters
    ----------
    analysis : GroupAnalysis
    glmdir : path-like
    output : OutputOptions

    Returns
    -------
    ResultFiles

    Raises
    ------
    TableError
        If the folder holds something that is no result of a fit.
    """
    made = result_files(analysis, glmdir, output)
    write_tree(glmdir, made.files)
    return made


def _report_text(
    analysis: GroupAnalysis,
    glmdir: str | PathLike[str],
    output: OutputOptions,
    paper: PaperFiles,
    effects: EffectFiles,
) -> ReportText:
    plan = analysis.plan
    design = plan.study.design
    method = [notice_line(notice) for notice in plan.model.notices]
    method += [*plan.left_out, *notes_at_zero(fitted_design(plan.study), plan.contrasts)]
    if design and design.variables:
        method.append(f"variables {'demeaned over all subjects' if design.demean else 'not demeaned'}")
    return ReportText(
        title=study_title(glmdir, design),
        command=shlex.join(output.command),
        table=plan.inputs.table,
        design=plan.model.description,
        method=method,
        condition=analysis.check.condition,
        seed=analysis.options.seed,
        notices=analysis.notices,
        methods=paper.methods,
        made=paper.made,
        figures=output.figures,
        sections=effects.sections,
    )


def _log_facts(analysis: GroupAnalysis, glmdir: str | PathLike[str], output: OutputOptions, table: str) -> LogFacts:
    plan, inputs = analysis.plan, analysis.plan.inputs
    return LogFacts(
        program=output.program,
        command=output.command,
        table=table,
        glmdir=os.fspath(glmdir),
        fsgd=inputs.fsgd,
        matrix=inputs.matrix,
        weights=analysis.options.weights,
        one_sample=inputs.one_sample,
        logarithm=plan.study.options.logarithm,
        ill_conditioned_ok=analysis.options.ill_conditioned_ok,
        n_structures=len(plan.study.structures),
        notes=[*map(notice_line, plan.notices), *analysis.check.summary, *map(notice_line, analysis.notices)],
    )
