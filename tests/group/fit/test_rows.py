import time
import unicodedata

import numpy as np
import pytest

from fs_sclimbic.errors import DesignError
from fs_sclimbic.group.design.model import Model
from fs_sclimbic.group.fit.study import StudyOptions, assemble
from fs_sclimbic.group.name_matching import NameRule
from fs_sclimbic.group.text_table import GroupTable
from tests.groups import CLASS_OF, SUBJECTS, make_design, make_model, make_table, reordered, said


def renamed(table, **names):
    return GroupTable(table.measure, tuple(names.get(s, s) for s in table.subjects), table.columns, table.values)


def test_missing_subjects_are_listed():
    table = reordered(make_table(), [0, 2, 3, 4, 5, 6, 7, 8, 9, 11])
    with pytest.raises(
        DesignError, match=r"2 subject\(s\) of group\.fsgd are not in t\.dat: sub-02, sub-11; .*allow-missing"
    ):
        assemble(make_model(), table, StudyOptions(), "t.dat")


EXACT = StudyOptions(names=NameRule(match="exact"))


def test_names_that_are_nearly_the_same():
    table = renamed(make_table(), **{"sub-03": "03", "sub-05": "SUB-05"})
    with pytest.raises(DesignError, match=r"nearly the same: sub-03 \(03\), sub-05 \(SUB-05\)"):
        assemble(make_model(), table, EXACT)


def test_names_are_matched_by_entities_and_it_is_told():
    names = {name: f"{name}_ses-1_T1w" for name in SUBJECTS}
    study = assemble(
        make_model(), renamed(reordered(make_table(), range(11, -1, -1)), **names), StudyOptions(), "t.dat"
    )
    np.testing.assert_array_equal(study.table, assemble(make_model(), make_table(), StudyOptions()).table)
    assert said(study, "12 name(s) were matched with those of t.dat by BIDS entities: sub-01 = sub-01_ses-1_T1w")


def test_two_sessions_of_one_subject_are_an_error_until_one_is_chosen():
    names = {"sub-01": "sub-01_ses-1", "sub-02": "sub-01_ses-2"}
    table = renamed(make_table(), **names)
    model = make_model()
    for allow in (False, True):
        with pytest.raises(DesignError, match="'sub-01' fits sub-01_ses-1 and sub-01_ses-2; choose one with --session"):
            assemble(model, table, StudyOptions(allow_missing=allow))
    everybody = {name: f"{name}_ses-2" for name in SUBJECTS}
    study = assemble(model, renamed(make_table(), **everybody), StudyOptions(names=NameRule(session="2")))
    assert study.subjects == tuple(everybody.values())


def test_zeros_that_a_spreadsheet_dropped_are_an_error():
    with pytest.raises(DesignError, match="'sub-01' and '1' differ in leading zeros"):
        assemble(make_model(), renamed(make_table(), **{"sub-01": "1"}), StudyOptions(allow_missing=True))


def test_no_name_fits():
    table = GroupTable("m", tuple("abcdefghijkl"), make_table().columns, make_table().values)
    for allow in (False, True):
        with pytest.raises(
            DesignError, match=r"no subject of group\.fsgd is in the table: the design has sub-01, .* the table a"
        ):
            assemble(make_model(), table, StudyOptions(allow_missing=allow))


def test_a_class_that_is_lost():
    table = reordered(make_table(), [i for i in range(12) if CLASS_OF[i] == 0])
    with pytest.raises(DesignError, match="class 'Patient' has no subject"):
        assemble(make_model(), table, StudyOptions(allow_missing=True))


def test_thousands_of_names_are_matched_in_no_time():
    n = 20_000
    names = tuple(f"sub-{i:05d}" for i in range(n))
    table = GroupTable("m", tuple(f"{name[4:]}" for name in names[::-1]), ("A",), np.ones((n, 1)))
    model = Model(columns=("Mean",), matrix=np.ones((n, 1)), subjects=(*names[:-1], "00000"), source="g")
    start = time.process_time()
    with pytest.raises(DesignError, match=r"19999 subject.s. of g are not in the table: .* nearly the same: sub-00000"):
        assemble(model, table, EXACT)
    with pytest.raises(DesignError, match="'00000' and 'sub-00000' all fit 00000"):
        assemble(model, table, StudyOptions())
    assert time.process_time() - start < 5  # a look through all names for each takes a minute


def test_excluded_and_missing_together():
    table = reordered(make_table(), [i for i in range(12) if i != 2])
    study = assemble(make_model(demean=True), table, StudyOptions(exclude=(5,), allow_missing=True))
    keep = [i for i in range(12) if i not in (2, 5)]
    assert study.kept == tuple(keep)
    smaller = make_design(demean=True).without(["sub-03"])
    np.testing.assert_array_equal(study.matrix, smaller.matrix[[i for i in range(11) if i != 4]])
    assert study.design.subjects == tuple(SUBJECTS[i] for i in keep)


def test_rows_by_order_where_no_names_are():
    model = Model(columns=("X1",), matrix=np.ones((12, 1)), source="x.mat")
    study = assemble(model, make_table(), StudyOptions(exclude=(1,)))
    assert study.subjects == tuple(s for s in SUBJECTS if s != "sub-02")
    assert said(study, "x.mat names no subjects: rows of the table go by their order, 11 of them")
    with pytest.raises(DesignError, match=r"12 subjects, x\.mat has 11 rows"):
        assemble(Model(columns=("X1",), matrix=np.ones((11, 1)), source="x.mat"), make_table(), StudyOptions())


@pytest.mark.parametrize("in_table", ["NFD", "NFC", "cp1252"])
def test_names_with_accents_meet(in_table):
    composed = "Jos\u00e9"
    other = (
        composed.encode("cp1252").decode("utf-8", "surrogateescape")
        if in_table == "cp1252"
        else unicodedata.normalize(in_table, composed)
    )
    design = make_design(subjects=(composed, *SUBJECTS[1:]))
    model = Model(
        columns=design.columns, matrix=design.matrix, subjects=design.subjects, design=design, source="group.fsgd"
    )
    study = assemble(model, renamed(make_table(), **{SUBJECTS[0]: other}), StudyOptions())
    np.testing.assert_array_equal(study.table, make_table().values)
    assert bool(said(study, f"were matched: {composed}")) == (in_table != "NFC")
    assert not said(study, "left out")
