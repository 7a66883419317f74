import numpy as np
import pytest

from fs_sclimbic.group.design.odd_variables import class_doubts, impossible_values, label_doubt, variable_doubts
from tests.designs import make

TWELVE = (0, 1) * 6
AGES = [31.0, 44, 52, 29, 61, 70, 38, 55, 47, 33, 66, 58]


def with_value(value, name="age", column=AGES):
    return make(TWELVE, [value, *column[1:]], variables=[name])


@pytest.mark.parametrize("value", [-9, -1, 443, 999, 123])
@pytest.mark.parametrize("name", ["age", "Age", "AGE", "age_years", "AgeAtScan", "scan_age"])
def test_ages_that_nobody_has(name, value):
    (line,) = impossible_values(with_value(value, name))
    assert f"variable '{name}' has values that are no age in years (0 to 120): s0 ({value})" in line
    assert variable_doubts(with_value(value, name)) == []  # said once


@pytest.mark.parametrize("name", ["stage", "dosage", "language", "age_months", "ageInDays", "age_onset", "age_squared"])
def test_other_variables_may_have_such_values(name):
    assert impossible_values(with_value(443, name)) == []


def test_ages_in_other_forms_are_let_be():
    centred = np.array(AGES) - np.mean(AGES)
    assert impossible_values(make(TWELVE, centred, variables=["age"])) == []
    assert impossible_values(make(TWELVE, np.array(AGES) - 30, variables=["age"])) == []  # 29 is -1 then
    assert impossible_values(make(TWELVE, np.array(AGES) - 31.5, variables=["age"])) == []
    assert impossible_values(make(TWELVE, np.array(AGES) * 365.25, variables=["age"])) == []
    assert impossible_values(with_value(101)) == []


def test_ages_of_children_in_months_go_on_above_the_oldest_adult():
    months = [62.0, 71, 80, 88, 93, 99, 104, 108, 113, 117, 121, 133]
    assert impossible_values(make(TWELVE, months, variables=["age"])) == []
    assert "s0 (443)" in impossible_values(make(TWELVE, [443.0, *months[1:]], variables=["age"]))[0]


@pytest.mark.parametrize("code", [-9, -99, 999, 9999])
def test_codes_of_missing_values(code):
    (line,) = variable_doubts(with_value(code, "moca", [27.0, 24, 28, 29, 22, 30, 26, 25, 27, 23, 30, 28]))
    assert f"variable 'moca': {code} of s0 lies far from all others" in line


def test_numbers_that_are_no_codes():
    z_scores = [-9.0, -7.5, 3, 8, -6, 4, 11, -12, 5, -3, 7, -8]
    assert variable_doubts(make(TWELVE, z_scores, variables=["change"])) == []
    counts = [999.0, 850, 1100, 930, 1020, 780, 1250, 990, 870, 1010, 940, 1060]
    assert variable_doubts(make(TWELVE, counts, variables=["wbc"])) == []


@pytest.mark.parametrize("name", ["site", "Diagnosis", "scanner_id", "dx", "arm", "grade"])
def test_numbers_that_stand_for_groups(name):
    (line,) = variable_doubts(make(TWELVE, [1.0, 2, 3] * 4, variables=[name]))
    assert f"variable '{name}' holds 3 whole numbers (1, 2, 3) and is fitted as one straight line" in line
    assert "--class-columns" in line


@pytest.mark.parametrize(
    ("name", "values"),
    [("age", AGES), ("education", [12.0, 16, 14, 10, 12, 18, 12, 16, 14, 11, 13, 17]), ("x", [0.0, 1] * 6)],
)
def test_measurements_are_let_be(name, values):
    assert variable_doubts(make(TWELVE, values, variables=[name])) == []


@pytest.mark.parametrize("name", ["-", ".", "?", "F_-", "nan"])
def test_classes_with_the_name_of_a_missing_value(name):
    (line,) = class_doubts(make(TWELVE, AGES, names=("A", name)))
    assert line.startswith(f"class '{name}' (6 subject(s)) has the name of a missing value")


def test_a_class_of_one():
    design = make((0,) * 11 + (1,), AGES, method="doss")
    (line,) = class_doubts(design)
    assert "class 'B' has one subject, s11" in line
    assert class_doubts(make(TWELVE, AGES, names=("none", "A-B"))) == []


@pytest.mark.parametrize("name", ["hand_grip", "group_iq", "treatment_weeks", "race_time"])
def test_measurements_of_groups_are_no_groups(name):
    assert variable_doubts(make(TWELVE, np.arange(12.0) // 2 + 20, variables=[name])) == []


def test_labels_that_stand_for_missing_ones():
    assert label_doubt("sex", ["F", "M", "none", "F"]) == ""
    assert "'sex' has the label ?, Unknown, the name of a missing value (3 subject(s))" in label_doubt(
        "sex", ["F", "?", "Unknown", "M", "?"]
    )


def test_labels_that_are_hardly_any():
    dates = [f"2020-01-{day:02d}" for day in range(1, 13)]
    assert "'scan' has 12 labels (2020-01-01, 2020-01-02, 2020-01-03 and 9 more) in 12 subjects" in label_doubt(
        "scan", dates
    )
    assert label_doubt("person", [f"s{i // 2}" for i in range(20)]) == ""
