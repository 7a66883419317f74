"""What pages know of a study: the numbers, flags and files of all cases, as one script."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ...cases.verdicts import FAILED, worst_first
from ...image.labels import Structure
from ...segmentation.flag_limits import LIMITS
from ...segmentation.population import Population, z_score
from ..finished_case import FinishedCase
from ..pictures import lighten
from .libraries import encode_json
from .site_groups import NO_GROUP, SiteGroups

SEVERITIES = ("failed", "bad", "look", "good")
MM3_PER_CM3 = 1000
WEIGHTS = "Weights"
SETTINGS = ("Preset", "IntensityRange", "Region", "Posteriors", "Volumes")
"""Names in the provenance that tell how a case was made; they are shown where cases differ."""
UNKNOWN_SETTINGS = "n/a"
SHORT_HASH = 8


def structures_of(cases: Sequence[FinishedCase]) -> tuple[Structure, ...]:
    """All structures that are measured in some case, in the order of the cases."""
    found: dict[str, Structure] = {}
    for case in cases:
        colors = {structure.index: structure for structure in case.colors}
        for row in case.stats.structures:
            found.setdefault(row.structure.name, colors.get(row.structure.index, row.structure))
    return tuple(found.values())


def describe_study(
    cases: Sequence[FinishedCase],
    *,
    population: Population,
    title: str,
    identity: str,
    groups: SiteGroups | None,
    with_paths: bool,
    made: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Describe a study, the worst case first.

    Parameters
    ----------
    cases : sequence of FinishedCase
    population : Population
        Norms of volumes.
    title : str
    identity : str
        See `choose_identity`.
    groups : SiteGroups, optional
    with_paths : bool
        Tell where the files lie; they are left out of a page that is sent to others.
    made : mapping
        What was made of each case, by name: addresses of its files beside the page, or what went wrong.

    Returns
    -------
    dict
        Of json's types.
    """
    structures = structures_of(cases)
    described = [
        _describe_case(case, structures, population, groups, with_paths, made.get(case.name, {})) for case in cases
    ]
    return {
        "format": 1,
        "id": identity,
        "title": title,
        "groupName": groups.name if groups else None,
        "structures": [
            {"name": one.name, "rgb": list(lighten(one.rgba[:3])), "norm": _norm(one.name, population)}
            for one in structures
        ],
        "cases": sorted(described, key=lambda one: (SEVERITIES.index(one["verdict"]), -len(one["flags"]), one["name"])),
    }


def _norm(name: str, population: Population) -> dict[str, float] | None:
    norm = population.get(name)
    return None if norm is None else {"mean": norm.mean, "sd": norm.std}


def _describe_case(
    case: FinishedCase,
    structures: Sequence[Structure],
    population: Population,
    groups: SiteGroups | None,
    with_paths: bool,
    made: Mapping[str, Any],
) -> dict[str, Any]:
    rows = {row.structure.name: row for row in case.stats.structures}
    found = [rows.get(structure.name) for structure in structures]
    etiv = case.stats.etiv_mm3
    paths = {
        "segmentation": case.segmentation, "t1": case.t1, "posteriors": case.posteriors, "stats": case.stats_file,
        "record": case.record_file, "transform": case.transform,
    }  # fmt: skip
    has_paths = with_paths and all(flag.kind != FAILED for flag in case.verdict.flags)  # what failed has no files
    return {
        "name": case.name,
        "verdict": "failed" if case.problem else case.verdict.verdict,
        "problem": case.problem,
        "result": _result_of(case),
        "flags": [
            {
                "kind": flag.kind,
                "severity": flag.severity,
                "reason": flag.reason,
                "structure": flag.structure,
                "advice": LIMITS[flag.kind].advice if flag.kind in LIMITS else None,
            }
            for flag in worst_first(case.verdict.flags)
        ],
        "warnings": [text for text in case.warnings if not _tells_flag(text, case)],
        "group": groups.groups.get(case.name, NO_GROUP) if groups else None,
        "etiv": None if etiv is None else _number(etiv / MM3_PER_CM3, 1),
        "volumes": [None if row is None else _number(row.volume_mm3, 1) for row in found],
        "z": [None if row is None else _number(z_score(row, population), 2) for row in found],
        "confidences": [None if row is None else _number(row.confidence, 3) for row in found],
        "weights": _short_weights(case.provenance.get(WEIGHTS)),
        "settings": _short_settings(case.provenance),
        "provenance": {name: text for name, text in case.provenance.items() if with_paths or not _tells_place(name)},
        "files": {name: str(path.absolute()) for name, path in paths.items() if path} if has_paths else None,
        **{name: value for name, value in made.items() if value is not None},
    }


def _result_of(case: FinishedCase) -> str:
    """Stands for the numbers of a case: marks of earlier ones are out of date."""
    rows = [f"{row.structure.name} {row.n_voxels} {row.volume_mm3:.3f}" for row in case.stats.structures]
    return hashlib.sha256("\n".join(rows).encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _tells_flag(warning: str, case: FinishedCase) -> bool:
    """Whether a warning of the run says what a flag says with more words."""
    return warning.split(" (")[0] in {flag.kind for flag in case.verdict.flags}


def _number(value: float | None, digits: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, digits)


def _short_weights(text: str | None) -> str:
    """Name of a weight file, and the first digits of its hash: two files may have one name."""
    if not text:
        return UNKNOWN_SETTINGS
    name, _, more = text.partition(" SHA-256 ")
    return f"{name} {more[:SHORT_HASH]}".strip()


def _short_settings(provenance: Mapping[str, str]) -> str:
    found = [f"{name} {provenance[name]}" for name in SETTINGS if name in provenance]
    return "; ".join(found) or UNKNOWN_SETTINGS


def _tells_place(name: str) -> bool:
    """Whether a line of the provenance tells whose machine it was, and where the files lie on it."""
    return name in {"cmdline", "hostname", "user", "InputFile", "TransformFile"}


def format_study(description: Mapping[str, Any]) -> str:
    """The script that hands a study to the page."""
    return f"window.Sclimbic = window.Sclimbic || {{}};\nwindow.Sclimbic.study = {encode_json(description)};\n"
