"""Ratings are read as people and their programs write them, and what cannot be meant is an error with its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_sclimbic.errors import TableError
from fs_sclimbic.qc.ratings import (
    COLUMNS,
    RATINGS,
    Rating,
    format_ratings,
    latest_ratings,
    merge_ratings,
    read_ratings,
    write_ratings,
)

TEXT = (
    "case\tstructure\trating\tscore\tnote\trater\tdate\n"
    "sub-01\tn/a\tfail\t2\tmoved a lot\tann\t2026-11-26T12:00:00Z\n"
    "sub-02\tLeft-Fornix\tunsure\tn/a\tn/a\tann\t2026-11-26T12:01:00Z\n"
)
FAIL = Rating(case="sub-01", rating="fail", score=2, note="moved a lot", rater="ann", date="2026-11-26T12:00:00Z")
UNSURE = Rating(case="sub-02", structure="Left-Fornix", rating="unsure", rater="ann", date="2026-11-26T12:01:00Z")


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "ratings.tsv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_reader_and_writer_close_the_circle(written, tmp_path):
    assert read_ratings(written(TEXT)) == (FAIL, UNSURE)
    write_ratings(tmp_path / "again.tsv", (FAIL, UNSURE))
    assert (tmp_path / "again.tsv").read_text() == TEXT


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r"),
        TEXT.encode("utf-16"),
        TEXT.replace("\t", ";"),
        TEXT.replace("\t", ",")
        .upper()
        .replace("SUB", "sub")
        .replace("LEFT-FORNIX", "Left-Fornix")
        .replace("MOVED A LOT", "moved a lot")
        .replace("ANN", "ann"),
        "\n\n" + TEXT.replace("\n", "\n\n"),
        TEXT.replace("n/a", ""),
        TEXT.replace("2\tmoved a lot", '"2.0"\t"moved a lot"'),
    ],
    ids=["mark", "old-mac", "utf-16", "semicolon", "comma", "blank", "empty", "quoted"],
)
def test_as_spreadsheets_save_it(written, content):
    assert read_ratings(written(content)) == (FAIL, UNSURE)


def test_other_columns_are_kept_in_any_order(written, tmp_path):
    found = read_ratings(written('rating\tSite\tcase\nartifact\tOslo, "A"\tsub-01\n\t\t\npass\tn/a\tsub-02\n'))
    assert found == (
        Rating(case="sub-01", rating="artefact", others={"Site": 'Oslo, "A"'}),
        Rating(case="sub-02", rating="pass", others={"Site": ""}),
    )
    write_ratings(tmp_path / "again.tsv", found)
    assert read_ratings(tmp_path / "again.tsv") == found


def test_lines_that_say_nothing_are_left_out(written):
    text = TEXT + "sub-03\tn/a\tn/a\tn/a\tn/a\tann\tn/a\nsub-04\tn/a\tn/a\tn/a\tlook again\tann\tn/a\n"
    assert [one.case for one in read_ratings(written(text))] == ["sub-01", "sub-02", "sub-04"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\n \n", "is empty; expected a header"),
        ("", "file is empty"),
        ("case\tnote\na\tb\n", "column rating missing"),
        ("case\trating\trating\na\tpass\tfail\n", "column rating stands twice"),
        ("case\trating\na\tgood\n", r":2: expected pass, fail, artefact, unsure or n/a as rating, found 'good'"),
        ("case\trating\tscore\na\tpass\t6\n", r":2: expected a score from 1 to 5 or n/a, found '6'"),
        ("case\trating\tscore\na\tpass\t4.5\n", r"found '4\.5'"),
        ("case\trating\n\tpass\n", ":2: no case is named"),
        ("case\trating\na\tpass\textra\n", "expected 2 cells as in the header, found 3"),
        (b"case\trating\n\xff\xfe\xfa\tpass\n", "expected UTF-8 text"),
        ("case\trating\na\0\tpass\n", "binary"),
        ("case\trating\n" + "a\tx\n" * 30, "and 10 more"),
    ],
)
def test_what_cannot_be_meant(written, text, words):
    with pytest.raises(TableError, match=words) as caught:
        read_ratings(written(text))
    assert "ratings.tsv" in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(TableError, match=r"none\.tsv: .*does not exist"):
        read_ratings(tmp_path / "none.tsv")


def test_signs_that_a_terminal_obeys_go(written):
    (found,) = read_ratings(written("case\trating\tnote\na\tfail\tred \x1b[31m\n"))
    assert found.note == "red  [31m"


WORDS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=12)


@given(
    st.lists(
        st.builds(
            Rating,
            case=st.from_regex(r"[a-z][\w.-]{0,8}", fullmatch=True),
            structure=st.none() | st.sampled_from(["Left-Fornix", "Mid-AntCom"]),
            rating=st.sampled_from(RATINGS),
            score=st.none() | st.integers(1, 5),
            note=WORDS,
        ),
        max_size=4,
    )
)
def test_whatever_is_written_can_be_read(tmp_path_factory, ratings):
    path = tmp_path_factory.mktemp("ratings") / "r.tsv"
    write_ratings(path, ratings)
    found = read_ratings(path)
    as_read = [(one.case.lower() in {"na", "nan"}, one.structure, one.rating, one.score) for one in ratings]
    if not any(missing for missing, *_ in as_read):
        assert [(one.case, one.structure, one.rating, one.score) for one in found] == [
            (one.case, one.structure, one.rating, one.score) for one in ratings
        ]
    assert format_ratings(found).count("\n") == len(found) + 1
    assert format_ratings(()) == "\t".join(COLUMNS) + "\n"


def test_of_what_is_said_twice_the_later_counts():
    first = Rating(case="a", rating="fail", rater="ann", date="2026-01-02")
    later = Rating(case="a", rating="pass", rater="ann", date="2026-01-03")
    other = Rating(case="a", rating="unsure", rater="bob", date="2026-01-01")
    assert latest_ratings([later, other, first]) == (later, other)
    undated = [Rating(case="a", rating="fail"), Rating(case="a", rating="pass")]
    assert latest_ratings(undated) == (undated[1],)


def test_merged_ratings_name_their_raters():
    ann = (
        Rating(case="b", rating="pass"),
        Rating(case="a", structure="Rod", rating="fail"),
        Rating(case="a", rating="pass"),
    )
    bob = (Rating(case="a", rating="fail", rater="Bob"),)
    merged = merge_ratings({"ann": ann, "b": bob})
    assert [(one.case, one.structure, one.rater) for one in merged] == [
        ("a", None, "Bob"),
        ("a", None, "ann"),
        ("a", "Rod", "ann"),
        ("b", None, "ann"),
    ]
