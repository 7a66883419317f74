"""What an analysis reads: the table, the design and the contrasts, matched with each other."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import UsageError
from ..notice import Notice
from .design.contrast import Contrast, named_contrast, read_contrast
from .design.matrix_files import read_frames, read_rows
from .design.model import Model, fsgd_model, matrix_model, mean_model
from .doubts.study_doubts import contrast_doubts, data_doubts, refuse_dishonest_rows
from .fit.study import DEFAULT_STUDY_OPTIONS, Study, StudyOptions, assemble
from .output.glm_tree import check_names
from .output.study_summary import fitted_design
from .text_table import read_group_table


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
    table = read_group_table(inputs.table)
    model = read_model(inputs, len(table.subjects))
    frames = read_frames(inputs.excluded_rows_file) if inputs.excluded_rows_file else ()
    options = replace(inputs.options, exclude=(*inputs.options.exclude, *frames))
    study = assemble(model, table, options, inputs.table)
    # Names that stand twice were allowed before: by the flag, or by mri_glmfit's environment variable.
    allow_repeated = inputs.allow_repeated or len(set(study.subjects)) < len(study.subjects)
    refuse_dishonest_rows(study, table, inputs.table, allow_repeated=allow_repeated)
    contrasts = _contrasts(inputs, model, study.columns)
    check_names(contrasts)
    doubts = [*data_doubts(study, table), *contrast_doubts(study, fitted_design(study), contrasts)]
    study = replace(study, notices=(*study.notices, *doubts))
    design_notice = Notice("note", f"design: {model.description}")
    return StudyPlan(
        inputs=inputs,
        model=model,
        study=study,
        contrasts=contrasts,
        notices=(*model.notices, design_notice, *study.notices),
    )


def _contrasts(inputs: GlmInputs, model: Model, columns: tuple[str, ...]) -> tuple[Contrast, ...]:
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
    found += [named_contrast(text, columns, other_columns=other) for text in inputs.contrasts]
    # A contrast of the FSGD's columns leaves the added eTIV alone.
    return tuple(replace(c, matrix=np.pad(c.matrix, ((0, 0), (0, len(columns) - c.matrix.shape[1])))) for c in found)


def _width(path: str) -> int | None:
    """Weights in the first row of a matrix file; None where there is no file."""
    return len(read_rows(Path(path), "contrast")[0][1]) if Path(path).exists() else None
