from dataclasses import replace

import numpy as np
import pytest

from fs_sclimbic.group.harmonize.harmonization_note import (
    HarmonizationNote,
    describe_note,
    format_note,
    harmonization_notices,
    read_note,
)
from fs_sclimbic.group.tables.provenance import Provenance, read_provenance

NAMES = ("a", "b", "c", "d")
NOTE = HarmonizationNote(
    method="ComBat",
    site_column="scanner",
    site_of_row={"a": "X", "b": "X", "c": "Y", "d": "Y"},
    kept=("sex", "age"),
    kept_numbers=("age",),
    left_as_they_were=("eTIV",),
)
GROUPS = np.array([[1, 0], [0, 1], [1, 0], [0, 1.0]])
SITES = np.array([[1, 0], [1, 0], [0, 1], [0, 1.0]])


@pytest.fixture
def table(tmp_path):
    rows = [(name, Provenance("w 1234", (), "image")) for name in NAMES]
    (tmp_path / "t.dat.provenance.json").write_bytes(format_note(rows, NOTE))
    return tmp_path / "t.dat"


def test_round_trip(table, tmp_path):
    assert read_note(table) == NOTE
    assert read_provenance(table, ["a"]) == [("a", Provenance("w 1234", (), "image"))]
    assert read_note(tmp_path / "other.dat") is None
    table.with_name("t.dat.provenance.json").write_text('{"made": [], "rows": {}, "harmonized": 3}')
    assert read_note(table) is None


def test_words():
    assert describe_note(NOTE, NAMES[:3]) == (
        "the table is harmonised over 'scanner' (X 2, Y 1) by ComBat; kept: sex, age; eTIV as before"
    )
    other = replace(NOTE, kept=(), left_as_they_were=(), trained_on="m.json (sites X 9)")
    assert describe_note(other, NAMES).endswith("by ComBat; kept: nothing; trained on m.json (sites X 9)")


def warnings(*given):
    return [notice.text for notice in harmonization_notices(*given) if notice.severity == "warning"]


def test_what_an_analysis_is_told(table, tmp_path):
    groups = ("C", "P")
    assert harmonization_notices(tmp_path / "other.dat", NAMES, GROUPS, groups) == []
    said = harmonization_notices(table, NAMES, GROUPS, groups, ("age",))
    assert [one.severity for one in said] == ["note", "warning"]
    assert said[1].text.startswith("there are 2 sites for 4 subjects: p values are too small")
    crossed = np.column_stack([GROUPS, SITES[:, 1]])
    again = "'scanner' is in the design, and the table is harmonised over it already"
    assert again in warnings(table, NAMES, crossed, (*groups, "Y"))[0]
    assert again in warnings(table, NAMES, SITES, groups)[0]  # whatever its columns are called
    lost = warnings(table, NAMES, GROUPS, groups, ("age", "iq", "scanner"))[1]
    assert "iq was not kept when the table was harmonised (kept: sex, age)" in lost
    assert "rows are harmonised: e" in warnings(table, (*NAMES[:3], "e"), GROUPS, groups)[0]


def test_groups_that_are_unbalanced_over_sites(tmp_path):
    names = [f"s{i}" for i in range(40)]
    sites = np.repeat(["X", "Y"], 20)
    note = replace(NOTE, site_of_row=dict(zip(names, sites, strict=True)))
    (tmp_path / "t.dat.provenance.json").write_bytes(format_note([], note))
    patient = np.isin(np.arange(40), [0, 1, *range(22, 40)]).astype(float)
    matrix = np.column_stack([1 - patient, patient, np.ones(40)])
    found = warnings(tmp_path / "t.dat", names, matrix, ("C", "P", "mean"))
    assert found[0].startswith("sites of 'scanner' explain much of C (64 %), P (64 %): p values")
    assert len(found) == 1
    even = (np.arange(40) % 2).astype(float)
    assert warnings(tmp_path / "t.dat", names, np.column_stack([1 - even, even]), ("C", "P")) == []
