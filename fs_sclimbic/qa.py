"""Quality control of one case: z scores against a population, and flags for what looks wrong."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from .errors import TableError
from .measure import SegStats, StructureStats
from .resources import data_file
from .stats import COLUMNS, header_lines, row_start

DEFAULT_POPULATION = ("stats_templates", "sclimbic.volstats.csv")
QA_COLUMNS = (*COLUMNS, "Confidence", "ZScore", "DetachedVoxels", "Flags")

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


@dataclass(frozen=True)
class Norm:
    """Volumes of one structure in a population, mm^3."""

    mean: float
    std: float
    minimum: float | None = None
    """Smallest healthy volume, where it is known."""


Population = Mapping[str, Norm]
"""Norms by structure name."""


def read_population(path: str | PathLike[str] | None = None) -> dict[str, Norm]:
    """Read a population table.

    Parameters
    ----------
    path : path-like, optional
        CSV with a header ``name,mean,std[,min][,...]``, as FreeSurfer's
        ``sclimbic.volstats.csv``. Without it: the 39 manually labelled brains of Greve et al. 2021.

    Raises
    ------
    TableError
        With file and line number.
    """
    file = data_file(*DEFAULT_POPULATION) if path is None else Path(path)
    try:
        rows = list(csv.reader(file.read_text().splitlines(), skipinitialspace=True))
    except (OSError, UnicodeDecodeError) as error:
        raise TableError(
            f"{file}: population table cannot be read ({error}); give a CSV to --population-stats"
        ) from error
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if header[1:3] != ["mean", "std"]:
        raise TableError(f"{file}:1: expected a header 'name,mean,std', found '{','.join(rows[0]) if rows else ''}'")
    minimum = header.index("min") if "min" in header else None
    population: dict[str, Norm] = {}
    for number, row in enumerate(rows[1:], 2):
        if not any(row):
            continue
        try:
            name, mean, std = row[0].strip(), float(row[1]), float(row[2])
            smallest = float(row[minimum]) if minimum and len(row) > minimum and row[minimum].strip() else None
            if not (math.isfinite(mean) and math.isfinite(std) and std > 0) or name in population:
                raise ValueError("not a norm, or a second one")
        except (ValueError, IndexError) as error:
            raise TableError(
                f"{file}:{number}: expected 'name,mean,std' in mm^3 with std > 0, once a structure, "
                f"found '{','.join(row)}'"
            ) from error
        population[name] = Norm(mean, std, smallest)
    return population


def z_score(row: StructureStats, population: Population) -> float | None:
    """(volume - mean) / std, or None for a structure that the table lacks."""
    norm = population.get(row.structure.name)
    return None if norm is None else (row.volume_mm3 - norm.mean) / norm.std


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


def format_qa_stats(stats: SegStats, population: Population, provenance: Sequence[str] = ()) -> str:
    """The text of a .qa.stats file: the columns of a stats file, then four of quality control.

    The first five columns are those of a stats file, so asegstats2table reads this one too. A z score that
    the population table does not allow is ``-``, as is a row without flags.
    """
    lines = header_lines(stats, QA_COLUMNS, provenance)
    width = max((len(row.structure.name) for row in stats.structures), default=0)
    for number, row in enumerate(stats.structures, 1):
        z = z_score(row, population)
        lines.append(
            f"{row_start(number, row)}{'':{width - len(row.structure.name)}s} {row.confidence:>8.4f} "
            f"{'-' if z is None else format(z, '.4f'):>9s} {row.detached_voxels:>6d}  "
            f"{','.join(flags(row, population, stats.voxel_volume_mm3)) or '-'}"
        )
    return "\n".join(lines) + "\n"
