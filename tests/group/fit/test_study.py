import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fs_sclimbic.errors import DesignError, TableError
from fs_sclimbic.group.design.model import Model
from fs_sclimbic.group.fit.study import COVARIATE, RAW, SCALED, StudyOptions, assemble
from fs_sclimbic.group.tables.combined import LATERALITY
from fs_sclimbic.group.text_table import GroupTable
from tests.groups import AGES, CLASS_OF, STRUCTURES, SUBJECTS, make_design, make_model, make_table, reordered, said


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(12)), st.permutations(range(4)))
def test_rows_and_columns_in_any_order(rows, columns):
    table = make_table()
    straight = assemble(make_model(), table, StudyOptions(etiv=SCALED))
    other = assemble(make_model(), reordered(table, rows, columns), StudyOptions(etiv=SCALED))
    assert other.subjects == straight.subjects == SUBJECTS
    np.testing.assert_array_equal(other.matrix, straight.matrix)
    order = [other.structures.index(name) for name in straight.structures]
    np.testing.assert_array_equal(other.values[:, order], straight.values)
    assert bool(said(other, "another order")) == (list(rows) != sorted(rows))


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(0, 11), min_size=1, max_size=4), st.booleans())  # two stay in each class
def test_allow_missing_is_the_design_without_them(lost, demean):
    rows = [i for i in range(12) if i not in lost]
    table, model = reordered(make_table(), rows[::-1]), make_model(demean=demean)
    study = assemble(model, table, StudyOptions(allow_missing=True))
    assert study.subjects == tuple(SUBJECTS[i] for i in rows)
    assert study.kept == tuple(rows)
    # What is demeaned is so over the subjects that are there.
    ages = AGES[rows] - (AGES[rows].mean() if demean else 0)
    indicators = np.eye(2)[np.array(CLASS_OF)[rows]]
    np.testing.assert_allclose(study.matrix, np.hstack([indicators, indicators * ages[:, None]]))
    np.testing.assert_array_equal(study.table, make_table().values[rows])
    assert study.design.subjects == study.subjects
    assert said(study, "left out of the design")[0].endswith(", ".join(SUBJECTS[i] for i in sorted(lost)))


def test_extra_subjects_are_said_and_left_out():
    design = make_design()
    small = design.without(["sub-04", "sub-07"])
    model = Model(columns=small.columns, matrix=small.matrix, subjects=small.subjects, design=small, source="g")
    study = assemble(model, make_table(), StudyOptions())
    assert said(study, "2 subject(s) of the table are not in the design and are left out: sub-04, sub-07")
    assert study.subjects == small.subjects


def test_excluded_rows_need_not_be_in_the_table():
    table = reordered(make_table(), [i for i in range(12) if i != 3])
    study = assemble(make_model(demean=True), table, StudyOptions(exclude=(3, 5)))
    keep = [i for i in range(12) if i not in (3, 5)]
    assert study.subjects == tuple(SUBJECTS[i] for i in keep) == study.design.subjects
    # As in the original, the matrix was made before rows are dropped: demeaned over everyone.
    np.testing.assert_array_equal(study.matrix, make_design(demean=True).matrix[keep])
    assert said(study, "3 (sub-04), 5 (sub-06); means and deviations of the variables still count them")
    assert not said(assemble(make_model(), table, StudyOptions(exclude=(3,))), "still count")
    with pytest.raises(DesignError, match="expected numbers from 0 to 11, found 12"):
        assemble(make_model(), make_table(), StudyOptions(exclude=(12,)))


def test_two_columns_of_etiv():
    values = np.column_stack([make_table().values, make_table().values[:, -1] * 1.1])
    table = GroupTable("m", SUBJECTS, (*STRUCTURES, "eTIV", "EstimatedTotalIntraCranialVol"), values)
    with pytest.raises(TableError, match=r"t\.dat: the table has 2 columns of eTIV .* --exclude-columns leaves one"):
        assemble(make_model(), table, StudyOptions(), "t.dat")
    study = assemble(make_model(), table, StudyOptions(etiv=SCALED, exclude_columns=("eTIV",)))
    np.testing.assert_allclose(study.table, values[:, :3] / values[:, 4:] * 1e5)
    with pytest.raises(TableError, match="2 columns of eTIV"):
        assemble(make_model(), table, StudyOptions(exclude_columns=("eTIV", "EstimatedTotalIntraCranialVol")))


def test_a_column_that_may_be_etiv():
    table = GroupTable("m", SUBJECTS, (*STRUCTURES, "ICV"), make_table().values)
    with pytest.raises(TableError, match="call column 'ICV' eTIV if it is that"):
        assemble(make_model(), table, StudyOptions(etiv=SCALED))


def test_etiv_in_the_design_and_as_covariate():
    model = make_model(method="doss", variables=("eTIV",))
    with pytest.raises(DesignError, match="has a column 'eTIV' already"):
        assemble(model, make_table(), StudyOptions(etiv=COVARIATE))


def test_a_subject_that_stands_twice_in_the_design():
    design = make_design(subjects=(*SUBJECTS[:-1], "sub-01"))
    study = assemble(
        Model(columns=design.columns, matrix=design.matrix, subjects=design.subjects, design=design, source="g"),
        make_table(),
        StudyOptions(),
    )
    np.testing.assert_array_equal(study.values[0], study.values[-1])
    assert said(study, "warning: a subject stands in several rows")
    assert not said(assemble(make_model(), make_table(), StudyOptions()), "several rows")


@pytest.mark.parametrize("place", [0, 1, 3])
@pytest.mark.parametrize("name", ["eTIV", "EstimatedTotalIntraCranialVol"])
def test_etiv_scales_every_structure_wherever_it_stands(place, name):
    table = make_table(name)
    order = [0, 1, 2]
    order.insert(place, 3)
    study = assemble(make_model(), reordered(table, range(12), order), StudyOptions(etiv=SCALED))
    assert study.structures == STRUCTURES
    np.testing.assert_allclose(study.values, table.values[:, :3] / table.values[:, [3]] * 1e5)
    assert study.family.all()
    assert said(study, f"{name} is used to scale by; it is not analysed")


def test_etiv_can_be_analysed_all_the_same():
    study = assemble(make_model(), make_table(), StudyOptions(etiv=SCALED, analyse_etiv=True))
    assert study.structures == (*STRUCTURES, "eTIV")
    np.testing.assert_array_equal(study.values[:, 3], make_table().values[:, 3])
    assert study.family.all()
    assert said(study, "eTIV itself is analysed as it is")


def test_etiv_as_it_is_stays_a_row_but_is_no_structure():
    study = assemble(make_model(), make_table(), StudyOptions())
    assert study.structures == (*STRUCTURES, "eTIV")
    assert study.family.tolist() == [True, True, True, False]
    assert said(study, "eTIV is no structure")
    assert assemble(make_model(), make_table(), StudyOptions(analyse_etiv=True)).family.all()


def test_etiv_as_covariate():
    study = assemble(make_model(), make_table(), StudyOptions(etiv=COVARIATE))
    size = make_table().values[:, 3]
    assert study.columns[-1] == "eTIV"
    np.testing.assert_allclose(study.matrix[:, -1], size - size.mean())
    np.testing.assert_array_equal(study.values, make_table().values[:, :3])
    fewer = assemble(make_model(), make_table(), StudyOptions(etiv=COVARIATE, exclude=(0, 1)))
    np.testing.assert_allclose(fewer.matrix[:, -1], size[2:] - size[2:].mean())  # the mean of who is analysed


@pytest.mark.parametrize("etiv", [SCALED, COVARIATE])
def test_etiv_that_is_none(etiv):
    table = make_table()
    table.values[2, 3] = 0
    table.values[6, 3] = -1
    with pytest.raises(TableError, match=r"eTIV must be above 0, found sub-03 \(0\), sub-07 \(-1\)"):
        assemble(make_model(), table, StudyOptions(etiv=etiv))
    # Of a subject that is not analysed it does not matter.
    assemble(make_model(), table, StudyOptions(etiv=etiv, exclude=(2, 6)))
    with pytest.raises(TableError, match="no eTIV column; expected EstimatedTotalIntraCranialVol or eTIV"):
        assemble(make_model(), reordered(make_table(), range(12), [0, 1]), StudyOptions(etiv=etiv))


def test_etiv_of_a_table_that_is_scaled_already():
    table = make_table()
    table.values[:, 3] = 100
    for etiv in (SCALED, COVARIATE):
        with pytest.raises(TableError, match="eTIV is 100 for every subject; a table made with --etiv"):
            assemble(make_model(), table, StudyOptions(etiv=etiv))


def test_etiv_in_another_unit():
    table = make_table()
    assert not said(assemble(make_model(), table, StudyOptions(etiv=SCALED)), "median")
    table.values[:, 3] /= 1000
    assert said(assemble(make_model(), table, StudyOptions(etiv=SCALED)), "expected about 1.5e6 mm^3")


def test_zeros_are_pointed_out():
    table = make_table()
    table.values[4, 1] = 0
    table.values[5, 2] = -3
    study = assemble(make_model(), table, StudyOptions())
    assert said(study, "warning: 1 value(s) of 0 enter the fit as real zeros")[0].endswith("Right-A of sub-05")
    assert said(study, "below 0: B of sub-06")
    with pytest.raises(TableError, match="0 or less in Right-A of sub-05, B of sub-06"):
        assemble(make_model(), table, StudyOptions(logarithm=True))


def test_differences_may_be_below_0():
    table = make_table()
    table.values[:, 2] -= table.values[:, 2].mean()
    assert not said(assemble(make_model(), table, StudyOptions()), "below 0")
    values = np.full(table.values.shape, 0.2)
    values[3, 1] = -0.1
    laterality = GroupTable(LATERALITY, table.subjects, table.columns, values)
    assert not said(assemble(make_model(), laterality, StudyOptions()), "below 0")


def test_logarithm():
    study = assemble(make_model(), make_table(), StudyOptions(logarithm=True, etiv=SCALED))
    np.testing.assert_array_equal(study.values, np.log(study.table))


def test_a_column_without_variance_is_pointed_out():
    table = make_table()
    table.values[:, 0] = 3.5
    assert said(assemble(make_model(), table, StudyOptions()), "nothing to test: Left-A")


def test_columns_by_name():
    study = assemble(make_model(), make_table(), StudyOptions(columns=("B", "Left-A"), etiv=SCALED))
    assert study.structures == ("Left-A", "B")  # in the order of the table
    assert assemble(make_model(), make_table(), StudyOptions(exclude_columns=("B", "eTIV"))).structures == (
        "Left-A",
        "Right-A",
    )
    with pytest.raises(TableError, match="no column C, D; expected some of Left-A, Right-A, B, eTIV"):
        assemble(make_model(), make_table(), StudyOptions(columns=("C",), exclude_columns=("D",)))
    with pytest.raises(TableError, match="no column is left"):
        assemble(make_model(), make_table(), StudyOptions(exclude_columns=(*STRUCTURES, "eTIV")))


def test_other_global_measures_are_said():
    table = GroupTable("m", SUBJECTS, ("Left-A", "BrainSegVol", "B", "eTIV"), make_table().values)
    assert said(assemble(make_model(), table, StudyOptions()), "BrainSegVol: measures of the whole head")


@pytest.mark.parametrize("etiv", [SCALED, COVARIATE])
def test_the_etiv_of_an_identity_is_never_used(etiv):
    table = make_table()
    table.values[[2, 6], 3] = 1948106.0
    with pytest.raises(TableError, match=r"t: eTIV is 1948106 for sub-03, sub-07: .* or leave the subjects out"):
        assemble(make_model(), table, StudyOptions(etiv=etiv), "t")
    table.values[:, 3] = 1948106.0
    with pytest.raises(TableError, match="changes no size"):
        assemble(make_model(), table, StudyOptions(etiv=etiv), "t")
    assert said(assemble(make_model(), table, StudyOptions()), "warning: eTIV is 1948106 for sub-01")


@pytest.mark.parametrize("etiv", [RAW, SCALED])
def test_an_etiv_that_is_not_a_heads_is_pointed_out(etiv):
    table = make_table()
    table.values[3, 3] = 3.4e6
    assert len(said(assemble(make_model(), table, StudyOptions(etiv=etiv)), "sub-04 (3.4e+06)")) == 1
    assert not said(assemble(make_model(), make_table(), StudyOptions(etiv=etiv)), "not that of a head")


@pytest.mark.parametrize("etiv", [RAW, SCALED])
def test_a_head_that_is_large_in_every_measure_is_pointed_out(etiv):
    table = make_table()
    values = np.column_stack([table.values[:, :3], table.values[:, 0] + 3, table.values[:, 3]])
    values[4] *= 2
    columns = (*STRUCTURES, "C", "eTIV")
    study = assemble(make_model(), GroupTable("Measure:volume", SUBJECTS, columns, values), StudyOptions(etiv=etiv))
    assert said(study, "warning: larger than the others in every measure")[0].count("times)") == 1
    other = GroupTable("Measure:confidence", SUBJECTS, columns, values)
    assert not said(assemble(make_model(), other, StudyOptions()), "larger than the others")


def test_an_etiv_that_hardly_holds_the_brain_is_pointed_out():
    """As in github.com/Deep-MI/FastSurfer/issues/378: failed registrations gave an eTIV below the brain's volume."""
    table = make_table()
    brain = 0.75 * table.values[:, 3]
    values = np.column_stack([table.values[:, :3], brain, table.values[:, 3]])
    columns = (*STRUCTURES, "BrainSegVol", "eTIV")

    def warned(values):
        return said(
            assemble(make_model(), GroupTable("m", SUBJECTS, columns, values), StudyOptions()), "BrainSegVol is"
        )

    assert not warned(values)
    values[5, 4] = 0.8 * values[5, 4]
    assert "0.9 of eTIV for sub-06 (0.94): eTIV is too small" in warned(values)[0]
