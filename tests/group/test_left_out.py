"""What ratings exclude is found in tables and designs, and what they do not have is said."""

from dataclasses import replace

import numpy as np
import pytest

from fs_sclimbic.errors import TableError
from fs_sclimbic.group.left_out import check_missing, choose_fitted, mark_excluded, without_excluded
from fs_sclimbic.group.text_table import GroupTable
from fs_sclimbic.qc.exclusion import Exclusion

TABLE = GroupTable(
    "Measure:volume",
    ("sub-01", "sub-02", "sub-03", "sub-04"),
    ("Left-A", "Right-A", "B", "eTIV"),
    np.arange(16.0).reshape(4, 4) + 1,
)


def excluding(cases=(), **structures):
    named = {name.replace("_", "-"): names for name, names in structures.items()}
    return Exclusion(source="r.tsv", words=("fail",), cases=tuple(cases), structures=named)


def test_rows_and_cells_are_marked_and_named():
    marked = mark_excluded(TABLE, excluding(["sub-02"], sub_03=("B",)), "t.dat")
    assert (marked.subjects, marked.cells) == (("sub-02",), (("sub-03", "B"),))
    gone = np.isnan(marked.table.values)
    assert gone[1].all()
    assert gone.sum() == 5
    assert gone[2, 2]
    assert marked.said == ("left out, as r.tsv rates fail: 1 subject(s): sub-02; 1 value(s): sub-03 B",)
    assert not np.isnan(TABLE.values).any()
    kept = without_excluded(marked)
    assert kept.subjects == ("sub-01", "sub-03", "sub-04")
    assert np.isnan(kept.values).sum() == 1


def test_names_are_found_by_their_entities():
    table = GroupTable("case", ("sub-01_ses-1_T1w", "sub-02_ses-1_T1w"), ("B",), np.ones((2, 1)))
    marked = mark_excluded(table, excluding(["sub-02"]), "t.dat")
    assert marked.subjects == ("sub-02_ses-1_T1w",)
    assert any("BIDS entities" in line for line in marked.said)


def test_what_is_not_there_is_said():
    marked = mark_excluded(TABLE, excluding(["sub-09"], sub_01=("Fornix", "eTIV")), "t.dat")
    assert (marked.subjects, marked.cells) == ((), ())
    text = "\n".join(marked.said)
    assert "left out, as r.tsv rates fail: nothing" in text
    assert "1 case(s) that r.tsv rates fail are not in t.dat: sub-09" in text
    assert "structures that t.dat does not have: Fornix, eTIV" in text


def test_raters_that_differ_are_told():
    disputed = replace(excluding(["sub-02"]), disputed=("sub-02",))
    said = mark_excluded(TABLE, disputed, "t.dat").said
    assert said[1] == "another rater rates 1 of them otherwise: sub-02"


def test_ratings_of_another_study_are_a_doubt():
    foreign = replace(excluding(["pat-1"]), rated=("pat-1", "pat-2"))
    (doubt,) = mark_excluded(TABLE, foreign, "t.dat").doubts
    assert "none of the 2 case(s) that r.tsv rates is in t.dat, such as pat-1" in doubt
    assert mark_excluded(TABLE, replace(foreign, rated=("pat-1", "sub-04")), "t.dat").doubts == ()
    (doubt,) = mark_excluded(TABLE, excluding(sub_01=("left-A",)), "t.dat").doubts
    assert doubt == "r.tsv excludes structures that t.dat does not have: left-A"


def test_no_subject_left_is_an_error():
    with pytest.raises(TableError, match="exclude every subject"):
        without_excluded(mark_excluded(TABLE, excluding(TABLE.subjects), "t.dat"))


def test_values_that_are_missing_for_another_reason_are_an_error():
    values = TABLE.values.copy()
    values[[0, 2], [0, 2]] = np.nan
    table = GroupTable(TABLE.measure, TABLE.subjects, TABLE.columns, values)
    exclusion = excluding(sub_03=("B",))
    with pytest.raises(TableError, match=r"t\.dat: missing values that no rating excludes: sub-01 Left-A;"):
        check_missing(table, mark_excluded(table, exclusion, "t.dat"), "t.dat")
    whole = excluding(["sub-01"], sub_03=("B",))
    check_missing(table, mark_excluded(table, whole, "t.dat"), "t.dat")


@pytest.mark.parametrize(
    ("columns", "exclude", "rows", "kept"),
    [
        ((), (), (0, 2), ("Left-A", "Right-A", "B", "eTIV")),
        (("Left-A",), (), (2,), ("Left-A", "Right-A", "eTIV")),
        ((), ("B",), (2,), ("Left-A", "Right-A", "eTIV")),
        (("B",), (), (0, 2), ("Left-A", "Right-A", "B", "eTIV")),
    ],
)
def test_a_design_loses_whom_an_analysed_structure_lacks(columns, exclude, rows, kept):
    exclusion = excluding(["sub-02"], sub_03=("B",))
    marked = mark_excluded(TABLE, exclusion, "t.dat")
    design = ("sub-03", "sub-01", "sub-02", "sub-04")
    part = choose_fitted(marked, design, exclusion, columns=columns, exclude_columns=exclude)
    assert part.rows == rows
    assert part.table.columns == kept
    assert part.partly == (("sub-03",) if rows == (0, 2) and not columns else ())
    assert bool(part.said) == bool(part.partly)


def test_a_subject_that_the_table_has_lost_already_leaves_the_design():
    exclusion = excluding(["sub-09", "sub-02"])
    part = choose_fitted(mark_excluded(TABLE, exclusion, "t.dat"), ("sub-09", "sub-01", "sub-02"), exclusion)
    assert part.rows == (0, 2)


def test_a_design_without_names_goes_by_the_rows_of_the_table():
    exclusion = excluding(["sub-02"], sub_03=("B",))
    assert choose_fitted(mark_excluded(TABLE, exclusion, "t.dat"), None, exclusion).rows == (1, 2)
