"""What was found, as a person would say it: which side of 0 means what, one sentence a contrast, captions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...segmentation.structure_words import SIDES_AFTER, title_structure
from ..fit.glm import Array
from ..fit.results import GroupResult, is_group_difference
from ..fit.study import COVARIATE, SCALED, Study

SIGNIFICANT_P = 0.05
LEVEL = re.compile(r".+\[(?:T\.)?(.+)\]")
"""A column of a formula that stands for a level, ``group[T.Patient]``."""
HEAD_SIZE = {SCALED: ", relative to eTIV", COVARIATE: ", at equal eTIV"}
BEFORE = {", left": "left ", ", right": "right "}


@dataclass(frozen=True)
class Directions:
    """What an effect above and below 0 means."""

    up: str
    down: str
    groups: tuple[str, str] | None = None
    """The group that is larger above 0, and the other one."""


def directions(study: Study, result: GroupResult) -> Directions:
    """What the sign of a contrast of one row means.

    Parameters
    ----------
    study : Study
    result : GroupResult

    Returns
    -------
    Directions
    """
    row = result.contrast.matrix[0]
    more, less = _names(study, row, 1), _names(study, row, -1)
    word = "larger" if "volume" in study.measure or study.measure == "case" else "higher"
    if result.contrast.gamma0 is not None or not result.test.is_t:
        return Directions("above the null value", "below the null value")
    if is_group_difference(result.contrast.matrix, study.matrix):
        one, other = " and ".join(more), " and ".join(less)
        return Directions(f"{word} in {one}", f"{word} in {other}", (one, other))
    used = np.flatnonzero(row)
    if len(used) == 1:
        name, column = study.columns[used[0]], study.matrix[:, used[0]]
        up = row[used[0]] > 0
        if np.ptp(column) == 0:
            words = ("mean above 0", "mean below 0")
        elif np.isin(column, (0, 1)).all():
            level = found[1] if (found := LEVEL.fullmatch(name)) else name
            words = (f"{word} in {level}", f"smaller in {level}" if word == "larger" else f"lower in {level}")
        else:
            words = (f"increases with {name}", f"decreases with {name}")
        return Directions(*(words if up else words[::-1]))
    slopes = {study.columns[i].partition(":")[2] for i in used}
    if len(slopes) == 1 and "" not in slopes and abs(row.sum()) < 1e-9 and more and less:
        over = next(iter(slopes))
        one, other = (" and ".join(name.partition(":")[0] for name in names) for names in (more, less))
        return Directions(f"slope over {over} greater in {one}", f"slope over {over} greater in {other}")
    if len(slopes) == 1 and "" not in slopes and not less:
        over = next(iter(slopes))
        return Directions(f"increases with {over}", f"decreases with {over}")
    return Directions("above 0", "below 0")


def _names(study: Study, row: Array, sign: int) -> list[str]:
    return [name for name, weight in zip(study.columns, row, strict=True) if weight * sign > 0]


def correction(result: GroupResult) -> tuple[str, Array]:
    """Name and p values, (m,), of the family-wise correction that stars go by."""
    return ("Holm", result.p_holm) if result.permutation is None else ("permutation", result.permutation.p_fwe)


def found_in_words(study: Study, result: GroupResult) -> str:
    """One sentence on a contrast: which structures differ after correction, or that none does.

    Parameters
    ----------
    study : Study
    result : GroupResult

    Returns
    -------
    str
    """
    name, p = correction(result)
    family = np.flatnonzero(result.family)
    if not len(family):
        return f"{result.contrast.name}: nothing could be tested."
    seen = [int(i) for i in family if p[i] < SIGNIFICANT_P]
    of = f"{len(family)} structure{'s' * (len(family) != 1)}"
    size = HEAD_SIZE.get(study.options.etiv, "")
    side = directions(study, result) if result.test.is_t else None
    if not seen:
        between = f"between {' and '.join(side.groups)} " if side and side.groups else ""
        what = f"No difference {between}" if between else f"{result.contrast.name}: no effect "
        return (
            f"{what}is left in any of {of} after correction ({name}; smallest corrected p {p_text(p[family].min())})"
            f"{size}. This is no proof that there is none."
        )
    after = f"{len(seen)} of {of} after correction ({name})"
    if side is None:
        return f"{result.contrast.name}: an effect on the {_list([_spoken(result, i) for i in seen])}{size}: {after}."
    gamma = result.test.gamma[0]
    up = _list([_spoken(result, i) for i in seen if gamma[i] > 0])
    down = _list([_spoken(result, i) for i in seen if gamma[i] <= 0])
    if side.groups and side.up.startswith("larger"):
        one, other = side.groups
        parts = [f"a smaller {down}"] * bool(down) + [f"a larger {up}"] * bool(up)
        return f"{one} compared with {other}: {' and '.join(parts)}{size}: {after}."
    parts = [f"{side.up}: {up}"] * bool(up) + [f"{side.down}: {down}"] * bool(down)
    return f"{result.contrast.name}: {'; '.join(parts)}{size}: {after}."


def _spoken(result: GroupResult, i: int) -> str:
    """A structure within a sentence, such as ``left fornix``."""
    name = result.structures[i]
    title = title_structure(name)
    if title == name and name.partition("-")[0] not in SIDES_AFTER:
        return name
    words, comma, side = title.partition(", ")
    return BEFORE.get(comma + side, "") + (words[0].lower() + words[1:] if title != name else words)


def _list(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def p_text(p: float) -> str:
    """A p value as it is printed."""
    return "n/a" if np.isnan(p) else "< 0.0001" if p < 0.0001 else f"{p:.4f}" if p < 0.01 else f"{p:.3f}"


def stars_caption(result: GroupResult) -> str:
    """What stars in figures mean."""
    name, _ = correction(result)
    return (
        f"** {name} p < {SIGNIFICANT_P:g} (family-wise, over {int(result.family.sum())} structures); "
        f"* only the false discovery rate (FDR, Benjamini-Hochberg) is below {SIGNIFICANT_P:g}."
    )


def forest_caption(study: Study, result: GroupResult) -> str:
    """What the forest plot shows.

    Parameters
    ----------
    study : Study
    result : GroupResult

    Returns
    -------
    str
    """
    if result.test.is_t:
        side = directions(study, result)
        what = (
            f"Points: estimated effect of each structure; bars: 95 % confidence interval, not corrected. Right of 0: "
            f"{side.up}; left of 0: {side.down}."
        )
    else:
        what = "Bars: partial eta squared, the share of what the rest of the model leaves that the contrast explains."
    grey = "Open grey points" if result.test.is_t else "Grey bars"
    return f"{what} {grey}: not significant after correction. {stars_caption(result)} {sizes(study)}"


def structures_caption(result: GroupResult, kind: str, note: str, bands: bool) -> str:
    """What the panels of structures show.

    Parameters
    ----------
    result : GroupResult
    kind : str
        Of the panels; see `Panel`.
    note : str
        Of the panels.
    bands : bool
        Whether lines have confidence bands.

    Returns
    -------
    str
    """
    shown = {
        "groups": "Points: subjects, spread sideways at random. Boxes: median and quartiles; whiskers: the farthest "
        "subject within 1.5 box lengths. Thick lines: mean of the fit.",
        "slope": "Points: subjects. Lines: the fit of each group.",
        "one": "Points: subjects, spread sideways at random. Line: mean.",
        "added": "Points: subjects. Line: the fit, whose slope is the contrast.",
        "fitted": "Points: subjects. Line: observed equals fitted.",
    }[kind]
    band = " Bands: 95 % confidence of the mean by least squares, at each point alone." if bands else ""
    end = " Names: subjects whose residual stands out, or who decide much of the result (influence.tsv)."
    return f"{shown}{band} {note[:1].upper() + note[1:] + '. ' if note else ''}{end.strip()} {stars_caption(result)}"


def schematic_caption(result: GroupResult, label: str, abbreviations: str) -> str:
    """What the schematic picture shows.

    Parameters
    ----------
    result : GroupResult
    label : str
        What colours show.
    abbreviations : str
        What the letters stand for.

    Returns
    -------
    str
    """
    return (
        f"Colour: {label}; it does not show certainty. Bold outlines: with a star in the forest plot (corrected p "
        "below 0.05). Grey hatched structures were not analysed. The picture is schematic: outlines of "
        "an average head (MNI152), the same for every study; both halves seen from the midline, other views are "
        "slices, left on the left. "
        f"{abbreviations}."
    )


def sizes(study: Study) -> str:
    """Subjects, and how many there are of each class."""
    if study.design is None or len(study.design.classes) < 2:
        return f"n = {len(study.subjects)}."
    pairs = zip(study.design.classes, study.design.class_sizes, strict=True)
    return "n = " + ", ".join(f"{size} {one.name}" for one, size in pairs) + "."
