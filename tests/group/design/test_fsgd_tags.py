import pytest

from fs_sclimbic.group.design.fsgd import parse_fsgd
from tests.fsgd_texts import GOOD, HEAD, INPUTS, warned


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace("Age", "Sex"), "f:5: variable 'Sex' is fitted as a number; groups of people are better told by"),
        (GOOD.replace("Age", "gender"), "f:5: variable 'gender' is fitted as a number"),
        (GOOD + "SomeTag foo bar\n", "f:14: unknown tag 'SomeTag'; not read: 'SomeTag foo bar'"),
        (GOOD + "Measurement x\n", "f:14: unknown tag 'Measurement', did you mean 'MeasurementName'?"),
        (GOOD + "MeasurementName thick ness\n", "f:14: unknown tag 'ness'; not read: 'ness'"),
        (GOOD.replace("Class A", "Class A plus blue extra"), "f:3: expected 'Class NAME [MARKER [COLOUR]]'; no marker"),
        (
            GOOD.replace("Age IQ", "Age B:Age").replace("Class A", "Class B:Age").replace(" A ", " B:Age "),
            "f: two",
        ),
        (HEAD + "".join(INPUTS[:6]), "f:3: class 'A' has 3 subjects, as many as its columns: its fit is exact"),
        (GOOD.replace("s3", "s" * 120), "f:9: subject name 'ssssssssssssssssssss...' is longer than the 99 bytes"),
        (GOOD.replace("my title", "t" * 300), "f:2: title 'tttttttttttttttttttt...' is longer than the 199 bytes"),
    ],
)
def test_what_looks_odd_is_said(text, message):
    assert any(line.startswith(message) for line in warned(text))


def test_a_tag_may_follow_on_the_same_line():
    design, _ = parse_fsgd(GOOD + "DOSS DeMeanFlag 1 MeasurementName x Input s9 A 1 2\n")
    assert (design.method, design.demean, design.measurement, design.subjects[-1]) == ("doss", True, "x", "s9")
    assert parse_fsgd(GOOD.replace("File 1\nTitle", "File 1 Title"))[0].title == "my title"
