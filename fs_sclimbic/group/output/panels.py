"""How the data of a contrast are shown: which values against what, and the lines of the fit through them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..design.design import Design
from ..design.design_summary import asked_at_zero
from ..fit.glm import Array, Fit
from ..fit.results import GroupResult, describe_row
from ..fit.study import Study


@dataclass(frozen=True, eq=False, kw_only=True)
class Panel:
    """How a contrast is shown for a structure: x of each subject, and y given a column of the fit."""

    kind: str
    """``groups``, ``slope``, ``one`` (all subjects in one column), ``added`` (an added-variable plot) or ``fitted``
    (observed against fitted)."""
    x_label: str = ""
    x: Array
    """(n,); for groups the number of the class, 0 for one column."""
    shift: Array
    """(n, p): rows of the design as they are minus rows as they are shown; y is moved by shift times beta."""
    lines: tuple[tuple[int, Array, Array], ...] = ()
    """Class (or -1), x (k,), and rows of the design (k, p) whose fit is drawn over them."""
    note: str = ""


def choose_panel(study: Study, fit: Fit, result: GroupResult) -> Panel:
    """Choose how the data of a contrast are shown.

    Slopes of a variable: the variable against the values, lines of the fit. Groups: points of each class, adjusted to
    the mean of the variables. Where no FSGD tells classes: an added-variable plot, whose slope is the contrast.

    Parameters
    ----------
    study : Study
    fit : Fit
    result : GroupResult

    Returns
    -------
    Panel
    """
    design, used = study.design, np.flatnonzero(np.any(result.test.matrix != 0, axis=0))
    if design is not None and study.columns[: len(design.columns)] == design.columns:
        classes, added = len(design.classes), study.columns[len(design.columns) :]
        if used.max() < len(design.columns):
            variables = {int(v) for v in (used[used >= classes] - classes) // _stride(design)}
            if not variables:
                at_zero = asked_at_zero(design, result.test.matrix)
                if at_zero and len(design.variables) == 1:
                    return _slope_panel(fit, design, 0, added, to_zero=True)
                return _group_panel(fit, design, added, at_zero=at_zero)
            if len(variables) == 1 and fit.design.shape[0] > 1:
                return _slope_panel(fit, design, variables.pop(), added)
    if result.test.is_t:
        factor = fit.on_centred(result.test.matrix) @ fit.root
        x = (fit.centred @ fit.root @ factor.T)[:, 0] / np.sum(factor**2)
        # As shown, a row is its part along the contrast: the fit of it is x times gamma.
        along, ends = x[:, None] * result.test.matrix[0], np.array([x.min(), x.max()])
        if np.ptp(x) < 1e-9 * np.abs(x).max():  # the mean of all subjects has no axis
            line = (-1, np.array([-0.3, 0.3]), along[[0, 0]])
            note = "the mean of all subjects"
            return Panel(kind="one", x=np.zeros(len(x)), shift=fit.design - along, lines=(line,), note=note)
        return Panel(
            kind="added",
            x_label=f"{describe_row(result.test.matrix[0], study.columns)}, given the rest",
            x=x,
            shift=fit.design - along,
            lines=((-1, ends, ends[:, None] * result.test.matrix[0]),),
            note="added-variable plot: both axes without what the rest of the design explains",
        )
    note = "observed against fitted values of the whole design, since no single axis shows this contrast"
    return Panel(
        kind="fitted",
        x_label="fitted",
        x=np.zeros(len(fit.design)),
        shift=np.zeros(fit.design.shape),
        note=note,
    )


def _stride(design: Design) -> int:
    """Columns of the design for each variable."""
    return len(design.classes) if design.method == "dods" else 1


def _variables(fit: Fit, design: Design) -> Array:
    """(n, nv): the variables as they stand in the design, demeaned or not."""
    classes, stride = len(design.classes), _stride(design)
    of_variables = fit.design[:, classes : classes + stride * len(design.variables)]
    return np.asarray(of_variables.reshape(len(fit.design), len(design.variables), stride).sum(2))


def _rows(design: Design, classes: NDArray[np.intp], variables: Array, width: int) -> Array:
    """Rows of the design for classes (k,) and variables (k, nv); further columns (eTIV, centred) are 0."""
    count, stride = len(design.classes), _stride(design)
    rows = np.zeros((len(classes), width))
    rows[np.arange(len(classes)), classes] = 1
    for v in range(variables.shape[1]):
        rows[np.arange(len(classes)), count + v * stride + (classes if stride > 1 else 0)] = variables[:, v]
    return rows


def _group_panel(fit: Fit, design: Design, added: Sequence[str], *, at_zero: bool) -> Panel:
    variables, of = _variables(fit, design), np.array(design.class_of)
    mean = np.tile(variables.mean(0), (len(of), 1))
    shown = _rows(design, of, mean, fit.design.shape[1])
    middle = np.arange(len(design.classes))
    fits = _rows(design, middle, mean[: len(middle)], fit.design.shape[1])
    lines = tuple((c, np.array([c - 0.3, c + 0.3]), np.tile(fits[c], (2, 1))) for c in range(len(middle)))
    names = [*design.variables, *added]
    note = f"values adjusted to the mean of {', '.join(names)}" if names else ""
    if at_zero:
        note += f"; the contrast is tested where {' and '.join(f'{name} = 0' for name in design.variables)}"
    return Panel(kind="groups", x=of.astype(float), shift=fit.design - shown, lines=lines, note=note)


def _slope_panel(fit: Fit, design: Design, v: int, added: Sequence[str], *, to_zero: bool = False) -> Panel:
    """Lines of the classes over a variable; if the contrast is tested at 0, drawn to there."""
    variables, of, raw = _variables(fit, design), np.array(design.class_of), design.values[:, v]
    others = np.tile(variables.mean(0), (len(of), 1))
    others[:, v] = variables[:, v]
    shown = _rows(design, of, others, fit.design.shape[1])
    lines = []
    for c in range(len(design.classes)):
        members = np.flatnonzero(of == c)
        ends = members[[np.argmin(raw[members]), np.argmax(raw[members])]]
        at, rows = raw[ends], shown[ends]
        if to_zero:
            zero = _rows(design, np.array([c]), np.zeros((1, variables.shape[1])), fit.design.shape[1])
            order = np.argsort([*at, 0.0], kind="stable")
            at, rows = np.array([*at, 0.0])[order], np.vstack([rows, zero])[order]
        lines.append((c, at, rows))
    names = [name for i, name in enumerate(design.variables) if i != v]
    names += added
    note = f"values adjusted to the mean of {', '.join(names)}" if names else ""
    if to_zero:
        note = "; ".join(filter(None, (note, f"the contrast is tested where {design.variables[v]} = 0")))
    return Panel(
        kind="slope",
        x_label=design.variables[v],
        x=raw,
        shift=fit.design - shown,
        lines=tuple(lines),
        note=note,
    )
