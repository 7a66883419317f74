"""Values of three structures as stats files hold them, and tables made of them."""

from pathlib import Path

from fs_sclimbic.group.tables.column_choice import Choice
from fs_sclimbic.group.tables.measures import ETIV, MEASURES, StatsValues
from fs_sclimbic.group.tables.stats_paths import StatsFile
from fs_sclimbic.group.tables.stats_table import build_table

SEGIDS = {"A": 26, "B": 58, "C": 853, "D": 854}
NAME = ETIV[1]


def build(*rows, measure="volume", choice=None, **options):
    """Rows as dicts of name to value, in the order of the file; eTIV is called E."""
    files = [StatsFile(f"s{i}", Path(f"s{i}.stats")) for i in range(len(rows))]
    values = [
        StatsValues(tuple(ETIV if name == "E" else (SEGIDS[name], name) for name in row), tuple(row.values()))
        for row in rows
    ]
    return build_table(files, values, MEASURES[measure], choice or Choice(), **options)


FULL = {"A": 1.0, "B": 2.0, "C": 3.0, "E": 1e6}
NO_C = {"A": 4.0, "B": 5.0, "E": 2e6}
NO_E = {"A": 7.0, "B": 8.0, "C": 9.0}
