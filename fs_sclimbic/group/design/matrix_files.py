"""Matrices, weights and lists of rows around a fit as files: read with all problems named, and written."""

import re
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import DesignError
from ..text_files import finite_number, read_content
from .matlab_files import read_matlab

Array = NDArray[np.float64]


def read_rows(file: Path, kind: str) -> list[tuple[int, list[float]]]:
    """Read a text matrix, with the number of each line; all problems are told at once.

    Parameters
    ----------
    file : Path
    kind : str
        What the file is, for messages.

    Returns
    -------
    list of tuple of int and list of float
        Number of each line, and its numbers.
    """
    try:
        content = read_content(file, f"{kind} file", DesignError)
    except OSError as error:
        raise DesignError(f"{file}: {kind} file cannot be read ({error.strerror})") from error
    if b"\0" in content:
        raise DesignError(f"{file}: expected text, one row of numbers a line, found another kind of file")
    text = content.decode("utf-8-sig", "surrogateescape").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.rstrip().split("\n")
    if not text.strip():
        raise DesignError(f"{file}:1: the {kind} file is empty; expected one row of numbers a line")
    rows: list[tuple[int, list[float]]] = []
    problems = []
    for number, line in enumerate(lines, 1):
        where, words = f"{file}:{number}", line.split()
        if not words:
            problems.append(f"{where}: found a blank line above a row; remove it")
        elif words[0].startswith(("#", "%", "//")):
            problems.append(
                f"{where}: a {kind} file cannot hold comments, found '{line.strip()[:60]}'; remove the line"
            )
        elif any("," in word or ";" in word for word in words):
            problems.append(
                f"{where}: expected blanks between the numbers and decimal points, found '{line.strip()[:60]}'"
            )
        else:
            values = [finite_number(word) for word in words]
            wrong = [word for word, value in zip(words, values, strict=True) if value is None]
            problems += [f"{where}: expected finite numbers, found '{' '.join(wrong)[:60]}'"] if wrong else []
            rows.append((number, [value for value in values if value is not None]))
    if problems:
        raise DesignError("\n".join(problems))
    return rows


def read_design_matrix(path: str | PathLike[str]) -> Array:
    """Read a design matrix, as mri_glmfit's ``--X``.

    Parameters
    ----------
    path : path-like
        Text with one row of numbers a subject, or a Matlab file (version 4 to 7) with a matrix ``X`` or one alone.

    Returns
    -------
    (n, p) array

    Raises
    ------
    DesignError
        With file and line.
    """
    file = Path(path)
    try:
        content = read_content(file, "design matrix", DesignError)
    except OSError as error:
        raise DesignError(f"{file}: design matrix cannot be read ({error.strerror})") from error
    if b"\0" in content:
        return _matlab(file, content)
    rows = read_rows(file, "design matrix")
    wrong = [
        f"{file}:{line}: expected {len(rows[0][1])} numbers as in the first row, found {len(row)}"
        for line, row in rows
        if len(row) != len(rows[0][1])
    ]
    if wrong:
        raise DesignError("\n".join(wrong[:20]))
    return np.array([row for _, row in rows], np.float64)


def _matlab(file: Path, content: bytes) -> Array:
    try:
        found = read_matlab(content)
    except ValueError as error:
        raise DesignError(f"{file}: expected text or a Matlab file (version 4 to 7), found neither: {error}") from error
    matrix = found.get("X", next(iter(found.values())) if len(found) == 1 else None)
    if matrix is None or not matrix.size:
        raise DesignError(f"{file}: expected one matrix, or one named X, found {', '.join(found) or 'nothing'}")
    if not np.isfinite(matrix).all():
        raise DesignError(f"{file}: the design matrix holds values that are no finite numbers")
    return matrix


def read_weights(path: str | PathLike[str], n_rows: int) -> Array:
    """Read ``--wg``: one positive number for each row of the design.

    Parameters
    ----------
    path : path-like
    n_rows : int
        Rows of the design.

    Returns
    -------
    (n,) array

    Raises
    ------
    DesignError
        With file and line.
    """
    rows = read_rows(Path(path), "weights")
    wrong = [
        f"{path}:{line}: expected one weight above 0, found '{' '.join(f'{value:g}' for value in row)}'; leave "
        "subjects out instead of giving them no weight"
        for line, row in rows
        if len(row) != 1 or row[0] <= 0
    ]
    if wrong:
        raise DesignError("\n".join(wrong[:20]))
    if len(rows) != n_rows:
        raise DesignError(f"{path}: expected {n_rows} weights, one for each row of the design, found {len(rows)}")
    return np.array([row[0] for _, row in rows])


def read_frames(path: str | PathLike[str]) -> tuple[int, ...]:
    """Read ``--exclude-frame-file``: numbers of rows of the design, from 0, separated by white space.

    Raises
    ------
    DesignError
        With file and line.
    """
    try:
        lines = read_content(path, "list of rows", DesignError).decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DesignError(f"{path}: list of rows to leave out cannot be read ({error})") from error
    words = [(number, word) for number, line in enumerate(lines, 1) for word in line.split()]
    wrong = [
        f"{path}:{number}: expected numbers of rows from 0, found '{word[:40]}'"
        for number, word in words
        if not re.fullmatch(r"[0-9]{1,9}", word)
    ]
    if wrong or not words:
        raise DesignError("\n".join(wrong[:20]) or f"{path}: names no row to leave out")
    return tuple(int(word) for _, word in words)


def format_matrix(matrix: Array) -> str:
    r"""A matrix as mri_glmfit writes it.

    Examples
    --------
    >>> format_matrix(np.array([[1, -0.5]]))
    '+1.00000 -0.50000 \n'
    """
    return "".join("".join(f"{value:+4.5f} " for value in row) + "\n" for row in matrix)
