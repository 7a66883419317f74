"""A study in words: who is fitted, what its columns are, what its contrasts ask, and why it cannot be fitted."""

from collections.abc import Sequence

import numpy as np

from ..design.contrast import Contrast
from ..design.design import MAX_CONDITION_NUMBER, Design
from ..design.design_summary import why_ill_conditioned
from ..fit.study import ETIV_USES, Study


def describe_study(study: Study, contrasts: Sequence[Contrast]) -> list[str]:
    """Numbers of subjects and columns, what is done with eTIV, and each column with its weights in the contrasts.

    Parameters
    ----------
    study : Study
    contrasts : sequence of Contrast

    Returns
    -------
    list of str
        Lines.
    """
    n, p = study.matrix.shape
    lines = [f"{n} subjects, {p} column{'s' if p != 1 else ''}, {n - p} degrees of freedom"]
    if study.design:
        sizes = zip(study.design.classes, study.design.class_sizes, strict=True)
        lines.append("classes: " + ", ".join(f"{one.name} {size}" for one, size in sizes))
        if study.design.variables:
            done = "demeaned over all subjects" if study.design.demean else "not demeaned"
            lines.append(f"variables: {', '.join(study.design.variables)}, {done}")
    lines.append(f"eTIV: {ETIV_USES[study.options.etiv]}")
    width = max(len("column of X"), *(len(name) for name in study.columns))
    cells = [[" / ".join(f"{w:g}" for w in c.matrix[:, i]) for c in contrasts] for i in range(p)]
    widths = [max(len(c.name), *(len(row[k]) for row in cells)) for k, c in enumerate(contrasts)]
    heads = "  ".join(f"{c.name:>{w}s}" for c, w in zip(contrasts, widths, strict=True))
    lines.append(f"{'column of X':<{width}s}  {heads}".rstrip())
    for name, row in zip(study.columns, cells, strict=True):
        weights = "  ".join(f"{cell:>{w}s}" for cell, w in zip(row, widths, strict=True))
        lines.append(f"{name:<{width}s}  {weights}".rstrip())
    return lines


def fitted_design(study: Study) -> Design | None:
    """The FSGD's design, if the study is fitted by its columns; None for a matrix or a mean alone."""
    design = study.design
    return design if design is not None and study.columns[: len(design.columns)] == design.columns else None


def ill_conditioned(study: Study, condition: float) -> str:
    """Why a design is ill-conditioned, one line a reason; empty for a sound one.

    Parameters
    ----------
    study : Study
    condition : float
        Condition number of the normalised X'X.

    Returns
    -------
    str
    """
    if condition <= MAX_CONDITION_NUMBER:
        return ""
    advice = "; --illcond fits it all the same" if np.isfinite(condition) else ""
    return "\n  ".join(
        [
            f"the design is ill-conditioned: condition number {condition:g}, at most {MAX_CONDITION_NUMBER:g}{advice}",
            *why_ill_conditioned(study.matrix, study.columns, study.design),
            *(["in a formula center(NAME) takes the mean off a number"] if study.design is None and advice else []),
        ]
    )
