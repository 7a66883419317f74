"""What is fitted: the columns of X, from an FSGD, a matrix file, or the mean alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...notice import Notice
from .design import Design
from .fsgd import read_fsgd
from .matrix_files import read_design_matrix

MEAN = "Mean"
"""The one column of a one-sample group mean."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """The columns of X, and the subjects where the source names them."""

    columns: tuple[str, ...]
    """p names."""
    matrix: NDArray[np.float64]
    """(n, p)."""
    source: str
    """The file, for messages."""
    subjects: tuple[str, ...] | None = None
    """n names; None: rows go by the order of the table."""
    design: Design | None = None
    """Of an FSGD."""
    description: str = ""
    """Where the columns come from, in words."""
    notices: tuple[Notice, ...] = ()
    """What looks wrong in the file but may be meant."""


def matrix_model(path: str) -> Model:
    """The model of a design matrix file, whose columns are called X1, X2 ..."""
    matrix = read_design_matrix(path)
    names = tuple(f"X{number + 1}" for number in range(matrix.shape[1]))
    return Model(columns=names, matrix=matrix, source=path, description=f"{path}, columns {', '.join(names)}")


def mean_model(n_rows: int) -> Model:
    """The model of a one-sample group mean of all rows of a table."""
    return Model(columns=(MEAN,), matrix=np.ones((n_rows, 1)), source="--osgm", description="one-sample group mean")


def fsgd_model(
    path: str,
    *,
    method: str | None = None,
    one_sample: bool = False,
    allow_repeated: bool = False,
    rescale: bool = False,
) -> Model:
    """The model of an FSGD.

    Parameters
    ----------
    path : str
    method : str, optional
        ``dods``, ``doss`` or ``none``; see `read_fsgd`.
    one_sample : bool
        Fit the mean of the subjects alone, and leave classes and variables out.
    allow_repeated, rescale : bool
        See `read_fsgd`.

    Returns
    -------
    Model

    Raises
    ------
    DesignError
        If the FSGD cannot be read.
    """
    design, warnings = read_fsgd(path, method, allow_repeated=allow_repeated, rescale=rescale)
    notices = tuple(Notice("warning", text) for text in warnings)
    if one_sample:
        description = f"one-sample group mean of the subjects in {path}"
        return Model(
            columns=(MEAN,),
            matrix=np.ones((len(design.subjects), 1)),
            subjects=design.subjects,
            design=design,
            source=path,
            description=description,
            notices=notices,
        )
    why = (
        "by a tag in the file, which goes before the command line"
        if design.method_in_file
        else "as asked for"
        if method and method.lower() != "none"
        else "by default"
    )
    meaning = "each class has its own slope" if design.method == "dods" else "one slope for all classes"
    description = f"{path}, method {design.method} ({why}): {meaning}"
    return Model(
        columns=design.columns,
        matrix=design.matrix,
        subjects=design.subjects,
        design=design,
        source=path,
        description=description,
        notices=notices,
    )
