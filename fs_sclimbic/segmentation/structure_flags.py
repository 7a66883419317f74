"""Flags that the numbers of a case give: volumes against norms and the other side, confidences."""

from collections.abc import Iterator

from .flag import Flag
from .flag_limits import LIMITS
from .measure import SegStats, StructureStats
from .population import Norm, Population, z_score
from .structure_words import describe_structure, pair_sides, split_side

SMALLEST_SD = 2.0
"""Standard deviations below the mean at which the smallest of 39 brains is expected, where it is not known."""
MIN_SMALLEST_FRACTION = 0.25
"""Of the mean: the smallest volume is not expected below, where the sd is large."""


def smallest_healthy_mm3(norm: Norm) -> float:
    """The smallest healthy volume of a structure, mm^3; from mean and sd where the table does not have it."""
    if norm.minimum is not None:
        return norm.minimum
    return max(norm.mean - SMALLEST_SD * norm.std, MIN_SMALLEST_FRACTION * norm.mean)


def structure_flags(stats: SegStats, population: Population) -> list[Flag]:
    """Flags of the numbers of one case.

    Parameters
    ----------
    stats : SegStats
        A confidence that is not known (nan) gets no flag.
    population : Population
        Norms of volumes; a structure that it lacks gets no flag of them.

    Returns
    -------
    list of Flag
        ``EMPTY``, ``SMALL``, ``VOLUME``, ``CONFIDENCE`` of each structure, then ``ASYMMETRY`` of the pairs.
    """
    found = [flag for row in stats.structures for flag in _flags_of_row(row, population)]
    lost = {flag.structure for flag in found if flag.kind == "EMPTY"}
    return [*found, *_asymmetries(stats, lost)]


def _flags_of_row(row: StructureStats, population: Population) -> Iterator[Flag]:
    name = row.structure.name
    words = describe_structure(name)
    norm, z = population.get(name), z_score(row, population)
    smallest = smallest_healthy_mm3(norm) if norm else 0.0
    gate, half = LIMITS["EMPTY"].bad or 0.0, LIMITS["SMALL"].bad or 0.0
    if row.n_voxels == 0 or row.volume_mm3 < gate * smallest:
        left = "" if row.n_voxels == 0 else f": {row.volume_mm3:.0f} of at least {smallest:.0f} mm^3 remain"
        yield Flag(
            kind="EMPTY", severity="bad", structure=name, value=row.volume_mm3, threshold=gate * smallest,
            reason=f"{words} lost{left}",
        )  # fmt: skip
        return
    if row.volume_mm3 < half * smallest:
        yield Flag(
            kind="SMALL", severity="bad", structure=name, value=row.volume_mm3, threshold=half * smallest,
            reason=f"{words} lost in part: {row.volume_mm3:.0f} mm^3, under half of the smallest healthy one "
            f"({smallest:.0f})",
        )  # fmt: skip
    elif z is not None and abs(z) > LIMITS["VOLUME"].look_for(name):
        yield Flag(
            kind="VOLUME", severity="look", structure=name, value=z, threshold=LIMITS["VOLUME"].look_for(name),
            reason=f"{words} is {'large' if z > 0 else 'small'}: {row.volume_mm3:.0f} mm^3, z = {z:.1f}",
        )  # fmt: skip
    if row.confidence < LIMITS["CONFIDENCE"].look_for(name):
        yield Flag(
            kind="CONFIDENCE", severity="look", structure=name, value=row.confidence,
            threshold=LIMITS["CONFIDENCE"].look_for(name),
            reason=f"{words} is uncertain: mean posterior {row.confidence:.2f}",
        )  # fmt: skip


def _asymmetries(stats: SegStats, lost: set[str | None]) -> Iterator[Flag]:
    """Pairs of which one side is much larger; a lost side is flagged already."""
    volumes = {row.structure.name: row.volume_mm3 for row in stats.structures}
    limit = LIMITS["ASYMMETRY"]
    for pair in pair_sides(volumes):
        if lost.intersection(pair):
            continue
        smaller, larger = sorted(pair, key=volumes.__getitem__)
        ratio = volumes[larger] / volumes[smaller] if volumes[smaller] > 0 else float("inf")
        if ratio > limit.look_for(smaller):
            is_bad = limit.bad is not None and ratio > limit.bad
            yield Flag(
                kind="ASYMMETRY", severity="bad" if is_bad else "look", structure=smaller, value=ratio,
                threshold=limit.bad if is_bad else limit.look_for(smaller),
                reason=f"{describe_structure(smaller)} is {volumes[smaller]:.0f} mm^3 against {volumes[larger]:.0f} on "
                f"the {split_side(larger)[0].lower()}",
            )  # fmt: skip
