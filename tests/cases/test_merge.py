"""Tables from the records of a study."""

import os

import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.cohort import run_cohort
from fs_sclimbic.cases.images import folder_cases
from fs_sclimbic.cases.merge import population_of, read_study, write_study_tables
from fs_sclimbic.cases.study_folder import StudyFolder
from fs_sclimbic.errors import TableError
from fs_sclimbic.image.volume import write_volume
from fs_sclimbic.qc.judge_cohort import judge_records
from fs_sclimbic.segmentation.options import Options


@pytest.fixture
def study(tmp_path, head, predictor, run):
    (tmp_path / "in").mkdir()
    for name in "abcd":
        write_volume(head, tmp_path / f"in/{name}.mgz")
    (tmp_path / "in/c.mgz").write_text("garbage")
    cases = folder_cases(tmp_path / "in", tmp_path / "out", Requests(volumes=True, qa_stats=True))
    list(run_cohort(cases, lambda: predictor, Options(), run))
    return StudyFolder(folder=tmp_path / "out")


def write(found):
    warnings, notes = [], []
    paths = list(write_study_tables(found, warn=warnings.append, note=notes.append, judge=judge_records))
    return paths, warnings, notes


def rows_of(path):
    return [line.split(",")[0] for line in path.read_text().splitlines()]


def test_all_tables_and_who_is_missing(study):
    found = read_study(study)
    assert (found.missing, found.mixed) == (("c",), ())
    paths, warnings, _ = write(found)
    assert [path.name for path in paths] == [
        f"sclimbic_{name}_all.csv" for name in ("volumes", "zqa_scores", "confidences", "confidence", "qa_flags")
    ]
    assert all(rows_of(path) == ["case", "a", "b", "d"] for path in paths)
    assert warnings == []
    assert write(read_study(study))[1] == []


def test_who_is_expected_comes_first_and_may_be_all(study):
    found = read_study(study, ["d", "x"])
    assert [name for name, _ in found.records] == ["d", "a", "b"]
    assert found.missing == ("x",)
    assert [name for name, _ in read_study(study, ["d"], only=True).records] == ["d"]


def test_rows_without_a_record_are_kept_elsewhere(study):
    table = study.folder / "sclimbic_volumes_all.csv"
    table.write_text("case,Left-Ball\ngone,1\n")
    _, warnings, _ = write(read_study(study))
    assert "(gone)" in warnings[0]
    assert rows_of(table.with_name(f"{table.name}.old")) == ["case", "gone"]
    assert rows_of(table) == ["case", "a", "b", "d"]


def test_cases_with_other_structures_keep_their_columns(study, predictor, run):
    """With --allow-mixed: no value may stand under another structure's name."""
    more = folder_cases(study.folder.parent / "in", study.folder, Requests(volumes=True, qa_stats=True))[:1]
    list(run_cohort(more, lambda: predictor, Options(exclude=frozenset()), run))
    found = read_study(study)
    assert found.mixed == ("excluded SegIds: 2 cases [853]; a []",)
    write(found)
    header, first, second, _ = (study.folder / "sclimbic_volumes_all.csv").read_text().splitlines()
    assert header == "case,Left-Ball,Right-Ball"
    assert len(first.split(",")) == 3
    assert second.endswith(",")


def replace_image(study, name):
    """Another image has the name of the one that a case was made from, some seconds later."""
    file = study.record_path(name)
    os.utime(file, ns=(0, file.stat().st_mtime_ns - 2 * 10**9))
    (study.folder.parent / f"in/{name}.mgz").write_bytes(b"another image")


def test_numbers_of_an_image_that_was_replaced_are_in_no_table(study):
    """Its new image failed, or was not run yet: the record is that of the old one."""
    write(read_study(study))
    replace_image(study, "b")
    found = read_study(study)
    assert (found.replaced, found.missing) == (("b",), ("b", "c"))
    write(found)
    assert rows_of(study.folder / "sclimbic_volumes_all.csv") == ["case", "a", "d"]
    for name in "ad":
        replace_image(study, name)
    with pytest.raises(TableError, match="all images were replaced"):
        read_study(study)


def test_a_case_that_ends_while_the_records_are_read_keeps_its_row(study):
    write(read_study(study))
    record = study.record_path("d")
    text = record.read_text()
    record.unlink()
    found = read_study(study)
    assert "d" in found.missing
    record.write_text(text)
    _, warnings, _ = write(found)
    assert warnings == []
    assert rows_of(study.folder / "sclimbic_volumes_all.csv") == ["case", "a", "b", "d"]


def test_tables_of_some_cases_alone_say_so(study):
    write(read_study(study))
    _, warnings, _ = write(read_study(study, ["a"], only=True))
    assert "or were not asked for (b, d)" in warnings[0]


def test_where_a_record_came_from(study):
    record = study.read("a")
    assert set(population_of(record)) == set(record.settings["population"])


def test_no_result_at_all(tmp_path):
    with pytest.raises(TableError, match="no case has a record of this tool"):
        read_study(StudyFolder(folder=tmp_path))
