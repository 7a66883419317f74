"""analysis.R and analysis.py: the same analysis with base R and with NumPy, from the values and the design."""

from collections.abc import Iterator, Sequence
from string import Template

from ..._version import __version__
from ...files.staging import encode_text
from ..fit.glm import Array, Fit
from ..fit.results import GroupResult
from ..fit.study import ETIV_SCALE, SCALED, Study
from ..text_files import displayable
from .reproduction_texts import IN_PYTHON, IN_R

PYTHON_SCRIPT, R_SCRIPT = "analysis.py", "analysis.R"
VALUES, DESIGN = "analysis_values.csv", "analysis_design.csv"
SCRIPT_FILES = (PYTHON_SCRIPT, R_SCRIPT, VALUES, DESIGN)
SUBJECT, WEIGHT, ETIV = "subject", "row weight", "eTIV in mm3"
"""Columns of the two tables, beside structures and columns of X."""


def script_files(
    study: Study, fit: Fit, results: Sequence[GroupResult], *, robust: bool, table: str
) -> dict[str, bytes]:
    """The two scripts, and the two tables that they read, by their path within the folder of the fit.

    Parameters
    ----------
    study : Study
    fit : Fit
    results : sequence of GroupResult
    robust : bool
        Whether tests are HC3's.
    table : str
        Where the values came from, for the comment.

    Returns
    -------
    dict of str to bytes
        Empty without a contrast or without degrees of freedom: there is nothing to test again then.
    """
    if not results or fit.dof < 1:
        return {}
    scaled, weighted = study.options.etiv == SCALED, fit.weights is not None
    facts = {
        "version": __version__,
        "table": _in_a_comment(table),
        "scale": ETIV_SCALE,
        "values": VALUES,
        "design": DESIGN,
        "subject": SUBJECT,
        "weight": WEIGHT,
        "etiv": ETIV,
    }
    switches = {"scaled": scaled, "logarithm": study.options.logarithm, "weighted": weighted, "robust": robust}
    family = [name for name, counts in zip(study.structures, study.family, strict=True) if counts]
    in_python = facts | {key: str(value) for key, value in switches.items()}
    in_python |= {
        "unscaled": _python_list(study.unscaled_structures),
        "family": _python_list(family),
        "contrasts": "".join(f"    {line}\n" for line in _python_contrasts(results)),
    }
    in_r = facts | {key: str(value).upper() for key, value in switches.items()}
    in_r |= {
        "unscaled": _r_vector(map(_r_text, study.unscaled_structures), empty="character(0)"),
        "family": _r_vector(map(_r_text, family), empty="character(0)"),
        "contrasts": ",\n".join(f"  {line}" for line in _r_contrasts(results)),
    }
    return {
        PYTHON_SCRIPT: encode_text(Template(IN_PYTHON).substitute(in_python)),
        R_SCRIPT: encode_text(Template(IN_R).substitute(in_r)),
        VALUES: encode_text(_values_table(study)),
        DESIGN: encode_text(_design_table(study, fit)),
    }


def _in_a_comment(path: str) -> str:
    """A path within a comment or a docstring, where backslashes and quotes would mean something."""
    return " ".join(displayable(path).replace("\\", "/").replace('"', "'").split())


def _values_table(study: Study) -> str:
    """What the table holds of the subjects, before eTIV and logarithm; as many digits as float64 has."""
    columns = dict(zip(study.structures, study.unscaled.T, strict=True))
    if study.head_sizes is not None:
        columns[ETIV] = study.head_sizes
    return _csv(study.subjects, columns)


def _design_table(study: Study, fit: Fit) -> str:
    """The design, which Xg.dat holds with five decimals, and the weights of rows where there are any."""
    columns = dict(zip(study.columns, fit.design.T, strict=True))
    if fit.weights is not None:
        columns[WEIGHT] = fit.weights
    return _csv(study.subjects, columns)


def _csv(subjects: Sequence[str], columns: dict[str, Array]) -> str:
    lines = [",".join(map(_quoted, (SUBJECT, *columns)))]
    for row, subject in enumerate(subjects):
        lines.append(",".join([_quoted(subject), *(repr(float(values[row])) for values in columns.values())]))
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + displayable(text).replace('"', '""') + '"'


def _python_list(names: Sequence[str]) -> str:
    return "[" + ", ".join(ascii(displayable(name)) for name in names) + "]"


def _python_contrasts(results: Sequence[GroupResult]) -> Iterator[str]:
    for result in results:
        rows = [[float(weight) for weight in row] for row in result.contrast.matrix]
        yield f"{result.contrast.name!a}: ({rows!r}, {_null(result)!r}),"


def _null(result: GroupResult) -> list[float]:
    gamma0 = result.contrast.gamma0
    return [0.0] * len(result.contrast.matrix) if gamma0 is None else [float(value) for value in gamma0]


def _r_contrasts(results: Sequence[GroupResult]) -> Iterator[str]:
    for result in results:
        rows = ", ".join(_r_vector(repr(float(weight)) for weight in row) for row in result.contrast.matrix)
        yield f"{_r_text(result.contrast.name)} = list(C = rbind({rows}), null = {_r_vector(map(repr, _null(result)))})"


def _r_vector(values: "Iterator[str] | map[str]", empty: str = "") -> str:
    inside = ", ".join(values)
    return f"c({inside})" if inside or not empty else empty


def _r_text(text: str) -> str:
    """A literal of R that reads alike in every locale."""
    escaped = displayable(text).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(sign if 31 < ord(sign) < 127 else f"\\U{{{ord(sign):x}}}" for sign in escaped) + '"'
