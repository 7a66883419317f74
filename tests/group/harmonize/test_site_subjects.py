import numpy as np
import pytest

from fs_sclimbic.errors import DesignError, TableError
from fs_sclimbic.group.harmonize.site_subjects import SiteRequest, read_site_subjects
from fs_sclimbic.group.name_matching import NameRule
from fs_sclimbic.group.text_table import GroupTable

PEOPLE = "participant_id\tsite\tage\tdx\nsub-1\tA\t30\t1\nsub-2\tB\t40\t2\nsub-3\tA\t50\t1\n"


def table(*names, columns=("X", "Y")):
    return GroupTable("Measure:volume", names, columns, np.arange(float(len(names) * 2)).reshape(-1, 2))


def read(write, given, text=PEOPLE, **more):
    request = SiteRequest(participants=str(write(text, "p.tsv")), site_column="site", **more)
    return read_site_subjects(given, [False] * len(given.subjects), request)


def test_values(write):
    found = read(write, table("sub-3", "sub-1", "sub-2"), keep=("age", "C(dx)"))
    by_row = dict(zip(found.rows, found.sites, strict=True))
    assert by_row == {0: "A", 1: "A", 2: "B"}
    assert found.kept_names == ("age", "dx")
    assert dict(zip(found.rows, found.values.numbers["age"], strict=True)) == {0: 50, 1: 30, 2: 40}
    assert dict(zip(found.rows, found.values.labels["dx"], strict=True)) == {0: "1", 1: "1", 2: "2"}


def test_rows_of_bids(write):
    found = read(write, table("sub-1_ses-1", "sub-2_ses-1", "sub-3_ses-1"))
    assert found.rows == (0, 1, 2)
    assert "by BIDS entities" in found.notices[0].text


def test_sessions_of_one_person(write):
    rows = table("sub-1_ses-1", "sub-1_ses-2", "sub-2_ses-1", "sub-3_ses-1")
    with pytest.raises(DesignError, match="choose one with --session"):
        read(write, rows)
    found = read(write, rows, names=NameRule(session="1"), drop_missing=True)
    assert found.rows == (0, 2, 3)


def test_people_who_stand_in_several_rows(write):
    text = PEOPLE + "sub-1_ses-2\tA\t30\t1\n"
    with pytest.raises(DesignError, match=r"people stand in several rows: .*sub-1"):
        read(write, table("sub-1", "sub-1_ses-2", "sub-2", "sub-3"), text)


def test_rows_without_participant(write):
    with pytest.raises(DesignError, match=r"lacks 1 subject\(s\) of the table: sub-9"):
        read(write, table("sub-1", "sub-9", "sub-2"))
    found = read(write, table("sub-1", "sub-9", "sub-2"), drop_missing=True)
    assert found.rows == (0, 2)
    assert "sub-9" in found.notices[0].text


def test_subjects_of_an_fsgd_are_the_study(write):
    fsgd = str(write("GroupDescriptorFile 1\nClass C\nClass P\nInput sub-1 C\nInput sub-2 P\n", "g.fsgd"))
    found = read(write, table("sub-1", "sub-2", "sub-3"), fsgd=fsgd)
    assert found.rows == (0, 1)
    assert found.values.labels == {"class": ("C", "P")}
    with pytest.raises(DesignError, match=r"names 1 subject\(s\), whom the table lacks: sub-2"):
        read(write, table("sub-1", "sub-3"), fsgd=fsgd)


def test_what_makes_no_sense(write):
    with pytest.raises(DesignError, match="cannot be the site and be kept"):
        read(write, table("sub-1"), keep=("site",))
    with pytest.raises(TableError, match="no eTIV to keep"):
        read(write, table("sub-1", "sub-2", "sub-3"), keep=("eTIV",))
    with pytest.raises(DesignError, match="no column 'scanner'"):
        read(write, table("sub-1", "sub-2", "sub-3"), keep=("scanner",))
