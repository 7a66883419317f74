"""Designs that no FSGD can say: formulas over the columns of a table of participants, such as ``group + sex + age``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DesignError, UsageError
from ...files.frames import load_pandas
from ...notice import Notice
from ..text_files import finite_number, listed
from .contrast import Contrast, check_contrast, named_contrast
from .covariates import SUBJECT_COLUMN, PeopleValues, columns_of, read_values
from .model import Model

Array = NDArray[np.float64]
ETIV_TERM = "eTIV"
"""In a formula: eTIV of the table, where the participants have no such column."""
ROUNDING = 1e-12
"""A weight below this share of the largest is 0."""
ALONE = re.compile(rf"\s*\+\s*{ETIV_TERM}\b(?!\s*[:*])")
AS_LABELS = re.compile(r"\bC\(\s*(\w+)")
MAX_GRID = 20_000
"""Combinations of levels over which the names of levels are averaged; of more, levels have no names."""


@dataclass(frozen=True, eq=False)
class FormulaModel:
    """A model, and what its contrasts may be written with beside its columns."""

    model: Model
    uses_etiv: bool = False
    """The formula asks for eTIV of the table, centred, with one slope."""
    level_names: tuple[str, ...] = field(default=())
    level_rows: Array = field(default_factory=lambda: np.zeros((0, 0)))
    """(k, p): the fitted mean of a level (or of two together), numbers at their mean, other labels weighted alike."""
    mean_names: tuple[str, ...] = field(default=())
    """Of every level, as ``group[Patient]``, also where a column of the design has that name."""
    mean_rows: Array = field(default_factory=lambda: np.zeros((0, 0)))
    """(l, p): as ``level_rows``."""


def load_formulaic() -> Any:
    """Load formulaic, which reads formulas as R does.

    Raises
    ------
    UsageError
        If it is not installed.
    """
    try:
        import formulaic
    except ImportError as error:
        raise UsageError('--formula needs formulaic: python -m pip install "fs_sclimbic[group]"') from error
    return formulaic


def formula_model(
    text: str,
    participants: str | PathLike[str],
    *,
    subject_column: str = SUBJECT_COLUMN,
    drop_missing: bool = False,
) -> FormulaModel:
    """The model of a formula.

    Parameters
    ----------
    text : str
        As in R: ``group + sex + age``, ``group * age``, ``group + C(site)``. What stands before ``~`` is left out.
    participants : path-like
        Table with the variables.
    subject_column : str
    drop_missing : bool
        Leave out subjects who lack a value; else they are an error.

    Returns
    -------
    FormulaModel
        Where the first term is one of labels, each of its levels has a column of its own, as the classes of an FSGD;
        the fit is the same as with an intercept.

    Raises
    ------
    DesignError
        If the formula cannot be read, or a variable is missing.
    UsageError
        If formulaic is not installed.
    """
    formulaic = load_formulaic()
    right = text.partition("~")[2] if "~" in text else text
    terms, variables = _parsed(formulaic, right, text)
    there = columns_of(participants)
    uses_etiv = ETIV_TERM in variables and ETIV_TERM not in there
    if uses_etiv:
        if ETIV_TERM not in terms or any(ETIV_TERM in term.split(":") for term in terms if term != ETIV_TERM):
            raise DesignError(
                f"formula '{text}': eTIV of the table is one term alone, '+ eTIV'; for more put a column of it into "
                f"{participants}"
            )
        shorter = ALONE.sub("", right)
        right = right.strip() + f" - {ETIV_TERM}" if shorter == right else shorter.strip()
        terms, variables = _parsed(formulaic, right, text)
    unknown = [name for name in variables if name not in there]
    if unknown:
        raise DesignError(f"formula '{text}': {participants} has no column {listed(unknown)}; it has {listed(there)}")
    values = read_values(
        participants,
        variables,
        subject_column=subject_column,
        drop_missing=drop_missing,
        as_labels=AS_LABELS.findall(right),
    )
    data = _data(values)
    fitted = _with_columns_of_levels(formulaic, right, terms, data, text)
    names, matrix = _matrix(formulaic, fitted, data, text)
    description = f"formula '{text}' over {participants}" + (f", fitted as '{fitted}'" if fitted != right else "")
    model = Model(
        columns=names,
        matrix=matrix,
        subjects=values.subjects,
        source=str(participants),
        description=f"{description}, columns {', '.join(names)}",
        notices=(*values.notices, *_references(values, names)),
    )
    level_names, rows, means = _levels(formulaic, fitted, values, names, text)
    mean_rows = np.array(list(means.values())).reshape(len(means), len(names))
    return FormulaModel(model, uses_etiv, level_names, rows, tuple(means), mean_rows)


def contrast_of_levels(text: str, columns: Sequence[str], level_names: Sequence[str], level_rows: Array) -> Contrast:
    """A contrast by the names of columns and of levels: ``Patient-Control``, ``sex[M] - sex[F]``, ``Patient:F``.

    Parameters
    ----------
    text : str
        As `named_contrast` takes it.
    columns : sequence of str
        p names, those of the formula first.
    level_names : sequence of str
        k names.
    level_rows : (k, q) array
        Weights of the q columns of the formula.

    Returns
    -------
    Contrast
        With weights of the p columns.

    Raises
    ------
    DesignError
        If a name is unknown, or the weights are all 0.
    """
    written = named_contrast(text, (*columns, *level_names))
    rows = np.pad(level_rows, ((0, 0), (0, len(columns) - level_rows.shape[1])))
    matrix = written.matrix[:, : len(columns)] + written.matrix[:, len(columns) :] @ rows
    matrix[np.abs(matrix) < ROUNDING * np.abs(matrix).max(initial=0)] = 0
    contrast = Contrast(written.name, matrix)
    check_contrast(contrast, columns, f"contrast '{text}'")
    return contrast


def _parsed(formulaic: Any, right: str, text: str) -> tuple[list[str], list[str]]:
    """Terms and variables of a formula."""
    try:
        formula = formulaic.Formula(right)
        variables = sorted(str(name) for name in formula.required_variables)
        return [str(term) for term in formula], variables
    except Exception as error:  # of its own kinds, and of Python for what it evaluates
        raise DesignError(f"formula '{text}': cannot be read ({_first_line(error)})") from error


def _matrix(formulaic: Any, right: str, data: dict[str, Any], text: str) -> tuple[tuple[str, ...], Array]:
    spec = _spec(formulaic, right, data, text)
    return tuple(map(str, spec.column_names)), np.asarray(spec.get_model_matrix(_frame(data)), np.float64)


def _spec(formulaic: Any, right: str, data: dict[str, Any], text: str) -> Any:
    """How the columns are made of the data, with the levels that were seen."""
    try:
        return formulaic.Formula(right).get_model_matrix(_frame(data)).model_spec
    except Exception as error:
        raise DesignError(f"formula '{text}': cannot be computed ({_first_line(error)})") from error


def _data(values: PeopleValues) -> dict[str, Any]:
    """All columns."""
    return {**values.labels, **values.numbers}


def _frame(data: dict[str, Any]) -> Any:
    """Columns as formulaic takes them; pandas comes with it."""
    return load_pandas().DataFrame({name: list(column) for name, column in data.items()})


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _with_columns_of_levels(formulaic: Any, right: str, terms: list[str], data: dict[str, Any], text: str) -> str:
    """The formula without an intercept, where that gives each level of the first term a column and fits the same."""
    spec = _spec(formulaic, right, data, text)
    first = next((term for term in terms if term != "1"), "")
    if "1" not in terms or first not in map(str, spec.factor_contrasts):
        return right
    without = f"0 + {right}"
    before = np.asarray(spec.get_model_matrix(_frame(data)), np.float64)
    _, after = _matrix(formulaic, without, data, text)
    rank = np.linalg.matrix_rank
    is_same = before.shape == after.shape and rank(np.hstack([before, after])) == rank(before) == rank(after)
    return without if is_same else right


def _references(values: PeopleValues, names: Sequence[str]) -> list[Notice]:
    """Which level a column of labels is compared with, where it has no column of its own."""
    found = []
    for variable, labels in values.labels.items():
        first = sorted(set(labels))[0]
        if any(name.partition("[T.")[0] in (variable, f"C({variable})") and ":" not in name for name in names):
            found.append(f"{variable}: columns compare with {first}")
    return [Notice("note", text) for text in found]


def _levels(
    formulaic: Any, right: str, values: PeopleValues, names: Sequence[str], text: str
) -> tuple[tuple[str, ...], Array, dict[str, Array]]:
    """Names of levels and of pairs of them, the rows of the design that they stand for, and those of every level."""
    data = _data(values)
    factors = {name: sorted(set(labels)) for name, labels in values.labels.items()}
    size = int(np.prod([len(levels) for levels in factors.values()])) if factors else 0
    if not 0 < size <= MAX_GRID:
        return (), np.zeros((0, len(names))), {}
    cells = list(product(*factors.values()))
    grid: dict[str, Any] = {name: [cell[place] for cell in cells] for place, name in enumerate(factors)}
    grid |= {name: [float(column.mean())] * size for name, column in values.numbers.items()}
    rows = np.asarray(_spec(formulaic, right, data, text).get_model_matrix(_frame(grid)), np.float64)
    bare = [str(level) for levels in factors.values() for level in levels]
    found, means = dict[str, Array](), dict[str, Array]()

    def called(name: str, level: object) -> list[str]:
        word = str(level)
        free = bare.count(word) == 1 and finite_number(word) is None
        return [f"{name}[{word}]", *([word] if free else [])]

    for name, levels in factors.items():
        for level in levels:
            mean = rows[[value == level for value in grid[name]]].mean(axis=0)
            found |= dict.fromkeys(called(name, level), mean)
            means[f"{name}[{level}]"] = mean
    for (one, first), (other, second) in combinations(factors.items(), 2):
        for level, beside in product(first, second):
            both = [a == level and b == beside for a, b in zip(grid[one], grid[other], strict=True)]
            mean = rows[both].mean(axis=0)
            for a, b in product(called(one, level), called(other, beside)):
                found |= {f"{a}:{b}": mean, f"{b}:{a}": mean}
    kept = {name: row for name, row in found.items() if name not in names}
    return tuple(kept), np.array(list(kept.values())).reshape(len(kept), len(names)), means
