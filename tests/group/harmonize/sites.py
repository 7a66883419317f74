"""Made-up subjects of three sites, and neuroCombat's values of them.

neurocombat.tsv holds what neuroCombat 0.2.12 (Python, Fortin) makes of its volumes with sex and age kept; its
iteration ends at changes of 1e-4, so that its numbers are right to about 1e-5 of a structure's standard deviation.
"""

from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("neurocombat.tsv")
ROWS = [line.split("\t") for line in FILE.read_text().splitlines()]
SUBJECTS, SITES, SEXES = ([row[column] for row in ROWS[1:]] for column in (0, 1, 2))
AGES = np.array([float(row[3]) for row in ROWS[1:]])
STRUCTURES = ROWS[0][4:9]
VOLUMES, EXPECTED = (np.array([row[a:b] for row in ROWS[1:]], float) for a, b in ((4, 9), (9, 14)))
SITE_OF = np.array([sorted(set(SITES)).index(site) for site in SITES])
KEPT = np.column_stack([np.array(SEXES) == "M", AGES]).astype(float)
SIZES = 1.4e6 + 1000 * np.arange(len(SUBJECTS)) ** 1.5


def table_text(values=VOLUMES, subjects=SUBJECTS, structures=STRUCTURES, measure="Measure:volume", sizes=SIZES):
    """A table as asegstats2table writes it, with eTIV."""
    lines = ["\t".join([measure, *structures, "eTIV"])]
    for name, row, size in zip(subjects, values, sizes, strict=False):
        lines.append("\t".join([name, *(repr(float(value)) for value in row), repr(float(size))]))
    return "\n".join(lines) + "\n"


def people_text(sites=SITES, subjects=SUBJECTS, sexes=SEXES, ages=AGES):
    """A table of participants."""
    lines = ["participant_id\tsite\tsex\tage"]
    for row in zip(subjects, sites, sexes, ages, strict=True):
        lines.append("\t".join(f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in row))
    return "\n".join(lines) + "\n"
