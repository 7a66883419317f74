"""Each structure fitted alone, with all subjects whose value of it is good: where ratings exclude single structures.

The fit of all structures has one set of subjects, as in mri_glmfit: whoever lacks one structure is left out of it.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..errors import DesignError, TableError
from ..files.staging import encode_text
from .analysis import GroupAnalysis, analyse
from .fit.results import NOT_APPLICABLE, benjamini_hochberg, format_results, holm
from .text_files import finite_number

EACH = "results_each.tsv"
"""In the folder of each contrast."""
SUBJECTS_COLUMN = "n"
OVER_ALL = ("p_perm_fwe",)
"""Columns that count all structures at once, which fits of different subjects cannot be."""


@dataclass(frozen=True)
class EachStructure:
    """Fits of structures alone."""

    files: dict[str, bytes]
    """`EACH` by path within the output folder; empty where the fit of all structures has everybody."""
    said: tuple[str, ...] = ()


def fit_each_structure(analysis: GroupAnalysis) -> EachStructure:
    """Fit each structure alone, if subjects were left out of all structures because of single ones.

    Parameters
    ----------
    analysis : GroupAnalysis
        Of all structures.

    Returns
    -------
    EachStructure
        The columns of results.tsv, after the number of subjects; Holm and FDR over these rows.
    """
    plan = analysis.plan
    if not plan.partly_left_out or not analysis.results:
        return EachStructure({})
    names = [name for name, counts in zip(plan.study.structures, plan.study.family, strict=True) if counts]
    rows: dict[str, list[dict[str, str]]] = {result.contrast.name: [] for result in analysis.results}
    failed = []
    for name in names:
        options = replace(plan.inputs.options, columns=(name,), exclude_columns=())
        try:
            alone = analyse(replace(plan.inputs, options=options), analysis.options)
        except (DesignError, TableError) as error:  # too few subjects, for instance
            failed.append(f"{name} could not be fitted alone ({error})")
            continue
        for result in alone.results:
            header, *lines = (line.split("\t") for line in format_results(result).splitlines())
            (row,) = (dict(zip(header, cells, strict=True)) for cells in lines if cells[0] == name)
            count = {SUBJECTS_COLUMN: str(len(alone.plan.study.subjects))}
            rows[result.contrast.name].append({"structure": name, **count, **row})
    files = {f"{contrast}/{EACH}": encode_text(_format(found)) for contrast, found in rows.items() if found}
    said = f"{EACH} of each contrast: each structure alone, with all subjects whose value of it is good"
    return EachStructure(files, (*([said] if files else []), *failed))


def _format(rows: list[dict[str, str]]) -> str:
    p = np.array([np.nan if (value := finite_number(row["p"])) is None else value for row in rows])
    for column, corrected in (("p_holm", holm(p)), ("p_fdr", benjamini_hochberg(p))):
        for row, value in zip(rows, corrected, strict=True):
            row[column] = NOT_APPLICABLE if np.isnan(value) else f"{value:.10g}"
    for row in rows:
        row.update({column: NOT_APPLICABLE for column in OVER_ALL if column in row})
    return "".join("\t".join(line) + "\n" for line in (rows[0], *(row.values() for row in rows)))
