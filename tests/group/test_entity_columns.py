import pytest

from fs_sclimbic.errors import TableError
from fs_sclimbic.group.text_table import read_group_table


@pytest.fixture
def read(tmp_path):
    def from_lines(*lines):
        path = tmp_path / "t.tsv"
        path.write_text("".join("\t".join(line.split()) + "\n" for line in lines))
        return read_group_table(path)

    return from_lines


def test_rows_are_named_by_their_entities(read):
    table = read(
        "participant_id session_id run Left-A eTIV", "sub-01 ses-1 n/a 1.5 2", "sub-01 2 n/a 3 4", "sub-02 ses-1 02 5 6"
    )
    assert table.subjects == ("sub-01_ses-1", "sub-01_ses-2", "sub-02_ses-1_run-02")
    assert table.columns == ("Left-A", "eTIV")
    assert table.values.tolist() == [[1.5, 2], [3, 4], [5, 6]]


def test_participants_alone_stay_as_they_are(read):
    assert read("participant_id A B", "sub-01 1 2").subjects == ("sub-01",)


def test_other_tables_stay_as_they_are(read):
    table = read("case run A", "sub-01 1 2")
    assert table.columns == ("run", "A")
    assert read("participant_id A run", "sub-01 1 2").columns == ("A", "run")


def test_problems_name_the_line(read):
    with pytest.raises(TableError, match=r"t\.tsv:3: subject 'sub-01_ses-1' stands twice, first in line 2"):
        read("participant_id session_id A", "sub-01 ses-1 1", "sub-01 ses-1 2")
    with pytest.raises(TableError, match=r"t\.tsv:2: expected 2 cells"):
        read("participant_id session_id A", "sub-01 ses-1", "sub-02 ses-1 2")
    with pytest.raises(TableError, match="expected a header"):
        read("participant_id session_id", "sub-01 ses-1")
