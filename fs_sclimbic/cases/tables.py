"""Cohort tables: one row a case, one column a structure, as CSV."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..segmentation.measure import SegStats, StructureStats
from ..segmentation.population import Population, z_score

Value = Callable[[StructureStats, Population], float | None]


@dataclass(frozen=True)
class Table:
    """One table: its file name after the base, and the value in its cells."""

    ending: str
    value: Value
    with_etiv: bool = False
    """Whether eTIV stands in the last column, where group tools expect it."""


VOLUMES = Table("volumes_all.csv", lambda row, _: row.volume_mm3, with_etiv=True)
Z_SCORES = Table("zqa_scores_all.csv", z_score)
CONFIDENCES = Table("confidences_all.csv", lambda row, _: row.confidence)
# The manual names the confidence table in the singular, the published tool writes the plural.
CONFIDENCE = Table("confidence_all.csv", CONFIDENCES.value)


def format_table(table: Table, cases: Sequence[tuple[str, SegStats]], population: Population) -> str:
    """The text of a table.

    Parameters
    ----------
    table : Table
    cases : sequence of (name, SegStats)
        In the order of the rows. All have the same structures, since they come from one model.
    population : Population
        Norms for the z scores; a structure that it lacks has no column there.

    Returns
    -------
    str
        ``case,<StructName ...>[,eTIV]``, four decimals.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    first = cases[0][1]
    columns = [i for i, row in enumerate(first.structures) if table.value(row, population) is not None]
    with_etiv = table.with_etiv and any(stats.etiv_mm3 is not None for _, stats in cases)
    writer.writerow(["case", *(first.structures[i].structure.name for i in columns), *(["eTIV"] if with_etiv else [])])
    for name, stats in cases:
        values = [table.value(stats.structures[i], population) for i in columns] + (
            [stats.etiv_mm3] if with_etiv else []
        )
        writer.writerow([name, *("" if value is None else f"{value:.4f}" for value in values)])
    return text.getvalue()


def merge_rows(old: str, new: str) -> str:
    """A table with the rows of a new one put into an old one, by case.

    Parameters
    ----------
    old, new : str
        Texts of tables. Other columns than the new table's mean that the old one is of another kind: it gives way.
    """
    old_rows, new_rows = (list(csv.reader(io.StringIO(text))) for text in (old, new))
    if not old_rows or old_rows[0] != new_rows[0]:
        return new
    rows = {row[0]: row for row in old_rows[1:] if row} | {row[0]: row for row in new_rows[1:]}
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([new_rows[0], *rows.values()])
    return text.getvalue()


def case_names(text: str) -> list[str]:
    """The cases that a table has rows of."""
    return [row[0] for row in list(csv.reader(io.StringIO(text)))[1:] if row]


def table_files(start: Path, separator: str, tables: Sequence[Table]) -> list[tuple[Path, Table]]:
    """File of each table: ``OUT/sclimbic`` with ``_``, or a single image's ``OUT/name`` with ``.``."""
    return [(start.with_name(f"{start.name}{separator}{table.ending}"), table) for table in tables]
