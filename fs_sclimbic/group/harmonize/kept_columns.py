"""Columns of participants whose effects a harmonisation preserves, made in the same way for new subjects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import DesignError
from ..text_files import listed

Array = NDArray[np.float64]
MIN_EXPLAINED = 0.5
"""From this share of a kept column that sites explain on, sites and effect are hard to tell apart."""


@dataclass(frozen=True)
class KeptLabels:
    """A column of labels, such as sex."""

    name: str
    levels: tuple[str, ...]
    """Sorted; the first has no column of its own."""


@dataclass(frozen=True)
class KeptNumber:
    """A column of numbers, such as age."""

    name: str
    low: float
    """The smallest that was seen."""
    high: float


Kept = KeptLabels | KeptNumber


@dataclass(frozen=True, eq=False)
class KeptValues:
    """Values of n subjects."""

    labels: Mapping[str, Sequence[str]]
    numbers: Mapping[str, Array]


def learn_kept(names: Sequence[str], values: KeptValues) -> tuple[Kept, ...]:
    """How columns are made of the values of the subjects from whom a harmonisation learns.

    Parameters
    ----------
    names : sequence of str
    values : KeptValues

    Returns
    -------
    tuple of KeptLabels or KeptNumber

    Raises
    ------
    DesignError
        If a column is the same for everybody.
    """
    found: list[Kept] = []
    for name in names:
        if name in values.numbers:
            column = values.numbers[name]
            found.append(KeptNumber(name, float(column.min()), float(column.max())))
            same = np.ptp(column) == 0
        else:
            levels = tuple(sorted(set(values.labels[name])))
            found.append(KeptLabels(name, levels))
            same = len(levels) == 1
        if same:
            raise DesignError(f"'{name}' is the same for every subject, so that there is nothing to keep; leave it out")
    return tuple(found)


def kept_matrix(kept: Sequence[Kept], values: KeptValues, subjects: Sequence[str]) -> Array:
    """The columns of kept effects.

    Parameters
    ----------
    kept : sequence of KeptLabels or KeptNumber
    values : KeptValues
    subjects : sequence of str
        n names, for messages.

    Returns
    -------
    (n, k) array
        A column a number, and one for each level but the first.

    Raises
    ------
    DesignError
        If a column is missing, or a label was not seen before.
    """
    parts = [np.zeros((len(subjects), 0))]
    for one in kept:
        if isinstance(one, KeptNumber):
            if one.name not in values.numbers:
                raise DesignError(f"'{one.name}' holds numbers in the model and text here; mend the participants")
            parts.append(values.numbers[one.name][:, None])
            continue
        if one.name not in values.labels:
            raise DesignError(f"'{one.name}' holds labels in the model and numbers here; mend the participants")
        labels = np.array(values.labels[one.name])
        strange = [f"{subject} ({label})" for subject, label in zip(subjects, labels, strict=True)
                   if label not in one.levels]  # fmt: skip
        if strange:
            raise DesignError(
                f"'{one.name}' has labels that the model does not know: {listed(strange)}; it knows "
                f"{', '.join(one.levels)}"
            )
        parts += [(labels == level).astype(float)[:, None] for level in one.levels[1:]]
    return np.column_stack(parts)


def refuse_confounded(kept: Sequence[Kept], matrix: Array, site_of: NDArray[np.intp], site_column: str) -> None:
    """Refuse effects that nobody can tell from differences of sites.

    Parameters
    ----------
    kept : sequence of KeptLabels or KeptNumber
    matrix : (n, k) array
        Their columns.
    site_of : (n,) array of int
    site_column : str
        For messages.

    Raises
    ------
    DesignError
        By name, if sites and kept columns together depend on each other.
    """
    sites = np.eye(int(site_of.max()) + 1)[site_of]
    seen, names = sites, list[str]()
    for one, columns in zip(kept, _blocks(kept, matrix), strict=True):
        if _rank(np.column_stack([sites, columns])) < sites.shape[1] + columns.shape[1]:
            raise DesignError(
                f"'{one.name}' is confounded with '{site_column}': within the sites it does not vary enough to tell "
                "its effect from theirs. No harmonisation can separate them; analyse sites that have all of it"
            )
        before = _rank(seen)
        seen = np.column_stack([seen, columns])
        if _rank(seen) < before + columns.shape[1]:
            raise DesignError(f"'{one.name}' follows from '{site_column}' and {', '.join(names)}; leave one out")
        names.append(f"'{one.name}'")


def kept_doubts(
    kept: Sequence[Kept], matrix: Array, values: KeptValues, site_of: NDArray[np.intp], sites: Sequence[str]
) -> list[str]:
    """What makes kept effects hard to tell from sites: levels that a site lacks, and columns that sites explain.

    Parameters
    ----------
    kept : sequence of KeptLabels or KeptNumber
    matrix : (n, k) array
    values : KeptValues
    site_of : (n,) array of int
    sites : sequence of str

    Returns
    -------
    list of str
    """
    doubts = []
    for one, columns in zip(kept, _blocks(kept, matrix), strict=True):
        if isinstance(one, KeptLabels):
            labels = np.array(values.labels[one.name])
            empty = [f"{site} has no {level}" for index, site in enumerate(sites) for level in one.levels
                     if not (labels[site_of == index] == level).any()]  # fmt: skip
            if empty:
                doubts.append(
                    f"'{one.name}' is not balanced over sites: {listed(empty)}; its effect rests on the other sites"
                )
        total = np.sum((columns - columns.mean(axis=0)) ** 2, axis=0)
        means = np.array([columns[site_of == index].mean(axis=0) for index in range(len(sites))])
        share = float(np.max(1 - np.sum((columns - means[site_of]) ** 2, axis=0) / total))
        if share >= MIN_EXPLAINED:
            doubts.append(
                f"sites explain {100 * share:.0f} % of '{one.name}': its effect and theirs are hard to tell apart, and "
                "p values of it after harmonisation are too small"
            )
    return doubts


def _blocks(kept: Sequence[Kept], matrix: Array) -> list[Array]:
    widths = [1 if isinstance(one, KeptNumber) else len(one.levels) - 1 for one in kept]
    return np.split(matrix, np.cumsum(widths)[:-1], axis=1) if widths else []


def _rank(matrix: Array) -> int:
    spread = matrix / np.maximum(np.linalg.norm(matrix, axis=0), np.finfo(float).tiny)
    return int(np.linalg.matrix_rank(spread))
