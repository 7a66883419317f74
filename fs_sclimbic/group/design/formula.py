"""Designs that no FSGD can say: formulas over the columns of a table of participants, such as ``group + sex + age``."""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DesignError, UsageError
from ...files.frames import load_pandas
from ...notice import Notice
from ..text_files import listed
from .covariates import SUBJECT_COLUMN, PeopleValues, columns_of, read_values
from .formula_levels import mean_rows, named_rows, reference_notices
from .model import Model

Array = NDArray[np.float64]
ETIV_TERM = "eTIV"
"""In a formula: eTIV of the table, where the participants have no such column."""
ALONE = re.compile(rf"\s*\+\s*{ETIV_TERM}\b(?!\s*[:*])")
AS_LABELS = re.compile(r"\bC\(\s*(\w+)")
BACKTICKED = re.compile(r"`[^`]*`")


@dataclass(frozen=True, eq=False)
class FormulaModel:
    """A model, and what its contrasts may be written with beside its columns."""

    model: Model
    uses_etiv: bool = False
    """The formula asks for eTIV of the table, centred, with one slope."""
    level_names: tuple[str, ...] = field(default=())
    level_rows: Array = field(default_factory=lambda: np.zeros((0, 0)))
    """(k, p): the fitted mean of a level (or of two together), numbers at their mean, other labels weighted alike; the
    slope of a number within a level."""
    mean_names: tuple[str, ...] = field(default=())
    """Of every level, as ``group[Patient]``, also where a column of the design has that name."""
    mean_rows: Array = field(default_factory=lambda: np.zeros((0, 0)))
    """(l, p): the adjusted means of these levels."""
    references: tuple[Notice, ...] = ()
    """With which level columns compare; among the notices of the model."""


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
    subjects: Sequence[str] | None = None,
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
    subjects : sequence of str, optional
        Over whom levels, means and columns are made, by default everybody.

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
        subjects=subjects,
        drop_missing=drop_missing,
        as_labels=AS_LABELS.findall(right),
        how_to_drop="give --allow-missing to leave these subjects out",
    )
    data = _data(values)
    fitted = _with_columns_of_levels(formulaic, right, terms, data, text)
    names, matrix = _matrix(formulaic, fitted, data, text)
    _refuse_what_is_no_number(names, matrix, values.subjects, text)
    references = reference_notices(values, names)
    description = f"formula '{text}' over {participants}" + (f", fitted as '{fitted}'" if fitted != right else "")
    model = Model(
        columns=names,
        matrix=matrix,
        subjects=values.subjects,
        source=str(participants),
        description=f"{description}, columns {', '.join(names)}",
        notices=(*values.notices, *references),
    )
    spec = _spec(formulaic, fitted, data, text)
    level_names, rows = named_rows(values, names, lambda people: _rows(spec, people))
    mean_names, means = mean_rows(values, names, lambda people: _rows(spec, people))
    return FormulaModel(model, uses_etiv, level_names, rows, mean_names, means, references)


def _parsed(formulaic: Any, right: str, text: str) -> tuple[list[str], list[str]]:
    """Terms and variables of a formula."""
    try:
        formula = formulaic.Formula(right)
        terms = [str(term) for term in formula]
        found = {str(name) for name in formula.required_variables}
        # Formulaic forgets the variables of functions that keep something of the data, such as poly and bs.
        factors = {str(factor.expr) for term in formula for factor in term.factors}
        found |= {name for factor in factors for name in _names_in(factor)} - set(formulaic.transforms.TRANSFORMS)
    except Exception as error:  # of its own kinds, and of Python for what it evaluates
        raise DesignError(f"formula '{text}': cannot be read ({_first_line(error)}){_advice(right)}") from error
    return terms, sorted(found)


def _names_in(factor: str) -> list[str]:
    """Names in a call such as ``poly(age, 2)`` that are not called themselves."""
    try:
        nodes = list(ast.walk(ast.parse(BACKTICKED.sub("0", factor), mode="eval")))
    except SyntaxError:
        return []
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    return [node.id for node in nodes if isinstance(node, ast.Name) and id(node) not in called]


def _advice(right: str) -> str:
    """What may help with a formula that cannot be read."""
    if "|" in right:
        return "; one measurement a subject is fitted, without random effects or groups of them, '|'"
    return "; a column whose name holds blanks or signs is written `Age at scan`, with backticks"


def _refuse_what_is_no_number(names: Sequence[str], matrix: Array, subjects: Sequence[str], text: str) -> None:
    """Refuse the logarithm of 0, and the like."""
    problems = [
        f"formula '{text}': '{name}' has no finite value for {listed([subjects[i] for i in rows], 5)}"
        for name, column in zip(names, matrix.T, strict=True)
        if len(rows := np.flatnonzero(~np.isfinite(column)).tolist())
    ]
    if problems:
        raise DesignError("\n".join([*problems, "correct these values, or write the formula without this"]))


def _matrix(formulaic: Any, right: str, data: dict[str, Any], text: str) -> tuple[tuple[str, ...], Array]:
    spec = _spec(formulaic, right, data, text)
    return tuple(map(str, spec.column_names)), _rows(spec, data)


def _rows(spec: Any, data: dict[str, Any]) -> Array:
    """The row of each subject, also where a value is no number."""
    with np.errstate(all="ignore"):
        return np.asarray(spec.get_model_matrix(_frame(data)), np.float64)


def _spec(formulaic: Any, right: str, data: dict[str, Any], text: str) -> Any:
    """How the columns are made of the data, with the levels that were seen."""
    try:
        with np.errstate(all="ignore"):
            return formulaic.Formula(right).get_model_matrix(_frame(data), na_action="ignore").model_spec
    except Exception as error:
        raise DesignError(f"formula '{text}': cannot be computed ({_first_line(error)})") from error


def _data(values: PeopleValues) -> dict[str, Any]:
    """All columns, and one that gives the frame its rows where a formula has no variable."""
    return {"(row)": range(len(values.subjects)), **values.labels, **values.numbers}


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
    before = _rows(spec, data)
    _, after = _matrix(formulaic, without, data, text)
    rank = np.linalg.matrix_rank
    if not np.isfinite(before).all():
        return right
    is_same = before.shape == after.shape and rank(np.hstack([before, after])) == rank(before) == rank(after)
    return without if is_same else right
