"""A design in words: who is in it, what its columns mean, what its contrasts ask."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .contrast import Contrast
from .design import MAX_CONDITION_NUMBER, Design, condition_hints, condition_number, variable_hints

DEMEANING_CURES = (
    "the variables lie far from 0, and their columns go with those of the classes; demeaning them cures it: DeMeanFlag "
    "1 in the FSGD (fsgd make --demean)"
)


def describe_subjects(design: Design) -> list[str]:
    """Sizes of classes and means of variables, before demeaning.

    Returns
    -------
    list of str
        The lines that mri_glmfit prints (means, and standard deviations with n), then one a class and variable with
        mean, standard deviation (with n - 1) and range.
    """
    lines = []
    in_class = np.array(design.class_of, int)
    names = [one.name for one in design.classes]
    if design.variables:
        lines.append("Continuous Variable Means (all subjects)")
        lines += [
            f"{index} {name} {column.mean():g} {column.std():g}"
            for index, (name, column) in enumerate(zip(design.variables, design.values.T, strict=True))
        ]
    lines.append("Class Size and Means of each Continuous Variable")
    for number, (name, size) in enumerate(zip(names, design.class_sizes, strict=True), 1):
        means = design.values[in_class == number - 1].mean(axis=0)
        lines.append(f"{number} {name} {size:2d} {''.join(f'{mean:8.4f} ' for mean in means)}".rstrip())
    width = max((len(name) for name in names), default=0)
    for index, variable in enumerate(design.variables):
        lines.append(f"{variable} by class:")
        for number, name in enumerate(names):
            column = design.values[in_class == number, index]
            spread = f"{column.std(ddof=1):g}" if len(column) > 1 else "-"
            lines.append(
                f"  {name:<{width}s}  n {len(column)}  mean {column.mean():g}  SD {spread}  "
                f"{column.min():g} to {column.max():g}"
            )
    return lines


def describe_matrix(design: Design) -> list[str]:
    """Size, condition and columns of the design matrix."""
    n, p = design.matrix.shape
    changes = [name for name, is_so in (("demeaned", design.demean), ("rescaled", design.rescale)) if is_so]
    how = f", variables {' and '.join(changes)} over all subjects" if changes and design.variables else ""
    lines = [
        f"Design matrix {n} x {p}, {n - p} degrees of freedom{how}",
        f"Normalized matrix condition is {condition_number(design.matrix):g} (at most {MAX_CONDITION_NUMBER:g})",
        "Columns:",
    ]
    return lines + [f"  {number:2d} {name}" for number, name in enumerate(design.columns, 1)]


def describe_contrast(contrast: Contrast, columns: Sequence[str]) -> list[str]:
    """Weights of a contrast beside the names of the columns, one row of weights a column of text.

    Parameters
    ----------
    contrast : Contrast
    columns : sequence of str
        Names of the design's columns.

    Returns
    -------
    list of str
        Lines.
    """
    kind = "t" if len(contrast.matrix) == 1 else f"F, {len(contrast.matrix)} rows"
    null = "" if contrast.gamma0 is None else f", against {', '.join(f'{value:g}' for value in contrast.gamma0)}"
    lines = [f"Contrast {contrast.name} ({kind}{null}):"]
    for name, weights in zip(columns, contrast.matrix.T, strict=True):
        lines.append("  " + "".join(f"{weight:+8.4g} " if weight else f"{'0':>8s} " for weight in weights) + f" {name}")
    return lines


def design_problems(design: Design) -> list[str]:
    """Why a design cannot be fitted, or only badly; empty for a sound one."""
    n, p = design.matrix.shape
    problems = []
    if n <= p:
        problems.append(f"{n} subjects and {p} columns leave no degree of freedom; give more subjects or fewer columns")
    condition = condition_number(design.matrix)
    if condition > MAX_CONDITION_NUMBER and n >= p:
        reasons = why_ill_conditioned(design.matrix, design.columns, design)
        problems.append(
            f"the design is ill-conditioned: the condition number of the normalised X'X is {condition:.4g}, above "
            f"{MAX_CONDITION_NUMBER:g}: {'; '.join(reasons)}"
        )
    return problems


def why_ill_conditioned(matrix: NDArray[np.float64], columns: Sequence[str], design: Design | None) -> list[str]:
    """What makes a matrix ill-conditioned: in terms of its variables where they explain it, else of its columns.

    Parameters
    ----------
    matrix : (n, p) array
        The design's columns first; further ones may follow.
    columns : sequence of str
    design : Design, optional

    Returns
    -------
    list of str
        One sentence each.
    """
    if design is None or tuple(columns[: len(design.columns)]) != design.columns:
        return list(condition_hints(matrix, columns))
    reasons = list(variable_hints(design))
    # Columns say less than variables; they are needed where the advice on the variables does not help.
    centred = np.hstack([replace(design, demean=True).matrix, matrix[:, len(design.columns) :]])
    condition = condition_number(centred)
    cured = not design.demean and condition <= MAX_CONDITION_NUMBER
    if cured and not any("DeMeanFlag" in reason for reason in reasons):
        reasons.append(f"{DEMEANING_CURES} (condition number {condition:.4g} then)")
    elif not reasons or condition > MAX_CONDITION_NUMBER:
        reasons += condition_hints(matrix, columns)
    return reasons


def asked_at_zero(design: Design, matrix: NDArray[np.float64]) -> bool:
    """Whether a contrast of classes depends on where the variables are 0, and that is not their mean.

    It does not where slopes are shared and groups are subtracted: parallel lines are as far apart everywhere.

    Parameters
    ----------
    design : Design
    matrix : (J, p) array
        The contrast.

    Returns
    -------
    bool
    """
    weights = matrix[:, : len(design.classes)]
    parallel = design.method == "doss" and np.allclose(weights.sum(1), 0, atol=1e-9 * np.abs(weights).max())
    return bool(design.variables) and not design.demean and not parallel


def tested_at(design: Design | None, contrast: Contrast) -> str:
    """Where on the variables a contrast of classes alone is tested, if that is 0 and not the mean; else empty.

    Parameters
    ----------
    design : Design, optional
    contrast : Contrast

    Returns
    -------
    str
        Such as ``Age = 0``.
    """
    if design is None:
        return ""
    used = np.any(contrast.matrix != 0, axis=0)
    if used[len(design.classes) :].any() or not asked_at_zero(design, contrast.matrix):
        return ""
    return ", ".join(f"{name} = 0" for name in design.variables)


def notes_at_zero(design: Design | None, contrasts: Sequence[Contrast]) -> list[str]:
    """Of contrasts of classes alone: where on the variables they are tested, if that is 0 and not the mean.

    Parameters
    ----------
    design : Design, optional
    contrasts : sequence of Contrast

    Returns
    -------
    list of str
        One line a contrast that is tested there.
    """
    lines = []
    for contrast in contrasts:
        where = tested_at(design, contrast)
        if design is None or not where:
            continue
        if design.method == "dods" and np.any(contrast.matrix != 0, axis=0).sum() > 1:
            what = f"compares classes at {where}, since each class has its own slope and nothing is demeaned"
        else:
            what = f"is about the values at {where}, since nothing is demeaned"
        lines.append(f"{contrast.name}: {what}; DeMeanFlag 1 in the FSGD puts the mean there")
    return lines
