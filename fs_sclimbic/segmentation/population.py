"""Volumes of structures in a population, and z scores against them."""

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path

from ..errors import TableError, quote_text
from ..files.content import ContentError, read_small_file
from ..files.resources import data_file
from ..network.store import SHIPPED_SHA256
from .measure import StructureStats

DEFAULT_POPULATION = ("stats_templates", "sclimbic.volstats.csv")
POPULATIONS_OF_WEIGHTS = {SHIPPED_SHA256: ("models", "fs_sclimbic.volstats.csv")}
"""Norms that were measured with the very weights (SHA-256), so that z scores are free of the model's bias."""


@dataclass(frozen=True)
class Norm:
    """Volumes of one structure in a population, mm^3."""

    mean: float
    std: float
    minimum: float | None = None
    """Smallest healthy volume, where it is known."""


Population = Mapping[str, Norm]
"""Norms by structure name."""


class PopulationFile(Mapping[str, Norm]):
    """A population table that is read when a norm is first asked for.

    Parameters
    ----------
    path : path-like, optional
        As for `read_population`.
    """

    def __init__(self, path: str | PathLike[str] | None = None) -> None:
        self._path = path

    @property
    def is_default(self) -> bool:
        """Whether nobody has chosen it."""
        return self._path is None

    @cached_property
    def _norms(self) -> dict[str, Norm]:
        return read_population(self._path)

    def __getitem__(self, name: str) -> Norm:
        return self._norms[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._norms)

    def __len__(self) -> int:
        return len(self._norms)

    def __repr__(self) -> str:
        return repr(self._norms)


def read_population(path: str | PathLike[str] | None = None) -> dict[str, Norm]:
    """Read a population table.

    Parameters
    ----------
    path : path-like, optional
        CSV with a header ``name,mean,std[,min][,...]``, as FreeSurfer's
        ``sclimbic.volstats.csv``. Without it: the 39 manually labelled brains of Greve et al. 2021.

    Returns
    -------
    dict
        Norms by structure name, in the order of the file.

    Raises
    ------
    TableError
        With file and line number.
    """
    file = data_file(*DEFAULT_POPULATION) if path is None else Path(path)
    try:
        text = read_small_file(file, noun="population table").decode("utf-8-sig")
        rows = list(csv.reader(text.splitlines(), skipinitialspace=True))
    except (ContentError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(
            f"{file}: population table cannot be read ({error}); give a CSV to --population-stats"
        ) from error
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if header[1:3] != ["mean", "std"]:
        raise TableError(
            f"{file}:1: expected a header 'name,mean,std', found {quote_text(','.join(rows[0]) if rows else '')}"
        )
    minimum = header.index("min") if "min" in header else None
    population: dict[str, Norm] = {}
    for number, row in enumerate(rows[1:], 2):
        if not any(row):
            continue
        try:
            name, mean, std = row[0].strip(), float(row[1]), float(row[2])
            smallest = float(row[minimum]) if minimum and len(row) > minimum and row[minimum].strip() else None
            if not (math.isfinite(mean) and math.isfinite(std) and std > 0) or name in population:
                raise ValueError("not a norm, or the second one of this structure")
            if smallest is not None and not math.isfinite(smallest):
                raise ValueError("smallest volume is not a number")
        except (ValueError, IndexError) as error:
            raise TableError(
                f"{file}:{number}: expected 'name,mean,std' in mm^3 with std > 0, once a structure, "
                f"found {quote_text(','.join(row))}"
            ) from error
        population[name] = Norm(mean, std, smallest)
    return population


def default_population(weights_sha256: str) -> PopulationFile:
    """The norms that are used where none are given.

    Parameters
    ----------
    weights_sha256 : str
        SHA-256 of the weights, hexadecimal.

    Returns
    -------
    PopulationFile
        Volumes that these weights found in healthy heads, if that was measured; else the 39 manually labelled brains
        of Greve et al. 2021.
    """
    own = POPULATIONS_OF_WEIGHTS.get(weights_sha256)
    return PopulationFile(None if own is None else data_file(*own))


def z_score(row: StructureStats, population: Population) -> float | None:
    """How far a volume lies from the mean of a population.

    Parameters
    ----------
    row : StructureStats
    population : Population

    Returns
    -------
    float or None
        (volume - mean) / std; None for a structure that the table lacks.
    """
    norm = population.get(row.structure.name)
    return None if norm is None else (row.volume_mm3 - norm.mean) / norm.std
