import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_sclimbic.errors import DesignError
from fs_sclimbic.group.design.contrast import (
    Contrast,
    check_contrast,
    estimable,
    is_usable_name,
    name_of_file,
    named_contrast,
    read_contrast,
    safe_name,
)

COLUMNS = ("Control", "Patient", "Control:Age", "Patient:Age")
DOSS = ("Control", "Patient", "Age")


@pytest.fixture
def matrix_file(tmp_path):
    def write(text, name="c.mtx"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.mark.parametrize(
    "text",
    [
        "1 -1 0 0\n",
        "1 -1 0 0",
        "1\t-1  0 0 \t \n",
        "1 -1 0 0\r\n",
        "1 -1 0 0\n\n  \n",
        "+1.0 -1e0 .0 0.\n",
        "\ufeff1 -1 0 0\n",
        "1 -1 0 0\r",
    ],
)
def test_read(matrix_file, text):
    contrast = read_contrast(matrix_file(text, "group.mtx"), COLUMNS)
    assert contrast.name == "group"
    assert contrast.matrix.tolist() == [[1, -1, 0, 0]]
    assert contrast.gamma0 is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"c\.mtx:1: the contrast file is empty"),
        ("\n \n", r"c\.mtx:1: the contrast file is empty"),
        ("\n1 -1 0 0\n", r"c\.mtx:1: found a blank line above a row"),
        ("1 -1 0 0\n\n0 0 1 -1\n", r"c\.mtx:2: found a blank line"),
        ("1 -1 0 0\n0 0 1\n", r"c\.mtx:2: expected 4 weights as in the first row, found 3"),
        ("# c\n1 -1 0 0\n", r"c\.mtx:1: a contrast file cannot hold comments, found '# c'"),
        ("1,-1,0,0\n", r"c\.mtx:1: expected blanks between the numbers and decimal points, found '1,-1,0,0'"),
        ("0,5 -0,5 0 0\n", r"c\.mtx:1: expected blanks between the numbers and decimal points"),
        ("a b c d\n", r"c\.mtx:1: expected finite numbers, found 'a b c d'"),
        ("1 12abc 0 nan\n", r"c\.mtx:1: expected finite numbers, found '12abc nan'"),
        ("1 inf 0 1e999\n", r"c\.mtx:1: expected finite numbers, found 'inf 1e999'"),
        ("0 0 0 0\n", r"c\.mtx: row 1 is all zeros"),
        ("1 -1 0 0\n2 -2 0 0\n", r"c\.mtx: a row follows from the others; leave out one of rows 1, 2"),
        ("1 -1 0 0\n0 0 1 0\n1 -1 1 0\n", r"leave out one of rows 1, 2, 3"),
        ("0 0 0 1\n1 -1 0 0\n2 -2 0 0\n", r"leave out one of rows 2, 3"),
        ("1000 -1000 0 0\n0 0 1 -1\n", r"differ too much in size \(condition number of C C' 1e\+06"),
        ("1 -1 0\n", r"has 3 weights a row, the design 4 columns: Control, Patient, Control:Age, Patient:Age; it fits"),
        ("1 -1\n", r"has 2 weights a row, the design 4 columns: .*Patient:Age$"),
    ],
)
def test_refused(matrix_file, text, message):
    with pytest.raises(DesignError, match=message):
        read_contrast(matrix_file(text), COLUMNS, other_columns={"doss": DOSS})


def test_every_bad_line_is_said(matrix_file):
    with pytest.raises(DesignError) as caught:
        read_contrast(matrix_file("1 x 0 0\n\n1 2 3 4 # why\n0,5 1 1 1\n"), COLUMNS)
    assert [re.search(r":(\d+):", line)[1] for line in str(caught.value).splitlines()] == ["1", "2", "3", "4"]


def test_not_text(tmp_path, matrix_file):
    with pytest.raises(DesignError, match="another kind of file"):
        read_contrast(matrix_file(b"\0\0\0\1"), COLUMNS)
    with pytest.raises(DesignError, match=r"absent\.mtx: contrast file cannot be read \(No such file"):
        read_contrast(tmp_path / "absent.mtx", COLUMNS)
    with pytest.raises(DesignError, match="cannot be read"):
        read_contrast(tmp_path, COLUMNS)


def test_gamma0(matrix_file):
    contrast = matrix_file("1 -1 0 0\n0 0 1 -1\n")
    for text in ("3\n-0.5\n", "3 -0.5"):
        assert read_contrast(contrast, COLUMNS, matrix_file(text, "null.txt")).gamma0.tolist() == [3, -0.5]
    with pytest.raises(
        DesignError, match=r"null\.txt: expected one number for each of the contrast's 2 row\(s\), found 1"
    ):
        read_contrast(contrast, COLUMNS, matrix_file("3\n", "null.txt"))
    with pytest.raises(DesignError, match=r"null\.txt:1: expected finite numbers, found 'x'"):
        read_contrast(contrast, COLUMNS, matrix_file("x 1\n", "null.txt"))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/x.F.mtx", "x.F"),
        ("x.mat", "x"),
        ("x.con.dat", "x"),
        ("x.dat.con", "x.dat"),
        ("x.mtx.mat", "x"),
        ("x.txt", "x.txt"),
        ("x", "x"),
    ],
)
def test_names_from_files(path, name):
    assert name_of_file(path) == name


@pytest.mark.parametrize("path", [".mtx", "my contrast.mtx", "..mtx", "x" * 300 + ".mtx"])
def test_names_that_no_folder_can_have(path):
    with pytest.raises(DesignError, match="rename the file"):
        name_of_file(path)


@pytest.mark.parametrize(
    ("text", "name", "rows"),
    [
        ("Patient-Control", "Patient-Control", [[-1, 1, 0, 0]]),
        ("  Patient -  Control ", "Patient-Control", [[-1, 1, 0, 0]]),
        ("Patient:Age-Control:Age", "Patient_Age-Control_Age", [[0, 0, -1, 1]]),
        ("0.5*Control:Age+.5*Patient:Age", "0.5_Control_Age+.5_Patient_Age", [[0, 0, 0.5, 0.5]]),
        ("(Control:Age + Patient:Age)/2", "Control_Age+Patient_Age_2", [[0, 0, 0.5, 0.5]]),
        ("-Control", "minus-Control", [[-1, 0, 0, 0]]),
        ("Control", "Control", [[1, 0, 0, 0]]),
        ("Control*2/4", "Control_2_4", [[0.5, 0, 0, 0]]),
        ("-(Control - (-Patient))", "minus-_Control-_-Patient", [[-1, -1, 0, 0]]),
        ("1e-1*Control", "1e-1_Control", [[0.1, 0, 0, 0]]),
        ("Patient-Control; Patient:Age-Control:Age", None, [[-1, 1, 0, 0], [0, 0, -1, 1]]),
        ("group = Patient-Control", "group", [[-1, 1, 0, 0]]),
        ("any.F=Patient-Control;Control:Age", "any.F", [[-1, 1, 0, 0], [0, 0, 1, 0]]),
        ("Patient-Control+Control:Age-Control:Age", None, [[-1, 1, 0, 0]]),
    ],
)
def test_named(text, name, rows):
    contrast = named_contrast(text, COLUMNS)
    assert contrast.matrix.tolist() == rows
    assert not np.signbit(contrast.matrix[contrast.matrix == 0]).any()
    assert name is None or contrast.name == name
    assert is_usable_name(contrast.name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Patient--Control", "two signs stand together"),
        ("Pat-Control", "'Pat' is no column of the design, did you mean 'Patient'; the columns are Control, Patient,"),
        ("patient-Control", "'patient' is no column"),
        ("2Patient-Control", "'2Patient' is no column"),
        ("Age", r"write '\(Control:Age\+Patient:Age\)/2' for the mean slope"),
        ("", "a column or number is missing"),
        ("Patient-", "a column or number is missing"),
        ("Patient-Control;", "a column or number is missing"),
        ("Patient Control", "expected an operator between names"),
        ("Patient*Control", "multiplied with numbers only"),
        ("Patient/Control", "only a number other than 0 may divide"),
        ("Patient/0", "only a number other than 0 may divide"),
        ("(Patient", "a bracket is not closed"),
        ("Patient)", r"expected an operator between names"),
        ("*Patient", r"expected a column or a number, found '\*'"),
        ("Patient\u2013Control", "'\u2013' is a dash; write a minus, '-'"),
        ("Patient-1", "the number -1 stands without a column"),
        ("Patient-Patient", "row 1 is all zeros"),
        ("Patient-Control;Control-Patient", "leave out one of rows 1, 2"),
        ("Patient=Control", "every contrast is tested against 0; write 'Patient - ...' without '='"),
        ("Patient-Control = 0", "write 'Patient-Control' without '='"),
        ("-1 1", "weights without names are a matrix, which goes into a file, --C FILE"),
        ("a b = Patient", "'a b' cannot name a folder"),
        ("../x = Patient", "cannot name a folder"),
        ("Patient" + "-Control" * 40, "put a name without blanks"),
    ],
)
def test_named_refused(text, message):
    with pytest.raises(DesignError, match=message):
        named_contrast(text, COLUMNS)


def test_names_of_the_other_method_and_of_files(tmp_path, monkeypatch):
    with pytest.raises(
        DesignError, match="fits dods, whose columns are Control, Patient, Control:Age, Patient:Age; the"
    ):
        named_contrast("Patient:Age-Control:Age", ["Control", "Patient", "Age"], other_columns={"dods": COLUMNS})
    monkeypatch.chdir(tmp_path)
    (tmp_path / "group.mtx").write_text("-1 1 0 0\n")
    with pytest.raises(DesignError, match="is a file; matrix files go to --C"):
        named_contrast("group.mtx", COLUMNS)
    with pytest.raises(DesignError, match="names of columns go to --contrast"):
        read_contrast("Patient-Control", COLUMNS)


def test_a_value_of_zero_after_a_name():
    with pytest.raises(DesignError, match="stands without a column"):
        named_contrast("test = 5", COLUMNS)


@given(st.text(max_size=30))
def test_no_text_makes_an_unusable_name_or_a_crash(text):
    name = safe_name(text)
    assert not name or is_usable_name(name) or not name.strip(".")
    assert not name.startswith("-")
    try:
        contrast = named_contrast(text, COLUMNS)
    except DesignError:
        return
    assert is_usable_name(contrast.name)
    assert contrast.matrix.any(axis=1).all()


def two_groups():
    """Two classes, a covariate, and a column that says the first class again."""
    group = np.array([0, 0, 0, 1, 1, 1])
    return np.column_stack([group == 0, group == 1, [3, 5, 8, 1, 2, 9.0], group == 0]).astype(float)


def test_what_a_singular_design_can_estimate():
    columns = ("A", "B", "age", "again")
    weights = np.array([[1, -1, 0, 1], [1, -1, 0, 0], [0, 0, 1, 0], [1, 0, 0, -1], [0.5, 0, 0, 0.5]])
    # What the columns 1 and 4 say can only be estimated as their sum.
    assert estimable(weights, two_groups()).tolist() == [True, False, True, False, True]
    assert estimable(weights * [1, 1, 1e6, 1], two_groups() * [1, 1, 1e-9, 1]).tolist() == [
        True,
        False,
        True,
        False,
        True,
    ]
    with pytest.raises(DesignError) as caught:
        check_contrast(Contrast("x", np.array([[1, -1, 0, 0.0]])), columns, "x.mtx", two_groups())
    assert "x.mtx: row 1 (+1*A -1*B) cannot be estimated" in str(caught.value)
    check_contrast(Contrast("x", weights[:1]), columns, "x.mtx", two_groups())


def test_checks_of_a_contrast_made_by_hand():
    with pytest.raises(DesignError, match="row 2 holds a number that is not finite"):
        check_contrast(Contrast("x", np.array([[1, 0], [0, np.nan]])), ("A", "B"), "x")
    with pytest.raises(DesignError, match=r"expected 1 value\(s\) of gamma0, found 2"):
        check_contrast(Contrast("x", np.array([[1.0, 0]]), np.zeros(2)), ("A", "B"), "x")


REFUSED_BY_THE_ORIGINAL = {
    "alpha": "alpha.mtx:1: ",
    "badscale": "badscale.mtx: the rows",
    "comma": "comma.mtx:1: ",
    "comment": "comment.mtx:1: ",
    "dep": "dep.mtx: a row follows",
    "empty": "empty.mtx:1: ",
    "ragged": "ragged.mtx:2: ",
    "zeros": "zeros.mtx: row 1 is all zeros",
}


@pytest.mark.parity
def test_the_originals_cases(shared):
    cases = sorted((shared / "reference/group/contrast_cases").glob("*.mtx"))
    assert {case.stem for case in cases} == {*REFUSED_BY_THE_ORIGINAL, "nonl", "trail"}
    for case in cases:
        if case.stem not in REFUSED_BY_THE_ORIGINAL:
            assert read_contrast(case, COLUMNS).matrix.tolist() == [[1, -1, 0, 0]]
            continue
        with pytest.raises(DesignError) as caught:
            read_contrast(case, COLUMNS)
        assert REFUSED_BY_THE_ORIGINAL[case.stem] in str(caught.value)


@pytest.mark.parity
def test_the_originals_contrasts(shared):
    group = shared / "reference/group"
    for case, method in (("dods-etiv", COLUMNS), ("doss-etiv", DOSS)):
        folders = [path.parent for path in (group / "expected" / case).glob("*/C.dat")]
        assert folders
        for folder in folders:
            weights = read_contrast(group / "contrasts" / f"{folder.name}.mtx", method).matrix
            text = "".join("".join(f"{value:+4.5f} " for value in row) + "\n" for row in weights)
            assert text == (folder / "C.dat").read_text()


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("Patient*Control", COLUMNS, r"multiplied with numbers only; a difference is written 'A - B'"),
        ("Patient-Control-5", COLUMNS, "the number -5 stands without a column; a value of the null hypothesis"),
        ("A-B-B", ("A", "B", "A-B", "A:Age", "B:Age", "A-B:Age"), "can be read in two ways.*put blanks around"),
    ],
)
def test_what_is_wrong_is_not_blamed_on_the_method(text, columns, message):
    doss = (*(name for name in columns if ":" not in name), "Age")
    with pytest.raises(DesignError, match=message) as caught:
        named_contrast(text, columns, other_columns={"doss": doss})
    assert "fits doss" not in str(caught.value)
    advice = r"'Age' has a column for each class \(dods\); write '.*Age.*' for the mean slope.* or take doss, whose"
    with pytest.raises(DesignError, match=advice):
        named_contrast("Age", COLUMNS, other_columns={"doss": DOSS})
    with pytest.raises(DesignError, match="fits dods"):
        named_contrast(COLUMNS[-1], DOSS, other_columns={"dods": COLUMNS})


def test_a_class_whose_name_holds_a_sign():
    columns = ("A-B", "C")
    assert named_contrast("A-B - C", columns, other_columns={"doss": (*columns, "Age")}).matrix.tolist() == [[1, -1]]
