"""Text files around a fit: design matrices and weights that come in, the log and y.fsgd that go out."""

import io
import platform
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import scipy.io

from ..._version import __version__
from ...errors import DesignError
from ...files.system import current_folder, now, user_name, versions
from ..design.contrast import read_rows
from ..design.design import Design
from ..fit.glm import Array

LIBRARIES = ("numpy", "scipy", "nibabel", "matplotlib")


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
        content = file.read_bytes()
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
        found = scipy.io.loadmat(io.BytesIO(content))
    except Exception as error:  # on other bytes scipy raises whatever comes to it
        raise DesignError(f"{file}: expected text or a Matlab file (version 4 to 7), found neither") from error
    matrices = {name: value for name, value in found.items() if not name.startswith("__")}
    matrix = matrices.get("X", next(iter(matrices.values())) if len(matrices) == 1 else None)
    if not (isinstance(matrix, np.ndarray) and matrix.ndim == 2 and matrix.size and matrix.dtype.kind in "iufb"):
        raise DesignError(f"{file}: expected one matrix, or one named X, found {', '.join(matrices) or 'nothing'}")
    if not np.isfinite(matrix).all():
        raise DesignError(f"{file}: the design matrix holds values that are no finite numbers")
    return matrix.astype(np.float64)


def read_weights(path: str | PathLike[str], n_rows: int) -> Array:
    """Read ``--wg``: one positive number for each row of the design.

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
        lines = Path(path).read_text("utf-8-sig").splitlines()
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


@dataclass(frozen=True)
class LogFacts:
    """What the log of mri_glmfit tells."""

    program: str
    command: Sequence[str]
    table: str
    """Absolute path."""
    glmdir: str
    fsgd: str | None = None
    matrix: str | None = None
    weights: str | None = None
    one_sample: bool = False
    logarithm: bool = False
    ill_conditioned_ok: bool = False
    n_structures: int = 0
    notes: Sequence[str] = ()
    """What was printed about the design and the data."""


def format_log(facts: LogFacts) -> str:
    """The text of mri_glmfit.log: the lines of the original that mean something here, then ours."""
    system = platform.uname()
    lines = [
        "",
        f"fs_sclimbic {__version__}",
        f"cwd {current_folder()}",
        f"cmdline {shlex.join(facts.command)} ",
        f"sysname  {system.system}",
        f"hostname {system.node}",
        f"machine  {system.machine}",
        f"user     {user_name()}",
        f"OneSampleGroupMean {int(facts.one_sample)}",
        f"y    {facts.table}",
        f"logyflag {int(facts.logarithm)}",
        *([f"X    {facts.matrix}"] if facts.matrix else []),
        "usedti  0",
        *([f"FSGD {facts.fsgd}"] if facts.fsgd else []),
        f"glmdir {facts.glmdir}",
        f"IllCondOK {int(facts.ill_conditioned_ok)}",
        "ReScaleX 1",
        "DoFFx 0",
        *([f"wgFile {facts.weights}"] if facts.weights else []),
        "ResidualFWHM -1.000000",
        f"SearchSpace {facts.n_structures:.6f}",
        "anattype volume",
        f"finished {now()}",
        f"libraries {' '.join(versions(LIBRARIES))}",
        *facts.notes,
    ]
    return "\n".join(lines) + "\n"


def format_y_fsgd(
    design: Design, table: str, program: str, seed: int, *, logarithm: bool = False, subjects_dir: str = ""
) -> str:
    """The text of y.fsgd, which says how Xg.dat came about; in the original's layout.

    Parameters
    ----------
    design : Design
        Of the subjects that were analysed.
    table : str
        Absolute path.
    program : str
    seed : int
    logarithm : bool
    subjects_dir : str
    """
    rows, title = dict(design.contrast_rows), " ".join(design.title.split())
    lines = [
        "GroupDescriptorFile 1",
        *([f"Title  {title}", ""] if title else []),
        f"MeasurementName {design.measurement or 'external'}",
        "Tessellation volume",
        *([f"RegistrationSubject {design.registration_subject}"] if design.registration_subject else []),
        f"PlotFile {table}",
        f"DesignMatFile X.mat {design.method}",
        design.method,
        f"DeMeanFlag {int(design.demean) if design.variables else -1}",
        f"ReScaleFlag {int(design.rescale)}",
        "ResidualFWHM -1.000000",
        f"LogY {int(logarithm)}",
        *([f"DefaultVariable {design.default_variable}"] if design.default_variable else []),
        *(" ".join(filter(None, ("Class", one.name, one.marker, one.color))) for one in design.classes),
        *([f"Variables {' '.join(design.variables)} "] if design.variables else []),
    ]
    for contrast in design.contrasts:
        if contrast.name in rows:
            lines.append(f"FContrast {contrast.name} {' '.join(rows[contrast.name])} ")
        else:
            lines.append(f"Contrast {contrast.name} {_numbers(contrast.matrix[0])}")
    lines += [
        f"Input {subject} {design.classes[index].name} {_numbers(row)}"
        for subject, index, row in zip(design.subjects, design.class_of, design.values, strict=True)
    ]
    lines += [f"Creator          {program}", f"SUBJECTS_DIR     {subjects_dir}", f"SynthSeed        {seed}"]
    return "\n".join(lines) + "\n"


def _numbers(values: Array) -> str:
    return "".join(f"{value:g} " for value in values)
