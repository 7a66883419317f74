"""What a paper needs of an analysis: methods, scripts that compute the numbers again, how rows were made."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..files.staging import encode_text
from .fit.glm import Fit
from .fit.results import GroupResult
from .harmonize.harmonization_note import describe_note, read_note
from .output.methods import METHODS, MethodsFacts, format_methods, methods_sentences
from .output.reproduction import script_files
from .study_plan import StudyPlan
from .tables.provenance import read_provenance

COMBAT = "Johnson et al., 2007; Fortin et al., 2018"
"""Whom the paragraph cites for a harmonisation."""
ETIV_SOURCES = {
    "transform": "computed from a given Talairach transform",
    "image": "computed from the image",
    "": "none",
}


@dataclass(frozen=True)
class PaperFiles:
    """Files beside the results, and what the report shows of them."""

    files: dict[str, bytes]
    """Content by path within the folder."""
    methods: tuple[str, ...]
    """Sentences of the methods paragraph."""
    made: tuple[tuple[str, str], ...]
    """How the rows were made, by what is said: network weights, settings, source of eTIV."""


def paper_files(plan: StudyPlan, fit: Fit, results: Sequence[GroupResult], *, robust: bool, seed: int) -> PaperFiles:
    """The methods paragraph and the scripts.

    Parameters
    ----------
    plan : StudyPlan
    fit : Fit
    results : sequence of GroupResult
        At least one.
    robust : bool
        Whether tests are HC3's.
    seed : int
        Of permutations.

    Returns
    -------
    PaperFiles
    """
    study, table = plan.study, Path(plan.inputs.table)
    rows = [one for _, one in read_provenance(table, study.subjects)]
    known = [one for one in rows if one is not None and one.is_known]
    facts = MethodsFacts(
        robust=robust,
        seed=seed,
        made=tuple(dict.fromkeys(known)),
        unknown_rows=len(rows) - len(known),
        left_out=plan.left_out,
        combined=plan.inputs.combine or "",
        prepared=_prepared(table, study.subjects),
    )
    files = {METHODS: encode_text(format_methods(study, fit, results, facts))}
    files |= script_files(study, fit, results, robust=robust, table=os.path.abspath(table))
    ways = facts.made
    made = [
        ("Network weights", " / ".join(dict.fromkeys(way.weights for way in ways))),
        ("Settings", " / ".join(dict.fromkeys("; ".join(way.settings) for way in ways))),
        ("Source of eTIV", " / ".join(dict.fromkeys(ETIV_SOURCES.get(way.etiv, way.etiv) for way in ways))),
    ]
    if not ways:
        made = [("Network weights, settings", "not recorded beside the table")]
    elif facts.unknown_rows:
        made.append(("Rows without a record", str(facts.unknown_rows)))
    return PaperFiles(files, tuple(methods_sentences(study, fit, results, facts)), tuple(made))


def _prepared(table: Path, subjects: Sequence[str]) -> tuple[str, ...]:
    """What was done with the values before, in sentences."""
    note = read_note(table)
    if note is None:
        return ()
    said = describe_note(note, subjects).removeprefix("the table is harmonised")
    return (f"Values were harmonised{said} ({COMBAT}).",)
