from tests.fsgd_texts import GOOD, refused


def test_whole_lines():
    assert refused(GOOD.replace("Class B\n", "") + "Class B\n") == [
        "f:6: class 'B' is used here and 3 more line(s), but named only in line 13; move it up"
    ]
    assert refused(GOOD + "Input s9 A 1 2 3\n") == [
        "f:14: expected 2 value(s) (Age, IQ) for subject 's9', found 3: '1 2 3'"
    ]


def test_all_problems_at_once_in_the_order_of_the_lines():
    lines = refused(
        "GroupDescriptorFile 1\nClass A\nClass A\nClass C\nVariables Age\nInptu s0 A 1\nInput s1 A 1,5\n"
        "Input s1 A 2\nInput s2 Z 1 2\nDefaultVariable IQ\nContrast d 1\nDesignMatFile X.mat\n"
    )
    assert [int(line.split(":")[1]) for line in lines] == [3, 4, 6, 7, 8, 9, 9, 10, 11, 12]


def test_one_mistake_in_every_line_that_has_one_cause_is_said_once():
    text = "GroupDescriptorFile 1\nClass Control\n" + "".join(f"Input s{i} Contrl 1\n" for i in range(500))
    lines = refused(text)
    assert len(lines) == 3
    assert "class 'Contrl' of subject 's0' and 499 more line(s) is not defined; did you mean 'Control'?" in lines[1]
