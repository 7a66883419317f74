"""Which subject moves each result most, as text and as a part of the page."""

from collections.abc import Sequence
from html import escape

import numpy as np

from ..fit.influence import Influence
from ..fit.results import NOT_APPLICABLE, GroupResult

INFLUENCE = "influence.tsv"
COLUMNS = {
    "structure": "column of the table",
    "subject": "without whom the contrast moves most",
    "cook": "Cook's distance: how far all coefficients move, 1 is far",
    "leverage": "share of its own fit that the subject decides, 0 to 1",
    "residual": "of the subject, externally studentised; beyond 3 to 4 it stands out",
    "shift": "of the contrast without the subject, in standard errors; 1 is far",
    "gamma": "of all subjects; of several rows the first",
    "gamma_without": "without the subject",
    "p": "of all subjects, not corrected",
    "p_without": "without the subject",
    "decisive": "yes where the subject stands out and, without it, p crosses 0.05 or the contrast moves by 2",
}
"""Columns of influence.tsv, and what they hold."""


def format_influence(result: GroupResult, influence: Influence, subjects: Sequence[str]) -> str:
    """The text of influence.tsv: for each structure the subject without whom the contrast moves most.

    Parameters
    ----------
    result : GroupResult
    influence : Influence
        Of that result.
    subjects : sequence of str
        n names.

    Returns
    -------
    str
    """
    lines = ["\t".join(COLUMNS)]
    lines += ["\t".join(row) for row in _rows(result, influence, subjects, "{:.10g}")]
    return "\n".join(lines) + "\n"


def influence_table(result: GroupResult, influence: Influence, subjects: Sequence[str]) -> str:
    """The same for the page, folded.

    Parameters
    ----------
    result : GroupResult
    influence : Influence
        Of that result.
    subjects : sequence of str
        n names.

    Returns
    -------
    str
    """
    head = "".join(f'<th title="{escape(words)}">{escape(_heading(name))}</th>' for name, words in COLUMNS.items())
    body = ""
    for row in _rows(result, influence, subjects, "{:.3g}"):
        kind = ' class="one"' if row[-1] == "yes" else ""
        body += f"<tr{kind}>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
    return (
        "<details><summary>Single subjects: without whom each result moves most</summary>"
        f'<div class="wide"><table><tr>{head}</tr>{body}</table></div></details>'
    )


def _heading(name: str) -> str:
    return {"cook": "Cook's distance"}.get(name, name.replace("_", " "))


def _rows(result: GroupResult, influence: Influence, subjects: Sequence[str], digits: str) -> list[list[str]]:
    def number(value: float) -> str:
        return digits.format(value) if np.isfinite(value) else NOT_APPLICABLE

    rows = []
    for column, (structure, top) in enumerate(zip(result.structures, influence.top, strict=True)):
        row = int(top)
        if row < 0:
            continue
        numbers = (
            influence.cooks_distance[row, column],
            influence.leverage[row],
            influence.residual[row, column],
            influence.shift[row, column],
            result.test.gamma[0, column],
            influence.gamma[row, column],
            result.test.p[column],
            influence.p[row, column],
        )
        decisive = "yes" if influence.decisive[row, column] else "no"
        rows.append([structure, subjects[row], *map(number, numbers), decisive])
    return rows
