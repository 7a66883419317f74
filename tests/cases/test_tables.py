import fcntl
import json
from pathlib import Path

import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.images import image_case
from fs_sclimbic.cases.pipeline import Outcome
from fs_sclimbic.cases.tables import (
    CONFIDENCE,
    CONFIDENCES,
    VOLUMES,
    Z_SCORES,
    cases_with_other_columns,
    format_table,
    merge_rows,
    table_files,
    write_tables,
)
from fs_sclimbic.files.locks import locked
from fs_sclimbic.image.labels import Structure
from fs_sclimbic.segmentation.measure import SegStats, StructureStats
from fs_sclimbic.segmentation.population import Norm

POPULATION = {"A": Norm(10, 2)}


def stats(a, b, etiv=None):
    rows = [
        StructureStats(Structure(i, name, (0, 0, 0, 0)), 1, volume, 0.5 + i / 100, 0)
        for i, name, volume in ((1, "A", a), (2, "B", b))
    ]
    return SegStats(tuple(rows), 1.0, etiv)


CASES = [("bert", stats(12.0, 3.14159)), ("odd, name", stats(0.0, 1.0))]


def test_volumes():
    assert format_table(VOLUMES, CASES, POPULATION) == 'case,A,B\nbert,12.0000,3.1416\n"odd, name",0.0000,1.0000\n'


def test_etiv_is_the_last_column_of_the_volumes_only():
    cases = [("bert", stats(12.0, 3.0, 1446231.01471))]
    assert format_table(VOLUMES, cases, POPULATION) == "case,A,B,eTIV\nbert,12.0000,3.0000,1446231.0147\n"
    assert "eTIV" not in format_table(Z_SCORES, cases, POPULATION)


def test_z_scores_leave_out_what_the_population_lacks():
    assert format_table(Z_SCORES, CASES, POPULATION) == 'case,A\nbert,1.0000\n"odd, name",-5.0000\n'


def test_confidences_under_both_names():
    assert format_table(CONFIDENCES, CASES[:1], POPULATION) == "case,A,B\nbert,0.5100,0.5200\n"
    assert format_table(CONFIDENCE, CASES, POPULATION) == format_table(CONFIDENCES, CASES, POPULATION)


def test_names():
    assert [
        path.name for path, _ in table_files(Path("o/sclimbic"), "_", [VOLUMES, Z_SCORES, CONFIDENCES, CONFIDENCE])
    ] == [
        "sclimbic_volumes_all.csv",
        "sclimbic_zqa_scores_all.csv",
        "sclimbic_confidences_all.csv",
        "sclimbic_confidence_all.csv",
    ]
    assert table_files(Path("o/head"), ".", [Z_SCORES])[0][0] == Path("o/head.zqa_scores_all.csv")


def test_rows_of_other_cases_stay_behind_the_new_ones():
    """Readers of a single subject's table take the first row."""
    old = "case,A\nbert,1.0000\nernie,2.0000\n"
    assert merge_rows(old, "case,A\nernie,3.0000\n") == "case,A\nernie,3.0000\nbert,1.0000\n"
    assert merge_rows(old, "case,A\nkermit,3.0000\n") == "case,A\nkermit,3.0000\nbert,1.0000\nernie,2.0000\n"
    for nothing in ("", "\n"):
        assert merge_rows(nothing, "case,A\nbert,3.0000\n") == "case,A\nbert,3.0000\n"
    twice = "case,A\nbert,1.0000\nbert,2.0000\n"
    assert merge_rows(twice, "case,A\nernie,3.0000\n") == "case,A\nernie,3.0000\nbert,1.0000\nbert,2.0000\n"


def test_rows_with_other_columns_stay_and_are_told():
    """--keep_ac, or another model: no number of another subject vanishes."""
    old, new = "case,B,A,C\nbert,1,2,3\nernie,4,5\n", "case,A,B\nkermit,6,7\n"
    merged = merge_rows(old, new)
    assert merged == "case,A,B,C\nkermit,6,7,\nbert,2,1,3\nernie,5,4,\n"
    assert cases_with_other_columns(merged) == ["kermit", "ernie"]
    assert cases_with_other_columns(new) == cases_with_other_columns("") == []


def outcome(name, numbers=None):
    case = image_case(Path(f"in/{name}.mgz"), Path(f"{name}.mgz"), Requests())
    status = "failed" if numbers is None else "done"
    return Outcome(case=case, status=status, seconds=1.0, stats=numbers)


OUTCOMES = [outcome("bert", stats(12.0, 3.0, 1.4e6)), outcome("broken"), outcome("ernie", stats(10.0, 4.0, 1.5e6))]


NUMBERS = {"bert": stats(12.0, 3.0, 1.4e6), "ernie": stats(10.0, 4.0, 1.5e6), "other": stats(1.0, 2.0)}
OTHER_CASES = NUMBERS.get
"""What lies beside a table."""


def names_in(path):
    return [row.split(",")[0] for row in path.read_text().splitlines()]


def test_tables_hold_the_cases_that_have_numbers(tmp_path):
    files = table_files(tmp_path / "sclimbic", "_", [VOLUMES, Z_SCORES, CONFIDENCES])
    assert write_tables(files, OUTCOMES, POPULATION) == [path for path, _ in files]
    for path, _ in files:
        assert names_in(path) == ["case", "bert", "ernie"]
    assert files[0][0].read_text().splitlines()[0].endswith(",eTIV")


def test_no_table_without_a_case(tmp_path):
    assert write_tables(table_files(tmp_path / "sclimbic", "_", [VOLUMES]), [outcome("broken")], {}) == []
    assert not list(tmp_path.iterdir())


def test_a_table_that_is_locked_for_long_is_told(tmp_path):
    files = table_files(tmp_path / "sclimbic", "_", [Z_SCORES])
    with (
        locked(tmp_path / ".sclimbic_zqa_scores_all.csv.lock"),
        pytest.raises(OSError, match=r"locked by another job for 0\.1 s"),
    ):
        write_tables(files, OUTCOMES, POPULATION, others=OTHER_CASES, lock_timeout_s=0.1)
    assert write_tables(files, OUTCOMES, POPULATION, others=OTHER_CASES) == [files[0][0]]


def test_a_file_system_without_locks_still_gets_its_rows(tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(524, "Unknown error 524")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    files = table_files(tmp_path / "sclimbic", "_", [CONFIDENCES])
    for one in OUTCOMES:
        write_tables(files, [one], POPULATION, others=OTHER_CASES)
    assert names_in(files[0][0]) == ["case", "ernie", "bert"]
    assert list(tmp_path.iterdir()) == [files[0][0]], "no lock file stays"


OTHERS = {
    "semicolons": b"case;A\nbert;1\n",
    "a column twice": b"case,A,A\nbert,1,2\n",
    "decimal commas": b"case,A\nbert,1,5\n",
    "another first column": b"subject,A\nbert,1\n",
    "a text": b"notes of mine\n",
    "a huge cell": b"case,A\n" + b"x" * 200_000,
    "UTF-16": "case,A\nbert,1\n".encode("utf-16"),
}


@pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS)
def test_a_file_that_is_no_table_is_kept_and_told(tmp_path, content):
    """A table saved again by a spreadsheet program: no row of another subject may vanish."""
    files, warnings = table_files(tmp_path / "sclimbic", "_", [CONFIDENCES]), []
    path = files[0][0]
    path.write_bytes(content)
    write_tables(files, OUTCOMES[:1], POPULATION, others=OTHER_CASES, warn=warnings.append)
    assert names_in(path) == ["case", "bert"]
    copy = path.with_name(f"{path.name}.old")
    assert copy.read_bytes() == content
    (warning,) = warnings
    assert f"{path}: is no table" in warning
    assert f"kept as {copy}, " in warning
    write_tables(files, OUTCOMES[2:], POPULATION, others=OTHER_CASES, warn=warnings.append)
    assert len(warnings) == 1
    path.write_bytes(b"other")
    write_tables(files, OUTCOMES[:1], POPULATION, others=OTHER_CASES, warn=warnings.append)
    assert copy.read_bytes() == content, "an earlier copy stays"
    assert path.with_name(f"{path.name}.old2").read_bytes() == b"other"
    assert f"kept as {copy}2, " in warnings[1]


def test_rows_that_are_still_valid_are_kept_with_the_numbers_of_their_case(tmp_path):
    files, notes, warnings = table_files(tmp_path / "sclimbic", "_", [VOLUMES]), [], []
    path = files[0][0]
    path.write_text("case,A,B\nother,5.0000,5.0000\nbert,1,1\nbroken,2,2\n")
    told = {"warn": warnings.append, "note": notes.append}
    write_tables(files, OUTCOMES[:2], POPULATION, others=OTHER_CASES, **told)
    assert path.read_text() == "case,A,B,eTIV\nbert,12.0000,3.0000,1400000.0000\nother,1.0000,2.0000,\n"
    assert notes == [f"{path}: had 3 rows; now 1 of this run, 1 kept"]
    assert warnings == []


def test_rows_without_results_are_kept_elsewhere_and_told(tmp_path):
    files, warnings = table_files(tmp_path / "sclimbic", "_", [VOLUMES]), []
    path = files[0][0]
    before = "case,A,B\ngone,5.0000,5.0000\nother,1,1\n"
    path.write_text(before)
    write_tables(files, OUTCOMES[:1], POPULATION, others=OTHER_CASES, warn=warnings.append)
    assert names_in(path) == ["case", "bert", "other"]
    assert path.with_name(f"{path.name}.old").read_text() == before
    assert "1 of its rows are not kept" in warnings[0]
    assert "(gone)" in warnings[0]


def test_etiv_stays_last_beside_rows_with_more_structures(tmp_path):
    files = table_files(tmp_path / "sclimbic", "_", [VOLUMES])
    more = SegStats((*stats(1.0, 2.0).structures, StructureStats(Structure(3, "C", (0, 0, 0, 0)), 1, 7.0, 1.0, 0)), 1.0)
    files[0][0].write_text("case\nmore\n")
    write_tables(files, OUTCOMES[:1], POPULATION, others=lambda _: more)
    assert files[0][0].read_text().splitlines() == [
        "case,A,B,C,eTIV",
        "bert,12.0000,3.0000,,1400000.0000",
        "more,1.0000,2.0000,7.0000,",
    ]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "mark"])
def test_a_table_that_a_spreadsheet_program_saved_keeps_its_rows(tmp_path, mark, line_end):
    files, warnings = table_files(tmp_path / "sclimbic", "_", [CONFIDENCES]), []
    files[0][0].write_bytes(mark + line_end.join(["case,A,B", "other,0.5,0.6", "bert,0,0", ""]).encode())
    write_tables(files, OUTCOMES[:1], POPULATION, others=OTHER_CASES, warn=warnings.append)
    assert files[0][0].read_bytes() == b"case,A,B\nbert,0.5100,0.5200\nother,0.5100,0.5200\n"
    assert warnings == []
    assert list(tmp_path.iterdir()) == [files[0][0]]


def test_the_lock_of_another_computer_is_named(tmp_path, monkeypatch):
    """Else nobody knows which file to remove."""

    def no_locks(*_):
        raise OSError(524, "Unknown error 524")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    held = tmp_path / ".sclimbic_confidences_all.csv.lock.held"
    held.write_text(json.dumps({"host": "node7", "space": "00000000", "pid": 12, "since": "yesterday"}))
    files = table_files(tmp_path / "sclimbic", "_", [CONFIDENCES])
    with pytest.raises(OSError, match=r"locked by another job for 0\.1 s \(process 12 on node7 .*remove ") as error:
        write_tables(files, OUTCOMES, POPULATION, others=OTHER_CASES, lock_timeout_s=0.1)
    assert str(held) in error.value.strerror
