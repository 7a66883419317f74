"""Flags: what looks wrong about a structure."""

from .measure import SegStats, StructureStats
from .population import Population, z_score

# A z score alone misses a lost structure: an absent accumbens is z = -2.96.
SMALL_SHARE_OF_MINIMUM = 0.5
EXTREME_Z = 4.0
LOW_CONFIDENCE = 0.6
DETACHED_SHARE, DETACHED_MM3 = 0.1, 20.0


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
        "SMALL": row.volume_mm3 < SMALL_SHARE_OF_MINIMUM * smallest,
        "VOLUME": z is not None and abs(z) > EXTREME_Z,
        "CONFIDENCE": row.confidence < LOW_CONFIDENCE,
        "DETACHED": row.detached_voxels * voxel_volume_mm3 >= DETACHED_MM3
        and row.detached_voxels >= DETACHED_SHARE * row.n_voxels,
    }
    return tuple(name for name, is_so in found.items() if is_so)


def flag_messages(stats: SegStats, population: Population) -> list[str]:
    """One line for each kind of flag, naming its structures, for the log and the screen."""
    by_flag: dict[str, list[str]] = {}
    for row in stats.structures:
        for flag in flags(row, population, stats.voxel_volume_mm3):
            by_flag.setdefault(flag, []).append(row.structure.name)
    return [f"{flag} ({FLAGS[flag]}): {', '.join(names)}" for flag, names in by_flag.items()]
