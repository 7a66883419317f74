import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fs_sclimbic.group.design.fsgd import format_fsgd, parse_fsgd
from fs_sclimbic.group.design.fsgd_make import design_from_table
from fs_sclimbic.group.design.participants import DesignRequest
from tests.participants import HEADER, ROWS, made, refused


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", " "])
def test_a_table_of_any_kind(table, delimiter):
    design, notices = made(
        table((HEADER + "".join(ROWS)).replace("\t", delimiter), "t.txt"), title="study", demean=True
    )
    assert notices == ()
    assert [one.name for one in design.classes] == ["Control", "Patient"]
    assert design.class_of == (1, 0, 0, 1, 1, 0)
    assert design.values.ravel().tolist() == [20.5, 31, 42, 55, 63, 70]
    assert (design.title, design.method, design.demean, design.method_in_file) == ("study", "dods", True, False)
    assert format_fsgd(design).splitlines()[:7] == [
        "GroupDescriptorFile 1",
        "Title study",
        "DeMeanFlag 1",
        "Class Control",
        "Class Patient",
        "Variables age",
        "Input sub-01 Patient 20.5",
    ]


def test_several_class_columns(table):
    path = table(HEADER + "".join(ROWS))
    design, _ = made(path, class_columns=("sex", "diagnosis"), variables=(), method="doss")
    assert [one.name for one in design.classes] == ["F_Control", "F_Patient", "M_Control", "M_Patient"]
    assert design.class_of == (1, 2, 0, 3, 1, 2)
    assert design.columns == ("F_Control", "F_Patient", "M_Control", "M_Patient")
    assert (design.method, design.method_in_file) == ("doss", True)
    design, _ = made(path, class_order=("Patient", "Control"))
    assert design.columns[:2] == ("Patient", "Control")
    assert refused(path, class_order=("Patient", "Kontrol")) == [
        "--class-order: no subject is in class 'Kontrol'; the classes are Control, Patient"
    ]
    assert "class 'Control' is not named" in refused(path, class_order=("Patient",))[0]


def test_without_classes_all_are_one(table):
    design, _ = made(table(HEADER + "".join(ROWS)), class_columns=())
    assert design.columns == ("Main", "Main:age")


def test_none_is_a_label(table):
    design, _ = made(table(HEADER + "".join(ROWS).replace("Control", "none")))
    assert [one.name for one in design.classes] == ["Patient", "none"]


def test_numbers_as_classes(table):
    text = HEADER + "".join(ROWS).replace("\tF\t", "\t1\t").replace("\tM\t", "\t2.0\t")
    path = table(text.replace("sub-03\t1\t", "sub-03\t1.0\t"))
    design, notices = made(path, class_columns=("sex",))
    assert design.columns[:2] == ("sex1", "sex2")
    assert notices == ("class column 'sex' holds numbers: 2 classes, called sex1, sex2",)
    design, notices = made(path, class_columns=("iq",), variables=(), method="doss")
    assert design.columns == ("iq90", "iq99", "iq100", "iq101", "iq115", "iq120")
    many = "".join(f"s{i}\tF\tx\t{i + 30}\t5\n" for i in range(20))
    _, notices = made(table(HEADER + many), class_columns=("age",), variables=(), method="doss")
    assert notices[0].endswith("and 10 more; is it a variable?")


def test_labels_that_an_fsgd_cannot_hold(table):
    text = HEADER + "".join(ROWS).replace("Patient", "Major depression").replace(
        "sub-03\tF\tControl", "sub-03\tF\tcontrol"
    )
    design, notices = made(table(text), variables=())
    assert [one.name for one in design.classes] == ["Control", "Major_depression", "control"]
    assert notices == (
        "class column 'diagnosis': blanks, commas and semicolons replaced, 'Major depression' to 'Major_depression'",
        "class column 'diagnosis': Control and control differ in case only and are different classes",
    )
    comma = table(HEADER + "".join(ROWS).replace("Patient", "Epilepsy, left; old"))
    design, _ = made(comma, variables=(), class_order=("Epilepsy, left; old", "Control"))
    assert [one.name for one in design.classes] == ["Epilepsy_left_old", "Control"]
    both = HEADER + "".join(ROWS[:3]).replace("Patient", "A B").replace("F\tControl", "F\tA_B")
    assert refused(table(both), variables=()) == ["class 'A_B' would stand for A B and A_B; rename one"]
    joined = "id,a,b\ns1,x_y,z\ns2,x,y_z\n"
    lines = refused(table(joined, "t.csv"), subject_column="id", class_columns=("a", "b"), variables=())
    assert lines == ["class 'x_y_z' would stand for x/y_z and x_y/z; rename one"]


def test_names_of_variables(table):
    path = table(HEADER.replace("\tage", "\tage at scan") + "".join(ROWS))
    design, notices = made(path, variables=("age at scan",))
    assert design.variables == ("age_at_scan",)
    assert notices == ("variable 'age at scan' is called 'age_at_scan'",)


def test_two_values_are_perhaps_groups(table):
    text = HEADER + "".join(ROWS).replace("\tF\t", "\t0\t").replace("\tM\t", "\t1\t")
    _, notices = made(table(text), variables=("sex",))
    assert notices == ("variable 'sex' has two values, 0 and 1; if they stand for groups, give it to --class-columns",)


def test_classes_too_small_for_dods(table):
    path = table(HEADER + "".join(ROWS[:3]))
    assert made(path)[1] == (
        "a class is too small for dods, a slope in each class; fit it with doss, or give --method doss",
    )
    assert "class 'Patient' has 1 subject(s); dods with 1 variable(s) needs" in refused(path, method="dods")[0]
    assert made(path, method="doss")[1] == ()


CELL = st.from_regex(r"[A-Za-z][\w .,;'\"-]{0,8}[A-Za-z]", fullmatch=True)


@settings(deadline=None)
@given(st.data())
def test_any_table_comes_back_from_its_fsgd(tmp_path_factory, data):
    n = data.draw(st.integers(1, 12))
    subjects = data.draw(
        st.lists(st.from_regex(r"[A-Za-z][\w-]{1,6}", fullmatch=True), min_size=n, max_size=n, unique=True)
    )
    subjects = [f"s_{name}" for name in subjects]
    labels = data.draw(st.lists(st.sampled_from(["A", "B", "C", "D"]), min_size=n, max_size=n))
    ages = data.draw(st.lists(st.floats(-1e100, 1e100), min_size=n, max_size=n))
    notes = data.draw(st.lists(CELL, min_size=n, max_size=n))
    text = io.StringIO()
    writer = csv.writer(
        text,
        delimiter=data.draw(st.sampled_from([",", "\t"])),
        lineterminator=data.draw(st.sampled_from(["\n", "\r\n"])),
    )
    writer.writerow(["id", "note", "group", "age"])
    writer.writerows(zip(subjects, notes, labels, map(repr, ages), strict=True))
    path = tmp_path_factory.mktemp("t") / "t.csv"
    path.write_bytes(text.getvalue().encode())
    design, _ = design_from_table(path, DesignRequest("id", ("group",), ("age",), method="doss"))
    again, _ = parse_fsgd(format_fsgd(design))
    assert list(again.subjects) == subjects
    assert [again.classes[index].name for index in again.class_of] == labels
    assert again.values.ravel().tolist() == ages
    assert again.method == "doss"
