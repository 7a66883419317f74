"""A table of this tool is read for its rows; any other file is kept under another name."""

import pytest

from fs_sclimbic.cases.kept_rows import is_table, read_rows_to_keep, write_copy


def test_what_is_a_table():
    assert is_table("")
    assert is_table("case,A\nbert\n\nernie,1\n")
    assert not is_table("Case,A\nbert,1\n")
    assert not is_table("case,A,A\nbert,1,2\n")
    assert not is_table("case,A\nbert,1,2\n")


def test_tables_of_spreadsheet_programs_are_read(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfcase,A\r\nbert,1\r\n")
    assert read_rows_to_keep(tmp_path / "a.csv", pytest.fail) == "case,A\nbert,1\n"
    assert read_rows_to_keep(tmp_path / "missing.csv", pytest.fail) == ""


def test_another_file_is_kept(tmp_path):
    (tmp_path / "a.csv").write_text("case;A\nbert;1\n")
    said = []
    assert read_rows_to_keep(tmp_path / "a.csv", said.append) == ""
    assert (tmp_path / "a.csv.old").read_text() == "case;A\nbert;1\n"
    assert f"kept as {tmp_path / 'a.csv.old'}" in said[0]
    assert write_copy(tmp_path / "a.csv", b"x") == tmp_path / "a.csv.old2"
