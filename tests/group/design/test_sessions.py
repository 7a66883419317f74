import pytest

from fs_sclimbic.errors import DesignError
from fs_sclimbic.group.design.participants import DesignRequest, read_participants


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "participants.tsv"

    def write(*rows, **sessions):
        path.write_text("".join("\t".join(row.split()) + "\n" for row in rows))
        for name, lines in sessions.items():
            folder = tmp_path / f"sub-{name[1:]}"
            folder.mkdir()
            text = "".join("\t".join(row.split()) + "\n" for row in lines)
            (folder / f"{folder.name}_sessions.tsv").write_text(text)
        return path

    return write


def read(path, **more):
    wanted = DesignRequest("participant_id", ("group",), ("age",), session="2", **more)
    return read_participants(path, wanted)


def test_rows_of_a_session(table):
    header = "participant_id session_id group age"
    path = table(header, "sub-01 ses-1 A 20", "sub-01 ses-2 A 22", "sub-02 2 B 31")
    people = read(path)
    assert list(people.rows) == ["sub-01_ses-2", "sub-02_ses-2"]
    assert people.numbers == [[22.0], [31.0]]
    assert people.notices == (f"2 of 3 rows of {path} are of session 2",)


def test_a_session_that_no_row_has(table):
    with pytest.raises(DesignError, match="no row of session 2; column session_id holds ses-1"):
        read(table("participant_id session_id group age", "sub-01 ses-1 A 20"))


def test_two_rows_of_a_subject_without_a_choice_give_a_hint(table):
    path = table("participant_id session_id age", "sub-01 ses-1 20", "sub-01 ses-2 22")
    with pytest.raises(DesignError, match=r"stands twice.* choose a session with --session"):
        read_participants(path, DesignRequest("participant_id", variables=("age",)))


def test_values_of_sessions_files(table):
    path = table(
        "participant_id age group",
        "sub-01 20 A",
        "02 30 B",
        s01=("session_id age", "ses-1 20", "ses-2 22"),
        s02=("session_id age weight", "1 30 70", "2 33 71"),
    )
    people = read(path, subject_prefix="sub-")
    assert list(people.rows) == ["sub-01_ses-2", "sub-02_ses-2"]
    assert people.numbers == [[22.0], [33.0]]
    assert [row["group"][0] for row in people.rows.values()] == ["A", "B"]
    assert people.notices == ("age of session 2: from each participant's sessions.tsv",)


def test_a_participant_without_the_session_has_no_value(table):
    path = table("participant_id age group", "sub-01 20 A", "sub-02 30 B", s01=("session_id age", "ses-2 22"))
    with pytest.raises(DesignError, match="subject 'sub-02_ses-2' has no value of age"):
        read(path)
    assert list(read(path, drop_missing=True).rows) == ["sub-01_ses-2"]


def test_a_session_that_stands_twice(table):
    path = table("participant_id age group", "sub-01 20 A", s01=("session_id age", "2 22", "ses-2 23"))
    with pytest.raises(DesignError, match=r"sub-01_sessions\.tsv:3: session 2 stands twice"):
        read(path)


def test_without_any_such_file_only_the_names_change(table):
    people = read(table("participant_id age group", "sub-01 20 A"))
    assert list(people.rows) == ["sub-01_ses-2"]
    assert people.notices == ()
