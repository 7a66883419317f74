import numpy as np
import pytest

from fs_sclimbic.errors import TableError
from fs_sclimbic.group.tables.combined import StructureGroup, add_up_groups, combine_sides, read_groups
from fs_sclimbic.group.text_table import GroupTable
from fs_sclimbic.notice import Notice

COLUMNS = ("Left-A", "Mid", "Right-A", "lh_B", "rh_B", "Left-C", "eTIV")
VALUES = np.array([[10.0, 7, 30, 4, 4, 1, 1.5e6], [20, 8, 20, 6, 2, 2, 1.6e6]])


def table(values=VALUES, measure="Measure:volume"):
    return GroupTable(measure, ("s1", "s2"), COLUMNS, values)


def test_both_sides_together():
    made, notes = combine_sides(table(), "bilateral")
    assert made.columns == ("Bilateral-A", "Mid", "Bilateral-B", "eTIV")
    assert made.values.tolist() == [[40, 7, 8, 1.5e6], [40, 8, 8, 1.6e6]]
    assert made.measure == "Measure:volume"
    assert notes == (Notice("note", "without two sides and left out: Left-C"),)


def test_left_against_right():
    made, notes = combine_sides(table(), "laterality")
    assert made.columns == ("Laterality-A", "Laterality-B", "eTIV")
    assert made.values.tolist() == [[-1, 0, 1.5e6], [0, 1, 1.6e6]]
    assert made.measure == "Measure:laterality"
    assert notes == (Notice("note", "without two sides and left out: Mid, Left-C"),)


def test_structures_that_were_not_found():
    values = VALUES.copy()
    values[0, 0] = 0
    made, notes = combine_sides(table(values), "laterality")
    assert made.values[0, 0] == -2
    assert Notice("warning", "1 value(s) of 0 are combined with others: Left-A of s1") in notes
    values[0, 2] = 0
    with pytest.raises(TableError, match="Left-A and Right-A are both 0 for s1"):
        combine_sides(table(values), "laterality")
    assert combine_sides(table(values), "bilateral")[0].values[0, 0] == 0


def test_groups(tmp_path):
    path = tmp_path / "groups.txt"
    path.write_text("# limbic\n\nLimbic = Left-A + Right-A + Mid\nC=Left-C\n")
    groups = read_groups(path)
    assert groups == (StructureGroup("Limbic", ("Left-A", "Right-A", "Mid")), StructureGroup("C", ("Left-C",)))
    made, notes = add_up_groups(table(), groups)
    assert made.columns == ("Limbic", "C", "eTIV")
    assert made.values.tolist() == [[47, 1, 1.5e6], [48, 2, 1.6e6]]
    assert notes == (Notice("note", "in no group and left out: lh_B, rh_B"),)
    sides = [
        StructureGroup(f"{side}-AB", (f"{side}-A", f"{short}_B")) for side, short in (("Left", "lh"), ("Right", "rh"))
    ]
    assert combine_sides(add_up_groups(table(), sides)[0], "bilateral")[0].values[0].tolist() == [48, 1.5e6]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Limbic: Left-A\n", r"groups\.txt:1: expected 'NAME = STRUCTURE"),
        ("a b = Left-A\n", "a name of one word"),
        ("a = Left-A +\n", r"groups\.txt:1"),
        ("a = Left-A + Left-A\n", "names a structure twice"),
        ("a = Left-A\na = Mid\n", r"groups\.txt:2: a second group 'a'"),
        ("# nothing\n", "holds no group"),
    ],
)
def test_groups_that_cannot_be_read(tmp_path, text, message):
    (tmp_path / "groups.txt").write_text(text)
    with pytest.raises(TableError, match=message):
        read_groups(tmp_path / "groups.txt")


def test_what_cannot_be_combined():
    with pytest.raises(TableError, match="table lacks: Left-X; it has Left-A"):
        add_up_groups(table(), [StructureGroup("x", ("Left-X",))])
    for way in ("bilateral", "laterality"):
        with pytest.raises(TableError, match="only volumes and numbers of voxels"):
            combine_sides(table(measure="Measure:confidence"), way)
        with pytest.raises(TableError, match="no structure has a left and a right side"):
            combine_sides(GroupTable("Measure:volume", ("s1",), ("Mid",), np.ones((1, 1))), way)
