"""Stats files: the table of one case as FreeSurfer's tools read it."""

import math
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TypeVar

from ..errors import TableError, quote_text
from ..files.resources import data_file
from ..image.labels import Structure
from ..segmentation.flag import CaseVerdict, Flag
from ..segmentation.measure import SegStats, StructureStats
from ..segmentation.population import Population, z_score

Number = TypeVar("Number", int, float)

HEADER = ("stats_templates", "sclimbic.stats.header")
COLUMNS = ("Index", "SegId", "NVoxels", "Volume_mm3", "StructName")
QA_COLUMNS = (*COLUMNS, "Confidence", "ZScore", "DetachedVoxels", "Flags")
ETIV_MEASURE = "# Measure EstimatedTotalIntraCranialVol, eTIV, Estimated Total Intracranial Volume, "


def format_stats(stats: SegStats, provenance: Sequence[str] = ()) -> str:
    """The text of a stats file.

    Parameters
    ----------
    stats : SegStats
    provenance : sequence of str
        Lines about the run (subject, weights, version ...) for the header; ``#`` is put before each.

    Returns
    -------
    str
        Without a blank line anywhere: asegstats2table stops at one.
    """
    lines = header_lines(stats, COLUMNS, provenance)
    lines += [row_start(i, row) for i, row in enumerate(stats.structures, 1)]
    return "\n".join(lines) + "\n"


def format_qa_stats(
    stats: SegStats, population: Population, provenance: Sequence[str] = (), flags: Sequence[Flag] = ()
) -> str:
    """The text of a .qa.stats file: the columns of a stats file, then four of quality control.

    The first five columns are those of a stats file, so asegstats2table reads this one too.

    Parameters
    ----------
    stats : SegStats
    population : Population
        Norms for the z scores.
    provenance : sequence of str
        As for `format_stats`.
    flags : sequence of Flag
        Of the case; those of single structures stand in their rows, and all with their reasons in the header.

    Returns
    -------
    str
        A z score of a structure that the population table lacks is ``-``, as are no flags.
    """
    about = [
        f"Verdict {CaseVerdict(case='', flags=tuple(flags)).verdict}",
        *(f"Flag {flag.kind} {flag.severity} {flag.reason}" for flag in flags),
    ]
    lines = header_lines(stats, QA_COLUMNS, [*provenance, *about])
    width = max((len(row.structure.name) for row in stats.structures), default=0)
    for number, row in enumerate(stats.structures, 1):
        z = z_score(row, population)
        lines.append(
            f"{row_start(number, row)}{'':{width - len(row.structure.name)}s} {row.confidence:>8.4f} "
            f"{'-' if z is None else format(z, '.4f'):>9s} {row.detached_voxels:>6d}  "
            f"{','.join(kinds_of(flags, row.structure.name)) or '-'}"
        )
    return "\n".join(lines) + "\n"


def kinds_of(flags: Sequence[Flag], structure: str | None) -> list[str]:
    """The kinds of the flags of one structure, or of the whole case for None; each once.

    Parameters
    ----------
    flags : sequence of Flag
    structure : str or None
        StructName.

    Returns
    -------
    list of str
    """
    return list(dict.fromkeys(flag.kind for flag in flags if flag.structure == structure))


def header_lines(stats: SegStats, columns: Sequence[str], provenance: Sequence[str]) -> list[str]:
    """The lines above the rows of a stats file; asegstats2table takes eTIV from the one that begins with Measure.

    Parameters
    ----------
    stats : SegStats
    columns : sequence of str
        Names of the columns.
    provenance : sequence of str
        As for `format_stats`.

    Returns
    -------
    list of str
    """
    etiv = [] if stats.etiv_mm3 is None else [f"{ETIV_MEASURE}{stats.etiv_mm3:.6f}, mm^3"]
    return [
        *data_file(*HEADER).read_text().splitlines(),
        *(f"# {' '.join(line.split())}" for line in provenance),
        *etiv,
        f"# NRows {len(stats.structures)}",
        f"# NTableCols {len(columns)}",
        f"# ColHeaders {' '.join(columns)}",
    ]


def row_start(number: int, row: StructureStats) -> str:
    """The five columns of one structure; wide numbers push the columns apart, never together.

    Parameters
    ----------
    number : int
        Of the row, from 1.
    row : StructureStats

    Returns
    -------
    str
    """
    return f"{number:<4d} {row.structure.index:>6d} {row.n_voxels:>5d} {row.volume_mm3:>11.4f}    {row.structure.name}"


def read_stats(path: str | PathLike[str]) -> SegStats:
    """Read a stats file, ours or the published tool's.

    Returns
    -------
    SegStats
        What the file does not hold is filled so: confidence nan, detached voxels 0, voxel volume nan,
        colours black.

    Raises
    ------
    TableError
        With file and line number, if a row is not one.
    """
    file = Path(path)
    try:
        lines = file.read_text("utf-8", "surrogateescape").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TableError(f"{file}: stats file cannot be read ({error})") from error
    etiv, rows = None, []
    for number, line in enumerate(lines, 1):
        try:
            if line.startswith(ETIV_MEASURE):
                etiv = _from_zero(float(line.split(",")[3]))
            elif line.strip() and not line.startswith("#"):
                _, segid, count, volume, name, *_ = line.split()
                structure = Structure(int(segid), name, (0, 0, 0, 0))
                rows.append(StructureStats(structure, _from_zero(int(count)), _from_zero(float(volume)), math.nan, 0))
        except ValueError as error:
            raise TableError(f"{file}:{number}: expected '{' '.join(COLUMNS)}', found {quote_text(line)}") from error
    return SegStats(tuple(rows), math.nan, etiv)


def _from_zero(value: Number) -> Number:
    if not 0 <= value < math.inf:
        raise ValueError(f"{value}: expected a number from 0")
    return value
