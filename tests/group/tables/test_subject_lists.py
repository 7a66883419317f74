import threading
from pathlib import Path

import pytest

from fs_sclimbic.errors import TableError, UsageError
from fs_sclimbic.group.tables.subject_lists import (
    Listed,
    case_name,
    every_subject,
    input_files,
    read_fsgd_subjects,
    read_qdec_subjects,
    read_segids,
    read_subjects_file,
    side_by_side,
    subject_files,
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


def test_files_of_subjects(tmp_path):
    files = subject_files([Listed("a/"), Listed("b")], tmp_path, "x.stats", "st")
    assert [(file.name, file.path) for file in files] == [
        ("a", tmp_path / "a/st/x.stats"),
        ("b", tmp_path / "b/st/x.stats"),
    ]
    with pytest.raises(UsageError, match="give --sd DIR or set SUBJECTS_DIR"):
        subject_files([Listed("a")], tmp_path / "none", "x.stats")
    with pytest.raises(UsageError, match="name of a subject is empty"):
        subject_files([Listed("")], tmp_path, "x.stats")


def test_subjects_twice_are_all_named(tmp_path):
    twice = [Listed(name, f"f:{line}") for line, name in enumerate("abcab", 1)]
    with pytest.raises(TableError) as error:
        subject_files(twice, tmp_path, "x.stats")
    assert str(error.value).splitlines() == [
        "subject 'a' is listed twice (f:1 and f:4); remove one, or allow it with --allow-repeated",
        "subject 'b' is listed twice (f:2 and f:5); remove one, or allow it with --allow-repeated",
    ]
    assert len(subject_files(twice, tmp_path, "x.stats", allow_repeated=True)) == 5


def test_every_subject(tmp_path):
    for name in ("s2", "s10", "s1", ".hidden", "other"):
        (tmp_path / name / "stats").mkdir(parents=True)
    for name in ("s2", "s10", ".hidden"):
        (tmp_path / name / "stats/x.stats").write_text("")
    (tmp_path / "s1" / "mri").mkdir()
    (tmp_path / "s1" / "mri/nu.mgz").write_text("")
    (tmp_path / "fsaverage/mri").mkdir(parents=True)
    (tmp_path / "a_file").write_text("")
    subjects, without = every_subject(tmp_path, "x.stats")
    assert names(subjects) == ["s10", "s2"]
    assert without == ("s1",)
    with pytest.raises(TableError, match=r"no subject has stats/y\.stats"):
        every_subject(tmp_path, "y.stats")
    with pytest.raises(UsageError, match="does not exist"):
        every_subject(tmp_path / "none", "x.stats")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("out/head.stats", "head"),
        ("out/head.sclimbic.stats", "head"),
        ("out/head.sclimbic.qa.stats", "head"),
        ("out/sub-1_T1w.nii.stats", "sub-1_T1w.nii"),
        ("subjects/bert/stats/sclimbic.stats", "bert"),
        ("subjects/bert/stats/sclimbic.qa.stats", "bert"),
        ("bert/sclimbic.stats", "bert"),
        ("stats.txt", "stats.txt"),
    ],
)
def test_case_names(path, name):
    assert case_name(Path(path)) == name


def test_inputs():
    paths = ["o/b.sclimbic.stats", "o/a.sclimbic.stats"]
    assert [file.name for file in input_files(paths)] == ["0", "1"]
    assert [file.name for file in input_files(paths, names_from_files=True)] == ["b", "a"]
    assert [file.path for file in input_files(paths)] == [Path(path) for path in paths]


def test_inputs_of_one_case():
    with pytest.raises(TableError, match=r"o/a\.stats and o/a\.qa\.stats: are of one case"):
        input_files(["o/a.stats", "o/b.stats", "o/a.qa.stats"])
    with pytest.raises(TableError, match=r"o/a\.stats and p/a\.stats: would both be row 'a'"):
        input_files(["o/a.stats", "p/a.stats"], names_from_files=True)
    assert len(input_files(["o/a.stats", "p/a.stats"])) == 2


def test_files_are_waited_for_side_by_side():
    four = threading.Barrier(4)
    waited = threading.local()

    def wait(number):
        if not hasattr(waited, "done"):
            waited.done = four.wait(timeout=10)  # broken, unless four threads are here
        return 2 * number

    assert side_by_side(wait, range(4 * 32)) == list(range(0, 256, 2))
    assert side_by_side(wait, []) == []
