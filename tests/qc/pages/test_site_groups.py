"""Groups come from a column of a table of participants, whatever the cases are called."""

import pytest

from fs_sclimbic.errors import TableError, UsageError
from fs_sclimbic.qc.pages.site_groups import NO_GROUP, read_site_groups


def write(tmp_path, text):
    path = tmp_path / "participants.tsv"
    path.write_bytes(text)
    return path


@pytest.mark.parametrize(
    ("text", "cases"),
    [
        (b"participant_id\tage\tsite\nsub-01\t30\tBern\nsub-02\t31\tKyiv\n", ("sub-01", "sub-02")),
        (b"participant_id\tsite\nsub-01\tBern\nsub-02\tKyiv\n", ("01", "02")),
        (b"\xef\xbb\xbfid,site\r\n01,Bern\r\n02,Kyiv\r\n", ("sub-01", "sub-02")),
        (b"site\tsubject\nBern\tsub-01\nKyiv\t02\n", ("sub-01_ses-a_T1w", "sub-02_T1w")),
        (b"who\tsite\nbert\tBern\nernie\tKyiv\n", ("bert", "ernie")),
    ],
)
def test_names_find_each_other(tmp_path, text, cases):
    found = read_site_groups(write(tmp_path, text), "site", [*cases, "sub-010"])
    assert dict(found.groups) == {cases[0]: "Bern", cases[1]: "Kyiv", "sub-010": NO_GROUP}
    assert found.lacking == ("sub-010",)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        (b"id\tage\n1\t30\n", UsageError, "no column 'site'; the columns are id, age"),
        (b"", TableError, "file is empty"),
        (b"\n", UsageError, "the columns are none"),
        (b"id\tsite\nernie\tBern\n", UsageError, "none of the cases is in the table, such as bert"),
        (b"id\tsite\nbert\tBern\nsub-bert\tKyiv\n", TableError, ":3: gives 'bert' a second site, Kyiv beside Bern"),
        (b"id\tsite\nb\xff\tBern\n", TableError, "cannot be read"),
    ],
)
def test_what_makes_no_sense(tmp_path, text, error, words):
    with pytest.raises(error, match=words):
        read_site_groups(write(tmp_path, text), "site", ["bert"])
