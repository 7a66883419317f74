"""Designs: subjects in classes with variables, the matrix that follows, and whether it can be fitted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import DesignError
from .contrast import Contrast

Method = Literal["dods", "doss"]
METHODS: tuple[Method, ...] = ("dods", "doss")
"""Different offset, different slope; different offset, same slope."""

MAX_CONDITION_NUMBER = 10000.0
"""Above this condition number of the normalised X'X mri_glmfit refuses a design."""
MAX_ROUNDING_LENGTH = 1e-9
MAX_OWN_SHARE = 0.02
# A variable this far from 0, in standard deviations, makes a design ill-conditioned by itself.
MAX_MEAN_IN_SD = 10.0
MAX_CORRELATION = 0.99


@dataclass(frozen=True)
class GroupClass:
    """One class of an FSGD."""

    name: str
    marker: str = ""
    """For plots, such as ``plus``; empty where none is given."""
    color: str = ""


@dataclass(frozen=True, eq=False)
class Design:
    """What an FSGD says, and the design matrix that follows from it."""

    title: str
    subjects: tuple[str, ...]
    """In the order of the rows of the matrix."""
    classes: tuple[GroupClass, ...]
    class_of: tuple[int, ...]
    """For each subject the index of its class."""
    variables: tuple[str, ...]
    values: NDArray[np.float64]
    """Shape (subjects, variables), as the file holds them."""
    method: Method = "dods"
    demean: bool = False
    rescale: bool = False
    contrasts: tuple[Contrast, ...] = ()
    """Of the Contrast and FContrast tags."""
    contrast_rows: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """For each FContrast its name and the names of the contrasts that it stacks."""
    method_in_file: bool = False
    """Whether a DODS or DOSS tag chose the method."""
    measurement: str = ""
    tessellation: str = ""
    registration_subject: str = ""
    plot_file: str = ""
    default_variable: str = ""
    residual_fwhm: float | None = None
    log_y: int | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the matrix's columns: ``Control, Patient, Control:Age, Patient:Age`` (doss: ``..., Age``)."""
        return self.columns_of(self.method)

    def columns_of(self, method: Method) -> tuple[str, ...]:
        """Names of the columns that a method gives."""
        names = tuple(one.name for one in self.classes)
        if method == "doss":
            return names + self.variables
        return names + tuple(f"{name}:{variable}" for variable in self.variables for name in names)

    @property
    def other_columns(self) -> dict[str, tuple[str, ...]]:
        """Names of the columns that the other method would give, by its name."""
        return {method: self.columns_of(method) for method in METHODS if method != self.method}

    @cached_property
    def covariates(self) -> NDArray[np.float64]:
        """Values after demeaning and rescaling over all subjects, shape (subjects, variables)."""
        values = self.values.copy()
        if self.rescale:
            flat = [name for name, sd in zip(self.variables, self.values.std(axis=0), strict=True) if sd == 0]
            if flat:
                raise DesignError(
                    f"variable {', '.join(flat)} is the same for all subjects and cannot be rescaled; leave it out"
                )
        if self.demean and len(values):
            values -= values.mean(axis=0)
        return values / self.values.std(axis=0) if self.rescale else values

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """The design matrix X, shape (subjects, columns). Read-only.

        Class indicators, then doss: the variables; dods: each variable in the subjects of each class, 0 elsewhere.
        """
        indicators = np.zeros((len(self.subjects), len(self.classes)))
        indicators[np.arange(len(self.subjects)), list(self.class_of)] = 1
        blocks = (
            [self.covariates]
            if self.method == "doss"
            else [np.where(indicators > 0, column[:, None], 0) for column in self.covariates.T]
        )
        matrix = np.hstack([indicators, *blocks])
        matrix.flags.writeable = False
        return matrix

    @property
    def class_sizes(self) -> tuple[int, ...]:
        """Number of subjects of each class."""
        return tuple(np.bincount(np.array(self.class_of, int), minlength=len(self.classes)).tolist())

    def without(self, subjects: Iterable[str]) -> "Design":
        """The design after leaving subjects out; means for demeaning are those of the subjects that stay.

        Raises
        ------
        DesignError
            If one is not in the design, or a class would be left empty or (dods) too small.
        """
        dropped = set(subjects)
        strangers = sorted(dropped - set(self.subjects))
        if strangers:
            raise DesignError(f"the design has no subject {', '.join(strangers)}")
        kept = [index for index, name in enumerate(self.subjects) if name not in dropped]
        smaller = replace(
            self,
            subjects=tuple(self.subjects[index] for index in kept),
            class_of=tuple(self.class_of[index] for index in kept),
            values=self.values[kept],
        )
        problems = smaller.size_problems()
        if problems:
            gone = len(self.subjects) - len(kept)
            raise DesignError("\n".join(f"without {gone} subject(s): {problem}" for problem in problems.values()))
        return smaller

    def size_problems(self) -> dict[str, str]:
        """Classes without a subject, and with dods those with fewer than a slope for each variable needs."""
        problems = {}
        least = len(self.variables) + 1
        for one, size in zip(self.classes, self.class_sizes, strict=True):
            if not size:
                problems[one.name] = f"class '{one.name}' has no subject; remove its Class line"
            elif self.method == "dods" and size < least:
                problems[one.name] = (
                    f"class '{one.name}' has {size} subject(s); dods with {len(self.variables)} variable(s) needs at "
                    f"least {least} in each class; use doss, fewer variables or join classes"
                )
        return problems


def condition_number(matrix: NDArray[np.float64]) -> float:
    """Condition number of X'X with the columns of X scaled to unit length; inf where columns depend on each other.

    Parameters
    ----------
    matrix : ndarray, shape (subjects, columns)

    Returns
    -------
    float
        mri_glmfit prints it as ``Normalized matrix condition`` and stops above 10000.
    """
    unit, lengths = _unit_columns(matrix)
    if not matrix.size or matrix.shape[0] < matrix.shape[1] or not lengths.all():
        return float("inf")
    sizes = np.linalg.svd(unit, compute_uv=False)
    smallest = sizes[-1] if sizes[-1] > sizes[0] * max(matrix.shape) * np.finfo(float).eps else 0.0
    return float((sizes[0] / smallest) ** 2) if smallest else float("inf")


def condition_hints(matrix: NDArray[np.float64], columns: Sequence[str]) -> tuple[str, ...]:
    """What makes a design ill-conditioned, by the names of its columns.

    Parameters
    ----------
    matrix : ndarray, shape (subjects, columns)
    columns : sequence of str

    Returns
    -------
    tuple of str
        One sentence each: columns that are zero or follow from others and how, columns nearly so. Empty for a sound
        design.
    """
    hints = []
    n_rows, n_columns = matrix.shape
    if n_rows <= n_columns:
        hints.append(f"{n_rows} subject(s) cannot carry {n_columns} columns; give more subjects or fewer columns")
    unit, lengths = _unit_columns(matrix)
    independent: list[int] = []
    for index, name in enumerate(columns):
        if not lengths[index]:
            hints.append(f"column '{name}' is zero for every subject; leave it out")
            continue
        weights, rest = _regressed(unit, index, independent)
        if rest > MAX_ROUNDING_LENGTH:
            independent.append(index)
            continue
        parts = [
            f"{weight * lengths[index] / lengths[other]:.6g}*{columns[other]}"
            for weight, other in zip(weights, independent, strict=True)
            if abs(weight) > MAX_ROUNDING_LENGTH**0.5
        ]
        hints.append(f"column '{name}' follows from others ({name} = {' + '.join(parts)}); leave it out")
    if condition_number(matrix) <= MAX_CONDITION_NUMBER or hints:
        return tuple(hints)
    fits = [
        _regressed(unit, index, [other for other in range(n_columns) if other != index]) for index in range(n_columns)
    ]
    least = max(MAX_OWN_SHARE, min(rest for _, rest in fits))
    for index, (weights, rest) in enumerate(fits):
        if rest <= least:
            others = [other for other in range(n_columns) if other != index]
            largest = sorted(zip(np.abs(weights), others, strict=True), reverse=True)[:3]
            nearest = " and ".join(columns[other] for size, other in largest if size > 0.01 * largest[0][0])
            hints.append(
                f"column '{columns[index]}' nearly follows from {nearest}: only {100 * rest:.2g} % of it is its own"
            )
    return tuple(hints)


def variable_hints(design: Design) -> tuple[str, ...]:
    """What is wrong with the variables of a design; this says more than its columns can.

    Returns
    -------
    tuple of str
        Variables that are the same for all subjects or within a class, far from 0 for their spread and not demeaned,
        or nearly the same as another.
    """
    hints = []
    in_class = np.array(design.class_of, int)
    for index, name in enumerate(design.variables):
        column = design.values[:, index]
        flat = [
            one.name
            for number, one in enumerate(design.classes)
            if (in_class == number).sum() > 1 and np.ptp(column[in_class == number]) == 0
        ]
        if np.ptp(column) == 0:
            hints.append(f"variable '{name}' is {column[0]:g} for every subject and tells nothing; leave it out")
        elif len(flat) == len(design.classes) or (flat and design.method == "dods"):
            hints.append(
                f"variable '{name}' is the same for every subject of class {', '.join(flat)}: the class says it already"
            )
        elif not design.demean and abs(column.mean()) > MAX_MEAN_IN_SD * column.std():
            hints.append(
                f"variable '{name}' (mean {column.mean():g}, SD {column.std():g}) lies far from 0 for its spread; set "
                "DeMeanFlag 1 or subtract a round number: offsets are compared where the variable is 0"
            )
        for other in range(index):
            if np.ptp(column) and np.ptp(design.values[:, other]):
                r = float(np.corrcoef(column, design.values[:, other])[0, 1])
                if abs(r) > MAX_CORRELATION:
                    hints.append(
                        f"variables '{design.variables[other]}' and '{name}' are nearly the same (r = {r:.4f})"
                    )
    return tuple(hints)


def _unit_columns(matrix: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Columns of unit length, and the lengths they had; a column of zeros stays one."""
    lengths = np.linalg.norm(matrix, axis=0)
    return matrix / np.where(lengths == 0, 1, lengths), lengths


def _regressed(unit: NDArray[np.float64], index: int, others: Sequence[int]) -> tuple[NDArray[np.float64], float]:
    """Weights of other columns for one, and the length of what is left."""
    if not others:
        return np.zeros(0), 1.0
    weights = np.linalg.lstsq(unit[:, others], unit[:, index], rcond=None)[0]
    return np.asarray(weights, np.float64), float(np.linalg.norm(unit[:, index] - unit[:, others] @ weights))
