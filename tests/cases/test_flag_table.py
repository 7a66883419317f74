"""The table of flags has one row a case and the columns of the table of volumes; rows of other jobs stay."""

import csv
import io
from pathlib import Path

import pytest

from fs_sclimbic.cases.case import Case, Outputs
from fs_sclimbic.cases.flag_table import FLAGS, format_flag_table, write_all_tables
from fs_sclimbic.cases.pipeline import Outcome
from fs_sclimbic.cases.tables import VOLUMES
from fs_sclimbic.cases.verdicts import verdict_of
from fs_sclimbic.image.labels import Structure
from fs_sclimbic.segmentation.flag import Flag
from fs_sclimbic.segmentation.measure import SegStats, StructureStats

STATS = SegStats(
    tuple(StructureStats(Structure(i, n, (0, 0, 0, 0)), 9, 9.0, 0.8, 0) for i, n in ((1, "A"), (2, "B"))), 1.0
)
LOST = Flag(kind="EMPTY", severity="bad", reason="A lost", structure="A")
FAR = Flag(kind="DETACHED", severity="look", reason="A: a part of 30 mm^3, far", structure="A")
NOISY = Flag(kind="NOISE", severity="look", reason="noise is 12 % of the contrast")


def outcome(name, *flags, failed=""):
    case = Case(name=name, t1=Path("a"), transforms=(), outputs=Outputs(segmentation=Path("s"), record=Path("r")))
    if failed:
        return Outcome(case=case, status="failed", seconds=0.0, message=failed)
    return Outcome(case=case, status="done", seconds=0.0, flags=flags, stats=STATS)


def test_text():
    outcomes = [outcome("good"), outcome("x", NOISY, FAR, LOST), outcome("y", failed="y.nii: no head,\nno table")]
    rows = [(verdict_of(one), one.stats) for one in outcomes]
    assert format_flag_table(rows) == (
        "case,verdict,n_flags,reasons,whole_case,A,B\n"
        "good,good,0,-,-,-,-\n"
        'x,bad,3,"A lost; noise is 12 % of the contrast; A: a part of 30 mm^3, far",NOISE,DETACHED EMPTY,-\n'
        'y,bad,1,"y.nii: no head, no table",FAILED,NA,NA\n'
    )


def read(path):
    return {row["case"]: row for row in csv.DictReader(io.StringIO(path.read_text()))}


@pytest.fixture
def files(tmp_path):
    return [(tmp_path / "v.csv", VOLUMES), (tmp_path / "f.csv", FLAGS)]


def test_both_kinds_of_tables_are_written(files):
    assert write_all_tables(files, [outcome("a", NOISY), outcome("b")], {}) == [path for path, _ in files]
    assert files[0][0].read_text().startswith("case,A,B\na,9.0000,9.0000\n")
    assert read(files[1][0])["a"]["verdict"] == "look"


def test_without_a_case_that_is_done_nothing_is_written(files):
    assert write_all_tables(files, [outcome("a", failed="no")], {}) == []
    assert not files[1][0].exists()


def test_rows_of_other_jobs_stay_while_they_have_results(files):
    path = files[1][0]
    write_all_tables(files, [outcome("a", NOISY), outcome("gone"), outcome("b", failed="no")], {})
    write_all_tables(files, [outcome("c", LOST)], {}, others=lambda name: STATS if name == "a" else None)
    rows = read(path)
    assert list(rows) == ["c", "a", "b"]
    assert [row["verdict"] for row in rows.values()] == ["bad", "look", "bad"]
    write_all_tables(files, [outcome("b")], {}, others=lambda name: STATS)
    assert read(path)["b"]["verdict"] == "good"
