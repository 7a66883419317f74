"""Columns that adjust a study for covariates of its participants, added to those of its design."""

from dataclasses import replace

import numpy as np

from ...errors import DesignError
from ..design.covariates import AS_CLASSES, SUBJECT_COLUMN, covariate_columns, read_values
from ..design.model import Model
from .study import Study


def add_covariates(
    study: Study,
    model: Model,
    covariates: tuple[str, ...],
    participants: str,
    *,
    subject_column: str = SUBJECT_COLUMN,
) -> Study:
    """Add covariates with one slope, or one shift, for all classes.

    Parameters
    ----------
    study : Study
    model : Model
        It came from, with names of subjects.
    covariates : tuple of str
        Columns of the table of participants; ``C(NAME)`` takes numbers for labels.
    participants : str
        File of that table.
    subject_column : str

    Returns
    -------
    Study
        With a column a number, and one for each label but the first, all centred over its subjects: columns and
        contrasts of the design mean what they meant, for the average subject.

    Raises
    ------
    DesignError
        If values are missing, or a column is there already.
    """
    if model.subjects is None:
        raise DesignError(f"{model.source} names no subjects, so that their covariates cannot be found; use an FSGD")
    as_labels = [found["name"].strip() for word in covariates if (found := AS_CLASSES.fullmatch(word))]
    names = [found["name"].strip() if (found := AS_CLASSES.fullmatch(word)) else word for word in covariates]
    subjects = [model.subjects[row] for row in study.kept]
    values = read_values(participants, names, subject_column=subject_column, subjects=subjects, as_labels=as_labels)
    columns, matrix = covariate_columns(values, names)
    twice = [name for name in columns if name in study.columns]
    if twice:
        raise DesignError(f"{model.source} has a column '{twice[0]}' already; take it out, or the covariate")
    return replace(
        study,
        columns=(*study.columns, *columns),
        matrix=np.column_stack([study.matrix, matrix]),
        notices=(*study.notices, *values.notices),
    )
