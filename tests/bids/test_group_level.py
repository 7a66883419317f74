import json
import shutil

import pytest

from fs_sclimbic.bids.group_level import (
    group_table,
    read_finished,
    without_results,
    write_group_tables,
)
from fs_sclimbic.bids.participant_level import DatasetRequest
from fs_sclimbic.cli.bids import main
from fs_sclimbic.errors import TableError
from fs_sclimbic.group.text_table import read_group_table
from tests.datasets import make_dataset, t1

HOME = "sourcedata/sclimbic"


@pytest.fixture
def out(segmented, tmp_path):
    """A copy of results that a test may change."""
    return shutil.copytree(segmented[1], tmp_path / "out")


def test_rows_have_their_entities(out):
    lines = [line.split("\t") for line in group_table(read_finished(out)).splitlines()]
    assert lines[0] == ["participant_id", "session_id", "run", "Left-Ball"]
    assert [line[:3] for line in lines[1:]] == [
        ["sub-01", "ses-1", "n/a"], ["sub-01", "ses-2", "n/a"], ["sub-02", "ses-1", "1"],
    ]  # fmt: skip


def test_tables_need_no_raw_data_and_are_read_by_the_group_tools(out):
    cases = read_finished(out)
    paths = write_group_tables(out, cases, {})
    assert [path.relative_to(out).as_posix() for path in paths] == [
        "group_morph.tsv", "group_morph.json", f"{HOME}/sclimbic_volumes_all.csv",
        f"{HOME}/sclimbic_zqa_scores_all.csv", f"{HOME}/sclimbic_confidences_all.csv",
    ]  # fmt: skip
    table = read_group_table(paths[2])
    assert table.subjects == ("sub-01_ses-1", "sub-01_ses-2", "sub-02_ses-1_run-1")
    assert table.columns == ("Left-Ball",)
    assert "Left-Ball" in json.loads(paths[1].read_text())


def test_no_value_stands_under_another_structure(segmented, out, tiny_flags):
    """With --allow-mixed: cases of --keep_ac have one structure more."""
    one = [str(segmented[0]), str(out), "participant", "--no-etiv", "--quiet", "--participant-label", "02"]
    assert main([*one, "--keep_ac", *tiny_flags]) == 0
    cases = read_finished(out)
    rows = [line.split("\t") for line in group_table(cases).splitlines()]
    assert rows[0][3:] == ["Left-Ball", "Right-Ball"]
    assert [len(row) for row in rows] == [5, 5, 5, 5]
    assert [row[4] == "n/a" for row in rows[1:]] == [True, True, False]
    for few_first in (cases, cases[::-1]):
        table = write_group_tables(out, few_first, {})[2].read_text().splitlines()
        assert table[0] == "case,Left-Ball,Right-Ball"
        assert sorted(len(line.split(",")[2]) > 0 for line in table[1:]) == [False, False, True]


def test_some_participants(out):
    assert [case.name for case in read_finished(out, participants=("02",))] == ["sub-02_ses-1_run-1"]
    with pytest.raises(TableError, match="no case is done"):
        read_finished(out, participants=("03",))


def test_no_results(tmp_path):
    with pytest.raises(TableError, match="no case is done; run the participant level first"):
        read_finished(tmp_path)


def test_a_record_that_was_edited_is_no_lost_row(out):
    path = out / HOME / "sub-01_ses-1/scripts/sclimbic.json"
    path.write_text(path.read_text().replace('"NVoxels"', '"Voxels"'))
    with pytest.raises(TableError, match="1 of 3 records cannot be read"):
        read_finished(out)


def test_who_has_no_results_is_told_where_the_dataset_is_there(out, tmp_path):
    dataset = make_dataset(tmp_path / "study", t1("sub-01", "ses-1"), t1("sub-03"))
    request = DatasetRequest(dataset=dataset, out=out)
    assert without_results(request, read_finished(out)) == [f"1 of 2 cases of {dataset} have no results: sub-03"]
    gone = DatasetRequest(dataset=tmp_path / "gone", out=out)
    assert without_results(gone, read_finished(out)) == []
