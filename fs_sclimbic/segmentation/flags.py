"""Flags: what looks wrong about a structure."""

from .measure import SegStats, StructureStats
from .population import Population, z_score

MIN_FRACTION_OF_SMALLEST = 0.5
"""Fraction of the smallest healthy volume below which a structure is SMALL.

A z score alone misses a lost structure: an absent accumbens has z = -2.96."""
MAX_ABSOLUTE_Z = 4.0
MIN_CONFIDENCE = 0.6
MIN_DETACHED_FRACTION, MIN_DETACHED_MM3 = 0.1, 20.0
"""Fraction of a structure's voxels, and their volume, from which detached voxels are a flag."""

FLAGS = {
    "EMPTY": "no voxel found",
    "SMALL": "under half of the smallest healthy volume",
    "VOLUME": "volume beyond 4 sd",
    "CONFIDENCE": "mean posterior below 0.6",
    "DETACHED": "parts far from the rest",
}
"""What may look wrong about a structure, in words for the log."""


def flags(row: StructureStats, population: Population, voxel_volume_mm3: float) -> tuple[str, ...]:
    """What looks wrong about one structure.

    Parameters
    ----------
    row : StructureStats
    population : Population
        Norms of volumes; a structure that it lacks gets no flag of volume.
    voxel_volume_mm3 : float

    Returns
    -------
    tuple of str
        Any of ``EMPTY`` (no voxel), ``SMALL`` (under half of the smallest healthy volume), ``VOLUME``
        (beyond 4 standard deviations), ``CONFIDENCE`` (mean posterior below 0.6), ``DETACHED`` (a tenth
        of its voxels, and at least 20 mm^3, lie apart from its largest part).
    """
    if row.n_voxels == 0:
        return ("EMPTY",)
    norm, z = population.get(row.structure.name), z_score(row, population)
    smallest = norm.minimum if norm and norm.minimum is not None else 0.0
    found = {
        "SMALL": row.volume_mm3 < MIN_FRACTION_OF_SMALLEST * smallest,
        "VOLUME": z is not None and abs(z) > MAX_ABSOLUTE_Z,
        "CONFIDENCE": row.confidence < MIN_CONFIDENCE,
        "DETACHED": row.detached_voxels * voxel_volume_mm3 >= MIN_DETACHED_MM3
        and row.detached_voxels >= MIN_DETACHED_FRACTION * row.n_voxels,
    }
    return tuple(name for name, is_so in found.items() if is_so)


def flag_messages(stats: SegStats, population: Population) -> list[str]:
    """The flags of a case, for the log and the screen.

    Parameters
    ----------
    stats : SegStats
    population : Population

    Returns
    -------
    list of str
        One line for each kind of flag, with the names of its structures.
    """
    by_flag: dict[str, list[str]] = {}
    for row in stats.structures:
        for flag in flags(row, population, stats.voxel_volume_mm3):
            by_flag.setdefault(flag, []).append(row.structure.name)
    return [f"{flag} ({FLAGS[flag]}): {', '.join(names)}" for flag, names in by_flag.items()]
