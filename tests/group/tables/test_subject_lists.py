import pytest

from fs_sclimbic.errors import TableError
from fs_sclimbic.group.tables.subject_lists import (
    Listed,
    read_fsgd_subjects,
    read_qdec_subjects,
    read_segids,
    read_subjects_file,
)


@pytest.fixture
def write(tmp_path):
    """Write a file, return its path."""

    def write_text(text):
        path = tmp_path / "list.txt"
        path.write_bytes(text.encode())
        return path

    return write_text


def names(listed):
    return [subject.name for subject in listed]


def test_subjects_file(write):
    path = write("\ufeff sub-2 \r\n\n#sub-9\nsub-1\t\n\n")
    assert read_subjects_file(path) == (Listed("sub-2", f"{path}:1"), Listed("sub-1", f"{path}:4"))
    with pytest.raises(TableError, match=r"list\.txt: lists no subject"):
        read_subjects_file(write("\n#a\n"))
    with pytest.raises(TableError, match=r"none: file does not exist"):
        read_subjects_file(path.with_name("none"))


def test_fsgd_inputs_in_their_order(write):
    text = (
        "GroupDescriptorFile 1\n\nTitle Input x\nClass A\nInput s2 A 1\n#Input s3 A 2\n\tinput s1 A\r\nINPUT s0 A\n\n"
    )
    subjects, warnings = read_fsgd_subjects(write(text))
    assert names(subjects) == ["s2", "s1", "s0"]
    assert subjects[0].origin.endswith("list.txt:5")
    assert not warnings


def test_a_misspelt_input_is_told(write):
    subjects, warnings = read_fsgd_subjects(write("GroupDescriptorFile 1\nInput s1 A\nInptu s9 A 1 2\n"))
    assert names(subjects) == ["s1"]
    (warning,) = warnings
    assert "list.txt:3: 'Inptu' is no FSGD tag" in warning


@pytest.mark.parametrize(
    ("text", "message"),
    [("Class A\nInput\n", r"list\.txt:2: expected 'Input SUBJECT"), ("Class A\n", "lists no subject")],
)
def test_bad_fsgd(write, text, message):
    with pytest.raises(TableError, match=message):
        read_fsgd_subjects(write(text))


@pytest.mark.parametrize("delimiter", [" ", "\t", ",", ";"])
def test_qdec(write, delimiter):
    path = write("# made, by hand\nage fsid fsid-base\n20 tp1 sub\n#30 tp2 sub\n40 tp3 sub\n\n".replace(" ", delimiter))
    assert names(read_qdec_subjects(path)) == ["tp1", "tp3"]
    long = read_qdec_subjects(path, longitudinal=True)
    assert names(long) == ["tp1.long.sub", "tp3.long.sub"]
    assert long[1].origin == f"{path}:5"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found nothing"),
        ("id age\na 1\n", r":1: expected a header with a column 'fsid', found 'id age'"),
        ("fsid age\na 1\n", r":1: expected a header with a column 'fsid-base'"),
        ("fsid,fsid-base,x\na,,1\n", r":2: the cell of 'fsid-base' is empty"),
        ("fsid,fsid-base\na,b\na\nc,d,e\n", r":3: expected 2 cells .* found 1\n.*:4: expected 2 cells .* found 3"),
        ("fsid fsid-base\n", "lists no subject"),
    ],
)
def test_bad_qdec(write, text, message):
    with pytest.raises(TableError, match=message):
        read_qdec_subjects(write(text), longitudinal=True)


def test_segids(write):
    assert read_segids(write("870\n 26 \r\n\n26\n")) == (870, 26, 26)
    for text, message in (("26\nx\n", ":2: expected a SegId"), ("-1\n", ":1: expected a SegId"), ("\n", "no SegId")):
        with pytest.raises(TableError, match=message):
            read_segids(write(text))
