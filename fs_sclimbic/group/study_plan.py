"""What an analysis reads: the table, the design and the contrasts, matched with each other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import UsageError
from ..notice import Notice
from ..qc.exclusion import Exclusion
from .design.contrast import Contrast, named_contrast, read_contrast
from .design.covariates import AS_CLASSES, SUBJECT_COLUMN
from .design.formula import FormulaModel, formula_model
from .design.formula_levels import contrast_of_levels
from .design.matrix_files import read_frames, read_rows
from .design.model import Model, fsgd_model, matrix_model, mean_model
from .doubts.study_doubts import contrast_doubts, data_doubts, refuse_dishonest_rows
from .fit.added_columns import add_covariates
from .fit.adjusted_means import MeanRows, class_rows, level_rows
from .fit.study import COVARIATE, DEFAULT_STUDY_OPTIONS, ETIV_COVARIATE, RAW, SCALED, Study, StudyOptions, assemble
from .harmonize.harmonization_note import harmonization_notices
from .left_out import MarkedTable, check_missing, choose_fitted, known_columns, mark_excluded
from .output.glm_tree import check_names
from .output.study_summary import fitted_design
from .tables.combined import LATERALITY, Way, combined_table
from .tables.provenance import provenance_notices
from .text_table import GroupTable, read_group_table


@dataclass(frozen=True, kw_only=True)
class GlmInputs:
    """The files of an analysis, and what is asked. The design is ``fsgd``, ``matrix``, or ``one_sample`` alone."""

    table: str
    """Subjects in rows, structures in columns."""
    fsgd: str | None = None
    method: str | None = None
    """``dods`` or ``doss``; a tag in the FSGD wins over it."""
    matrix: str | None = None
    """Design matrix, whose rows go by the order of the table."""
    one_sample: bool = False
    """Fit and test the mean alone."""
    allow_repeated: bool = False
    """Let a person stand in several rows: on several Input lines, or by sessions with names of their own."""
    rescale: bool = False
    """Divide the variables by their standard deviation."""
    contrast_files: tuple[tuple[str, str | None], ...] = ()
    """Matrix files, each with a file of null values or None."""
    contrasts: tuple[str, ...] = ()
    """Contrasts by the names of the columns, such as ``Patient-Control``."""
    no_contrasts_ok: bool = False
    excluded_rows_file: str | None = None
    """Further rows of the design to leave out, from 0."""
    allow_mixed: bool = False
    """Take rows that were made with different weights, settings or sources of eTIV."""
    combine: Way | None = None
    """Both sides of each structure together: their sum (``bilateral``) or 2 (L - R) / (L + R) (``laterality``)."""
    groups_file: str | None = None
    """Sums of structures, before ``combine``."""
    formula: str | None = None
    """The design as a formula over the columns of ``participants``, such as ``group + sex + age``."""
    participants: str | None = None
    """Table of participants, for ``formula`` and ``covariates``."""
    subject_column: str = SUBJECT_COLUMN
    """Of ``participants``."""
    covariates: tuple[str, ...] = ()
    """Columns of ``participants`` that are added to the design of an FSGD, not crossed with its classes."""
    exclusion: Exclusion | None = None
    """Who and what is left out because of ratings."""
    options: StudyOptions = DEFAULT_STUDY_OPTIONS
    """What is done with rows and columns."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyPlan:
    """Who is fitted, by which columns, and what is asked."""

    inputs: GlmInputs
    model: Model
    study: Study
    contrasts: tuple[Contrast, ...]
    """With a weight for each column of the study."""
    notices: tuple[Notice, ...]
    """On the design and the data, in the order in which they arise."""
    left_out: tuple[str, ...] = ()
    """What is left out because of ratings, in words for the report."""
    partly_left_out: tuple[str, ...] = ()
    """Subjects of the table that are left out because of single structures."""
    means: MeanRows | None = None
    """The means of classes or levels that can be asked for."""


def read_model(inputs: GlmInputs, n_table_rows: int = 0) -> Model:
    """Read the design.

    Parameters
    ----------
    inputs : GlmInputs
    n_table_rows : int
        Subjects of the table; only a mean without an FSGD needs them.

    Returns
    -------
    Model

    Raises
    ------
    DesignError
        If a file cannot be read.
    """
    if inputs.formula:
        formula = read_formula(inputs)
        if formula.uses_etiv:
            raise UsageError(f"formula '{inputs.formula}': without a table there is no eTIV to add")
        return formula.model
    if inputs.matrix:
        return matrix_model(inputs.matrix)
    if not inputs.fsgd:
        return mean_model(n_table_rows)
    return fsgd_model(
        inputs.fsgd,
        method=inputs.method,
        one_sample=inputs.one_sample,
        allow_repeated=inputs.allow_repeated,
        rescale=inputs.rescale,
    )


def read_formula(inputs: GlmInputs, subjects: Sequence[str] | None = None) -> FormulaModel:
    """Read the design of a formula.

    Parameters
    ----------
    inputs : GlmInputs
    subjects : sequence of str, optional
        Over whom; by default over all participants.

    Returns
    -------
    FormulaModel

    Raises
    ------
    DesignError
        If it cannot be read.
    UsageError
        Without a table of participants.
    """
    if not inputs.formula or not inputs.participants:
        raise UsageError("a formula needs a table of participants: --participants FILE")
    return formula_model(
        inputs.formula, inputs.participants, subject_column=inputs.subject_column,
        drop_missing=inputs.options.allow_missing, subjects=subjects,
    )  # fmt: skip


def plan_study(inputs: GlmInputs) -> StudyPlan:
    """Read everything, and bring table, design and contrasts together.

    Parameters
    ----------
    inputs : GlmInputs

    Returns
    -------
    StudyPlan

    Raises
    ------
    TableError, DesignError, UsageError
        If a file cannot be read, names do not match, there is no contrast, or no honest p value comes of the rows.
    """
    raw = read_group_table(inputs.table, missing_ok=inputs.exclusion is not None)
    marked = _mark(inputs, raw)
    table, combined = combined_table(marked.table if marked else raw, inputs.combine, inputs.groups_file)
    if table.measure == LATERALITY and inputs.options.etiv == SCALED:
        raise UsageError(f"{inputs.table}: laterality has no unit, so that --scale-by-etiv has nothing to scale")
    formula = read_formula(inputs) if inputs.formula else None
    model = formula.model if formula else read_model(inputs, len(table.subjects))
    frames = read_frames(inputs.excluded_rows_file) if inputs.excluded_rows_file else ()
    options = replace(inputs.options, exclude=(*inputs.options.exclude, *frames))
    if formula and formula.uses_etiv:
        if options.etiv == SCALED:
            raise UsageError("--scale-by-etiv and eTIV in the formula both account for head size: give one of them")
        options = replace(options, etiv=COVARIATE)
    table, options, left_out, partly = _leave_out(inputs, marked, table, model, options)
    study = assemble(model, table, options, inputs.table)
    if formula and 0 < len(study.kept) < len(model.matrix):
        formula, model, study = _formula_of_fitted(inputs, formula, study, table, options)
    if inputs.covariates and inputs.participants:
        study = add_covariates(
            study, model, inputs.covariates, inputs.participants, subject_column=inputs.subject_column
        )
    raw = known_columns(raw, study.subjects)
    # Names that stand twice were allowed before: by the flag, or by mri_glmfit's environment variable.
    allow_repeated = inputs.allow_repeated or len(set(study.subjects)) < len(study.subjects)
    refuse_dishonest_rows(study, raw, inputs.table, allow_repeated=allow_repeated)
    contrasts = _contrasts(inputs, model, study.columns, formula)
    check_names(contrasts)
    made = _how_rows_were_made(inputs, table.subjects, study)
    doubts = [*combined, *data_doubts(study, raw), *contrast_doubts(study, fitted_design(study), contrasts)]
    study = replace(study, notices=(*study.notices, *made, *doubts))
    design_notice = Notice("note", f"design: {model.description}")
    return StudyPlan(
        inputs=inputs,
        model=model,
        study=study,
        contrasts=contrasts,
        notices=(*model.notices, design_notice, *_told(left_out, marked), *study.notices),
        left_out=left_out,
        partly_left_out=partly,
        means=level_rows(formula.mean_names, formula.mean_rows, len(study.columns)) if formula else class_rows(study),
    )


def _told(left_out: tuple[str, ...], marked: MarkedTable | None) -> list[Notice]:
    """What was left out; a warning where something may stay in unnoticed."""
    doubts = marked.doubts if marked else ()
    return [Notice("warning" if line in doubts else "note", line) for line in left_out]


def _formula_of_fitted(
    inputs: GlmInputs, formula: FormulaModel, study: Study, table: GroupTable, options: StudyOptions
) -> tuple[FormulaModel, Model, Study]:
    """The formula over the subjects who are fitted: means and levels are theirs.

    Rows of the model, by which weights go, stay those of all participants.
    """
    model = formula.model
    anew = read_formula(inputs, [(model.subjects or ())[row] for row in study.kept])
    fitted = assemble(anew.model, table, replace(options, exclude=()), inputs.table)
    notices = dict.fromkeys((*(one for one in model.notices if one not in formula.references), *anew.model.notices))
    model = replace(model, columns=anew.model.columns, description=anew.model.description, notices=tuple(notices))
    return anew, model, replace(study, columns=fitted.columns, matrix=fitted.matrix)


def _how_rows_were_made(inputs: GlmInputs, rows: tuple[str, ...], study: Study) -> list[Notice]:
    """Weights, settings and source of eTIV of the rows that are fitted; an error if they differ."""
    subjects = set(study.subjects)
    fitted = [name for name in rows if name in subjects] or list(rows)
    with_etiv = study.options.etiv != RAW or study.options.analyse_etiv
    table = Path(inputs.table)
    return [
        *provenance_notices(table, fitted, with_etiv=with_etiv, allow_mixed=inputs.allow_mixed),
        *harmonization_notices(table, study.subjects, study.matrix, study.columns, _used_values(inputs, study)),
    ]


def _used_values(inputs: GlmInputs, study: Study) -> tuple[str, ...]:
    """Names of the numbers and covariates of a design, as tables of participants call them."""
    covariates = [found["name"] if (found := AS_CLASSES.fullmatch(name)) else name for name in inputs.covariates]
    variables = study.design.variables if study.design else ()
    return (*variables, *covariates, *((ETIV_COVARIATE,) if study.options.etiv != RAW else ()))


def _mark(inputs: GlmInputs, raw: GroupTable) -> MarkedTable | None:
    """The table in which what ratings exclude is nan; None without ratings."""
    if inputs.exclusion is None:
        return None
    marked = mark_excluded(raw, inputs.exclusion, inputs.table, inputs.options.names)
    check_missing(raw, marked, inputs.table)
    return marked


def _leave_out(
    inputs: GlmInputs, marked: MarkedTable | None, table: GroupTable, model: Model, options: StudyOptions
) -> tuple[GroupTable, StudyOptions, tuple[str, ...], tuple[str, ...]]:
    """The table and the options without what ratings exclude, that in words, and who lacks single structures."""
    if inputs.exclusion is None or marked is None:
        return table, options, (), ()
    part = choose_fitted(
        replace(marked, table=table),
        model.subjects,
        inputs.exclusion,
        columns=options.columns,
        exclude_columns=options.exclude_columns,
        rule=options.names,
    )
    dropped = set(table.columns).difference(part.table.columns)
    left = tuple(name for name in options.exclude_columns if name not in dropped)
    options = replace(options, exclude=(*options.exclude, *part.rows), exclude_columns=left)
    return part.table, options, (*marked.said, *part.said), part.partly


def _contrasts(
    inputs: GlmInputs, model: Model, columns: tuple[str, ...], formula: FormulaModel | None = None
) -> tuple[Contrast, ...]:
    """All contrasts, with a weight for each column of the study."""
    if inputs.one_sample:
        return (Contrast("osgm", np.eye(1, len(columns))),)
    tagged = model.design.contrasts if model.design else ()
    if tagged and (inputs.contrast_files or inputs.contrasts):
        raise UsageError(
            f"cannot have contrasts in FSGD and on the command-line: {inputs.fsgd} has "
            f"{', '.join(contrast.name for contrast in tagged)}"
        )
    if not (tagged or inputs.contrast_files or inputs.contrasts or inputs.no_contrasts_ok):
        raise UsageError(
            f"no contrasts specified: give --contrast or --C (columns {', '.join(columns)}), or --no-contrasts-ok"
        )
    other = model.design.other_columns if model.design else {}
    found = list(tagged)
    for path, gamma0 in inputs.contrast_files:
        names = columns if _width(path) in (None, len(columns)) else model.columns
        found.append(read_contrast(path, names, gamma0, other_columns=other))
    if formula:
        found += [
            contrast_of_levels(text, columns, formula.level_names, formula.level_rows) for text in inputs.contrasts
        ]
    else:
        found += [named_contrast(text, columns, other_columns=other) for text in inputs.contrasts]
    # A contrast of the FSGD's columns leaves the added eTIV alone.
    return tuple(replace(c, matrix=np.pad(c.matrix, ((0, 0), (0, len(columns) - c.matrix.shape[1])))) for c in found)


def _width(path: str) -> int | None:
    """Weights in the first row of a matrix file; None where there is no file."""
    return len(read_rows(Path(path), "contrast")[0][1]) if Path(path).exists() else None
