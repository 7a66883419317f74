from pathlib import Path

import pytest

from fs_sclimbic.errors import TableError
from fs_sclimbic.group.tables.column_choice import Choice
from fs_sclimbic.group.tables.measures import MEASURES, StatsValues
from fs_sclimbic.group.tables.stats_paths import StatsFile
from fs_sclimbic.group.tables.stats_table import build_table
from tests.stats_rows import FULL, NAME, NO_C, NO_E, SEGIDS, build

TURNED = {"C": 30.0, "B": 20.0, "A": 10.0, "E": 1.3e6}


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (NO_C, "  lacks C: s1.stats"),
        (NO_E, f"  lacks {NAME}: s1.stats"),
        (TURNED, "  has them in another order: s1.stats"),
        ({"A": 1.0, "E": 2.0}, "  lacks B, C: s1.stats"),
    ],
)
def test_files_that_differ_are_refused(second, words):
    with pytest.raises(TableError) as error:
        build(FULL, second, FULL)
    lines = str(error.value).splitlines()
    assert lines[0].endswith("the same order as s0.stats:")
    assert lines[1] == words
    assert ("--no-vol-extras" in lines[2]) == (second is NO_E)


def test_every_differing_file_is_named():
    with pytest.raises(TableError) as error:
        build(NO_C, FULL, NO_C, TURNED, FULL)
    assert str(error.value).splitlines()[1:3] == [
        "  has also C: s1.stats, s4.stats",
        "  has also C: s3.stats",
    ]


def test_common_in_the_last_files_order():
    built = build(FULL, TURNED, choice=Choice(differing="common"))
    assert built.table.columns == ("C", "B", "A", NAME)
    assert built.table.values.tolist() == [[3, 2, 1, 1e6], [30, 20, 10, 1.3e6]]
    assert not built.warnings
    built = build(FULL, NO_C, NO_E, choice=Choice(differing="common"))
    assert built.table.columns == ("A", "B")
    assert built.table.values.tolist() == [[1, 2], [4, 5], [7, 8]]
    assert built.warnings == (f"not in all stats files, so left out: C, {NAME}",)
    with pytest.raises(TableError, match="no structure is left"):
        build({"A": 1.0}, {"B": 1.0}, choice=Choice(differing="common"))


def test_chosen_segids():
    built = build(FULL, choice=Choice(only=(853, 26, 853)))
    assert built.table.columns == ("C", "A", NAME)
    assert built.table.values.tolist() == [[3, 1, 1e6]]
    assert build(FULL, TURNED, choice=Choice(only=(58,))).table.values.tolist() == [[2, 1e6], [20, 1.3e6]]
    assert build(FULL, NO_C, choice=Choice(only=(58,))).table.columns == ("B", NAME)
    assert build(FULL, choice=Choice(without=frozenset({58, 7}))).table.columns == ("A", "C", NAME)
    assert build(FULL, choice=Choice(highest=58)).table.columns == ("A", "B", NAME)
    assert build(FULL, NO_C, choice=Choice(without=frozenset({853}))).table.columns == ("A", "B", NAME)


def test_a_chosen_structure_that_a_file_lacks():
    with pytest.raises(TableError, match=r"s1\.stats: lacks SegId 853\n.*--all-segs"):
        build(FULL, NO_C, choice=Choice(only=(853, 26)))
    with pytest.raises(TableError, match=r"s1\.stats: lacks SegId 853"):
        build(FULL, NO_C, choice=Choice(only=(853, 26), differing="common"))
    built = build(NO_C, FULL, choice=Choice(only=(853, 26), differing="all"))
    assert built.table.columns == ("C", "A", NAME)
    assert built.table.values.tolist() == [[0, 4, 2e6], [3, 1, 1e6]]
    assert len(built.warnings) == 1
    for differing in ("refuse", "all"):
        with pytest.raises(TableError, match="cannot find the structure of SegId 5, 6 in any"):
            build(FULL, choice=Choice(only=(5, 26, 6), differing=differing))


def test_contrary_choices():
    for choice in (Choice(only=(26, 58), without=frozenset({58})), Choice(only=(26, 58), highest=30)):
        with pytest.raises(TableError, match="SegId 58 is asked for and left out"):
            build(FULL, choice=choice)


@pytest.mark.parametrize("other", [((26, "B"),), ((58, "A"),)])
@pytest.mark.parametrize("differing", ["refuse", "common", "all"])
def test_files_of_different_models_are_never_mixed(other, differing):
    files = [StatsFile(name, Path(name)) for name in ("one", "two")]
    values = [StatsValues(((26, "A"),), (1.0,)), StatsValues(other, (2.0,))]
    with pytest.raises(TableError, match=r"two: SegId .* in one SegId 26 is 'A'; the files come from different models"):
        build_table(files, values, MEASURES["volume"], Choice(differing=differing))


@pytest.mark.parametrize(
    "choice",
    [
        Choice(highest=0),
        Choice(without=frozenset(SEGIDS.values())),
        Choice(highest=-5),
        Choice(differing="all", highest=1),
    ],
)
def test_etiv_alone_is_no_table(choice):
    with pytest.raises(TableError, match=r"no structure is left after choosing, only Estimated.*--maxsegno"):
        build(FULL, FULL, choice=choice)
    with pytest.raises(TableError, match="no structure is left after choosing; nothing"):
        build(NO_E, choice=choice)


def test_files_without_a_structure_in_common():
    with pytest.raises(TableError, match="no structure is left"):
        build({"A": 1.0, "E": 5.0}, {"B": 1.0, "E": 5.0}, choice=Choice(differing="common"))
