import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_sclimbic.errors import TableError
from fs_sclimbic.group.tables.column_choice import Choice
from fs_sclimbic.group.tables.measures import MEASURES, StatsValues
from fs_sclimbic.group.tables.stats_paths import StatsFile
from fs_sclimbic.group.tables.stats_table import build_table
from tests.stats_rows import FULL, NAME, NO_C, NO_E, build


def test_one_row_a_file():
    built = build(FULL, FULL | {"A": 1.5})
    assert built.table.measure == "Measure:volume"
    assert built.table.subjects == ("s0", "s1")
    assert built.table.columns == ("A", "B", "C", NAME)
    assert built.table.values.tolist() == [[1, 2, 3, 1e6], [1.5, 2, 3, 1e6]]
    assert built.warnings == ()


def test_all_in_order_of_first_sight_and_said():
    built = build(NO_C, FULL, NO_E, NO_C, choice=Choice(differing="all"))
    assert built.table.columns == ("A", "B", NAME, "C")
    assert built.table.values.tolist() == [[4, 5, 2e6, 0], [1, 2, 1e6, 3], [7, 8, 0, 9], [4, 5, 2e6, 0]]
    assert built.warnings == (
        f"{NAME} is not the last column: mri_glmfit --scale-by-etiv would not scale C",
        f"{NAME} is not in the stats file, so 0 was written, which is no measurement: s2",
        "C is not in the stats file, so 0 was written, which is no measurement: s0, s3",
    )
    built = build(FULL, NO_C, choice=Choice(differing="all", fill=math.nan))
    assert math.isnan(built.table.values[1, 2])
    assert "so nan was written" in built.warnings[0]


def test_percent_of_etiv_then_scale():
    built = build(FULL, NO_C | {"C": 5.0}, choice=Choice(differing="common"), percent_of_etiv=True)
    assert dict(zip(built.table.columns, built.table.values[1], strict=True)) == {
        "A": 2e-4,
        "B": 2.5e-4,
        "C": 2.5e-4,
        NAME: 100,
    }
    assert build(FULL, percent_of_etiv=True, scale=10).table.values[0] == pytest.approx([0.001, 0.002, 0.003, 1000])
    assert build(FULL, scale=-2).table.values.tolist() == [[-2, -4, -6, -2e6]]
    with pytest.raises(TableError, match="--etiv: the table has no Estimated"):
        build(NO_E, percent_of_etiv=True)
    with pytest.raises(TableError, match=r"--etiv: no Estimated.* in s1"):
        build(FULL, NO_E, choice=Choice(differing="all"), percent_of_etiv=True)
    with pytest.raises(TableError, match="makes values too large"):
        build(FULL, scale=1e308)


def test_a_lost_structure_is_told():
    built = build(FULL, FULL | {"B": 0.0}, FULL | {"B": 0.0, "E": 1.1e6})
    assert built.warnings == ("B has volume 0, look at the segmentation: s1, s2",)
    assert built.table.values[1, 1] == 0
    assert not build({"B": 0.0}, measure="confidence").warnings


def test_z_scores_that_the_population_table_does_not_allow():
    nan = math.nan
    built = build({"A": 1.0, "B": nan}, {"A": -2.0, "B": nan}, measure="z")
    assert built.table.columns == ("A",)
    assert built.table.values.tolist() == [[1], [-2]]
    assert built.warnings == ("no z in any file, so left out: B",)
    with pytest.raises(TableError, match=r"B: no z in s1\n.*different populations"):
        build({"A": 1.0, "B": 2.0}, {"A": -2.0, "B": nan}, measure="z")
    with pytest.raises(TableError, match="no structure has a z"):
        build({"A": nan}, measure="z")
    filled = build({"A": 1.0, "B": nan}, {"A": 1.0}, measure="z", choice=Choice(differing="all"))
    assert filled.table.columns == ("A",)


def test_nothing_left():
    with pytest.raises(TableError, match="no stats file is left"):
        build()
    with pytest.raises(TableError, match="no structure is left"):
        build({"A": 1.0}, choice=Choice(without=frozenset({26})))


def test_left_out_rows_and_measures_are_told():
    values = [StatsValues(((26, "A"),), (1.0,), ("x.stats:3: 'row'",), ("BrainSeg",))]
    assert build_table([StatsFile("x", Path("x"))], values, MEASURES["volume"]).warnings == (
        "--lenient: x.stats:3: 'row'",
        "of the header's measures only eTIV goes into the table; left out: BrainSeg",
    )


def test_very_many_names_are_cut_short():
    built = build(FULL, *[NO_C] * 150, choice=Choice(differing="all"))
    assert built.warnings[-1].endswith("s99, s100 and 50 more")


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["A", "B", "C"]), st.floats(1, 1e9), min_size=1, max_size=3),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["common", "all"]),
)
def test_every_value_lands_under_its_name(rows, differing):
    """Against the plain way of doing it, cell by cell."""
    names = set.intersection(*map(set, rows)) if differing == "common" else set.union(*map(set, rows))
    if not names:
        return
    built = build(*rows, choice=Choice(differing=differing))
    assert set(built.table.columns) == names
    for row, cells in zip(rows, built.table.values, strict=True):
        assert dict(zip(built.table.columns, cells, strict=True)) == {name: row.get(name, 0.0) for name in names}


@pytest.mark.parametrize("measure", ["volume", "nvoxels"])
def test_cases_with_warnings_of_their_segmentation_are_named(measure):
    files = [StatsFile(f"s{i}", Path(f"s{i}.stats")) for i in range(30)]
    layout = ((26, "A"),)
    plain, small = StatsValues(layout, (1.0,)), StatsValues(layout, (1.0,), concerns=("SMALL", "other"))
    built = build_table(files, [plain, small] + [plain] * 28, MEASURES[measure])
    assert built.warnings == (
        "1 of 30 stats files carry warnings of their segmentation: s1 (SMALL, other); look at them before the "
        "analysis (lines '# Warning' of the files)",
    )
    (line,) = build_table(files, [small] * 30, MEASURES[measure]).warnings
    assert "s19 (SMALL, other) and 10 more; look" in line
    assert "s20" not in line


def test_an_impossible_etiv_is_told_and_never_divides():
    identity = FULL | {"E": 1948106.0}
    built = build(FULL, identity, NO_C | {"C": 1.0, "E": 3e5}, NO_E, choice=Choice(differing="all"))
    assert built.warnings[1].startswith("eTIV is 1948106 for s1: their talairach.xfm changes no size")
    assert built.warnings[2].startswith("eTIV is not that of a head (expected about 1.5e6 mm^3) for s2 (300000)")
    with pytest.raises(TableError, match="--etiv: eTIV is 1948106 for s1"):
        build(FULL, identity, percent_of_etiv=True)
    assert not build(identity, measure="nvoxels", choice=Choice(only=(26,))).warnings


def test_a_case_that_is_large_in_every_measure_is_told():
    rows = [{name: value * (1 + 0.01 * i) for name, value in FULL.items()} for i in range(12)]
    assert not [line for line in build(*rows).warnings if "larger" in line]
    rows[4] = {name: value * 1.5 for name, value in rows[4].items()}
    four = [row | {"D": row["A"] + 1} for row in rows]
    (warning,) = build(*four).warnings
    assert warning.startswith("larger than the others in every measure")
    assert "s4 (1.46 times)" in warning
