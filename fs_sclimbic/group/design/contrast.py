"""Contrasts: what is asked of a design, from matrix files or by the names of its columns."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import DesignError
from ..text_files import finite_number
from .expression import linear_rows, reads_as_expression
from .matrix_files import read_rows

MAX_CONDITION_NUMBER = 1000.0
"""Above this condition number of C C' mri_glmfit refuses a contrast, and so do we."""
CONTRAST_ENDINGS = (".mat", ".mtx", ".dat", ".con")
"""Taken off a contrast's file name, each once, in this order."""
MAX_NAME_BYTES = 200
# A weight outside the design's row space by less than this is rounding.
MAX_ROUNDING_SHARE = 1e-7


@dataclass(frozen=True, eq=False)
class Contrast:
    """One question to a design: J rows of weights. One row gives a t-test, several an F-test."""

    name: str
    """Names its folder and its column in tables: without blanks and slashes."""
    matrix: NDArray[np.float64]
    """Shape (J, columns of the design)."""
    gamma0: NDArray[np.float64] | None = None
    """Shape (J,): what the null hypothesis says instead of 0."""


def read_contrast(
    path: str | PathLike[str],
    columns: Sequence[str],
    gamma0: str | PathLike[str] | None = None,
    *,
    design_matrix: NDArray[np.float64] | None = None,
    other_columns: Mapping[str, Sequence[str]] | None = None,
) -> Contrast:
    """Read a contrast from a matrix file, as mri_glmfit's ``--C FILE [GAMMA0FILE]``.

    Parameters
    ----------
    path : path-like
        Text: one row of weights a line, blanks between them. Blank lines at the end are fine.
    columns : sequence of str
        Names of the design's columns.
    gamma0 : path-like, optional
        Text with one number for each row of the contrast.
    design_matrix, other_columns
        As in `check_contrast`.

    Returns
    -------
    Contrast
        Named by the file, without its folder and its ending.

    Raises
    ------
    DesignError
        With file and line, one line a problem.
    """
    file = Path(path)
    if not file.exists() and reads_as_expression(str(path), columns):
        raise DesignError(f"{path}: contrast file does not exist; names of columns go to --contrast")
    rows = read_rows(file, "contrast")
    problems = [
        f"{file}:{line}: expected {len(rows[0][1])} weights as in the first row, found {len(row)}"
        for line, row in rows[1:]
        if len(row) != len(rows[0][1])
    ]
    if problems:
        raise DesignError("\n".join(problems))
    null = None if gamma0 is None else _read_gamma0(Path(gamma0), len(rows))
    contrast = Contrast(name_of_file(file), np.array([row for _, row in rows]), null)
    check_contrast(contrast, columns, str(file), design_matrix, other_columns)
    return contrast


def name_of_file(path: str | PathLike[str]) -> str:
    """The name of a contrast from its file: ``dir/x.F.mtx`` is ``x.F``."""
    name = Path(path).name
    for ending in CONTRAST_ENDINGS:
        name = name.removesuffix(ending)
    if not is_usable_name(name):
        raise DesignError(
            f"{path}: the contrast would be called '{name}', which cannot name a folder and a table's column; "
            "rename the file, without blanks"
        )
    return name


def is_usable_name(name: str) -> bool:
    """Whether a contrast may be called so: the name becomes a folder and a cell of tables."""
    return (
        bool(re.fullmatch(r"[^\s/\\]+", name))
        and name.strip(".") != ""
        and len(name.encode(errors="replace")) <= MAX_NAME_BYTES
    )


def _read_gamma0(file: Path, n_rows: int) -> NDArray[np.float64]:
    values = [value for _, row in read_rows(file, "gamma0") for value in row]
    if len(values) != n_rows:
        raise DesignError(
            f"{file}: expected one number for each of the contrast's {n_rows} row(s), found {len(values)}"
        )
    return np.array(values)


def named_contrast(
    text: str,
    columns: Sequence[str],
    *,
    design_matrix: NDArray[np.float64] | None = None,
    other_columns: Mapping[str, Sequence[str]] | None = None,
) -> Contrast:
    """A contrast written with the names of the design's columns.

    Parameters
    ----------
    text : str
        ``Patient-Control``, ``Patient:Age - Control:Age``, ``(A+B)/2 - C``; ``;`` between rows of an F contrast.
        ``NAME = ...`` in front names it; by default the text does, with ``_`` for what no file name should hold.
    columns : sequence of str
        Names of the design's columns.
    design_matrix, other_columns
        As in `check_contrast`.

    Returns
    -------
    Contrast

    Raises
    ------
    DesignError
        If a name is no column, or the text can be read in two ways or not at all.

    Examples
    --------
    >>> named_contrast("Patient-Control", ["Control", "Patient"]).matrix.tolist()
    [[-1.0, 1.0]]
    """
    name, equals, expression = text.partition("=")
    if not equals or (any("=" in column for column in columns) and reads_as_expression(text, columns)):
        name, expression = "", text
    elif reads_as_expression(name, columns):
        instead = (
            f"write '{name.strip()}'" if finite_number(expression.strip()) == 0 else f"write '{name.strip()} - ...'"
        )
        raise DesignError(f"contrast '{text}': every contrast is tested against 0; {instead} without '='")
    try:
        rows = linear_rows(expression, columns)
    except DesignError as error:
        if text.lower().endswith(CONTRAST_ENDINGS) and Path(text).is_file():
            raise DesignError(f"contrast '{text}': is a file; matrix files go to --C") from error
        # Where the names are those of this design, something else is wrong with the text.
        others = {} if reads_as_expression(expression, columns) else (other_columns or {})
        fits = [(way, names) for way, names in others.items() if reads_as_expression(expression, names)]
        if not fits:
            raise
        if "has a column for each class" in str(error):
            raise DesignError(f"{error}; or take {fits[0][0]}, whose columns are {', '.join(fits[0][1])}") from error
        raise DesignError(
            f"contrast '{text}': fits {fits[0][0]}, whose columns are {', '.join(fits[0][1])}; the columns of this "
            f"design are {', '.join(columns)}"
        ) from error
    name = name.strip() if equals and expression != text else safe_name(text)
    if not is_usable_name(name):
        raise DesignError(
            f"contrast '{text}': '{name}' cannot name a folder and a table's column; put a name without blanks and "
            "slashes before it, as in 'group = Patient-Control'"
        )
    contrast = Contrast(name, rows)
    check_contrast(contrast, columns, f"contrast '{text}'", design_matrix)
    return contrast


def safe_name(text: str) -> str:
    """A text with ``_`` for everything that file names and tables should not hold."""
    name = re.sub(r"[^\w.+-]+", "_", re.sub(r"\s+", "", text)).strip("_")
    return f"minus{name}" if name.startswith("-") else name  # a folder like '-A' reads as a flag


def check_contrast(
    contrast: Contrast,
    columns: Sequence[str],
    source: str,
    design_matrix: NDArray[np.float64] | None = None,
    other_columns: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """See that a contrast fits its design.

    Parameters
    ----------
    contrast : Contrast
    columns : sequence of str
        Names of the design's columns.
    source : str
        Where the contrast comes from, for messages.
    design_matrix : ndarray, shape (subjects, columns), optional
        With it, each row of the contrast must be estimable: a combination of the design's rows.
    other_columns : mapping of str to sequence of str, optional
        Columns of the same design by another method, ``{"doss": ...}``, to say whether the contrast was meant for it.

    Raises
    ------
    DesignError
        One line a problem: another number of weights than columns, a row of zeros, rows that say the same or differ
        too much in size, a row that the design cannot estimate.
    """
    weights: NDArray[np.float64] = np.atleast_2d(np.asarray(contrast.matrix, np.float64))
    if weights.shape[1] != len(columns):
        fits = [
            f"; it fits {method}, whose columns are {', '.join(names)}"
            for method, names in (other_columns or {}).items()
            if len(names) == weights.shape[1]
        ]
        raise DesignError(
            f"{source}: the contrast has {weights.shape[1]} weights a row, the design {len(columns)} columns: "
            f"{', '.join(columns)}{''.join(fits)}"
        )
    problems = [
        f"{source}: row {row} holds a number that is not finite"
        for row in _numbered([not np.isfinite(row).all() for row in weights])
    ]
    if not problems:
        problems += [
            f"{source}: row {row} is all zeros and asks nothing"
            for row in _numbered([not row.any() for row in weights])
        ]
    if not problems and np.linalg.matrix_rank(_unit(weights)) < len(weights):
        problems.append(f"{source}: a row follows from the others; leave out one of {_rows_that_depend(weights)}")
    elif not problems and np.linalg.cond(weights @ weights.T) > MAX_CONDITION_NUMBER:
        problems.append(
            f"{source}: the rows are nearly the same or differ too much in size (condition number of C C' "
            f"{np.linalg.cond(weights @ weights.T):.4g}, at most {MAX_CONDITION_NUMBER:g}); scale them alike"
        )
    if design_matrix is not None and not problems:
        problems += [
            f"{source}: row {row} ({format_weights(weights[row - 1], columns)}) cannot be estimated: the design holds "
            "no such comparison, since its columns depend on each other; see fs_sclimbic fsgd check"
            for row in _numbered(~estimable(weights, design_matrix))
        ]
    if contrast.gamma0 is not None and np.shape(contrast.gamma0) != (len(weights),):
        problems.append(f"{source}: expected {len(weights)} value(s) of gamma0, found {np.size(contrast.gamma0)}")
    if problems:
        raise DesignError("\n".join(problems))


def estimable(weights: NDArray[np.float64], design_matrix: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows of a contrast lie in the row space of a design.

    Parameters
    ----------
    weights : ndarray, shape (J, p)
    design_matrix : ndarray, shape (n, p)

    Returns
    -------
    ndarray of bool, shape (J,)
        Independent of the units of the columns.
    """
    scale = np.linalg.norm(design_matrix, axis=0)
    scale[scale == 0] = 1
    _, sizes, directions = np.linalg.svd(design_matrix / scale, full_matrices=False)
    kept = directions[sizes > sizes.max(initial=0) * max(design_matrix.shape) * np.finfo(float).eps]
    rows = weights / scale
    outside = np.linalg.norm(rows - rows @ kept.T @ kept, axis=1)
    return np.asarray(outside <= MAX_ROUNDING_SHARE * np.linalg.norm(rows, axis=1))


def format_weights(row: Sequence[float] | NDArray[np.float64], columns: Sequence[str]) -> str:
    """One row with the names of the columns: ``-1*Control +1*Patient``; zeros are left out.

    Parameters
    ----------
    row : (p,) array
    columns : sequence of str
        Names of the design's columns.

    Returns
    -------
    str
    """
    return " ".join(f"{weight:+g}*{name}" for weight, name in zip(row, columns, strict=True) if weight) or "0"


def _numbered(mask: Sequence[bool] | NDArray[np.bool_]) -> list[int]:
    return [int(index) + 1 for index in np.flatnonzero(mask)]


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _rows_that_depend(weights: NDArray[np.float64]) -> str:
    """Rows that follow from others: without such a row the rank stays the same."""
    unit = _unit(weights)
    rank = np.linalg.matrix_rank(unit)
    found = [i + 1 for i in range(len(unit)) if np.linalg.matrix_rank(np.delete(unit, i, axis=0)) == rank]
    return f"rows {', '.join(map(str, found))}"
