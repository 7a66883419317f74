"""Ratings exclude cases and structures by a rule that is stated."""

from dataclasses import replace

import pytest

from fs_sclimbic.errors import TableError, UsageError
from fs_sclimbic.qc.exclusion import read_exclusion
from fs_sclimbic.qc.ratings import Rating, write_ratings

RATINGS = (
    Rating(case="a", rating="fail"),
    Rating(case="a", structure="Rod", rating="fail"),
    Rating(case="b", rating="unsure"),
    Rating(case="b", structure="Rod", rating="fail"),
    Rating(case="b", structure="Box", rating="artefact"),
    Rating(case="c", rating="fail", rater="ann", date="2026-01-01"),
    Rating(case="c", rating="pass", rater="ann", date="2026-01-02"),
    Rating(case="d", rating="pass", rater="ann"),
    Rating(case="d", rating="fail", rater="bob"),
    Rating(case="e", note="nothing said"),
)


@pytest.fixture
def table(tmp_path):
    write_ratings(tmp_path / "ratings.tsv", RATINGS)
    return tmp_path / "ratings.tsv"


def test_fail_excludes_by_default(table):
    found = read_exclusion(table)
    assert found.cases == ("a", "d")  # one of two raters is enough; who changed their mind counts as said last
    assert found.structures == {"b": ("Rod",)}
    assert found.source == str(table)
    assert found.rated == ("a", "b", "c", "d", "e")
    assert found.disputed == ("d",)


def test_a_table_of_dates_in_another_order_is_an_error(tmp_path):
    """As a spreadsheet program writes them: as texts, 26.10. is behind 03.11."""
    first = Rating(case="c", rating="fail", rater="ann", date="03.11.2026 10:00")
    second = Rating(case="c", rating="pass", rater="ann", date="26.10.2026 10:00")
    write_ratings(tmp_path / "r.tsv", [first, second])
    with pytest.raises(TableError, match=r"r\.tsv: c is rated twice by ann, and which is later is not known"):
        read_exclusion(tmp_path / "r.tsv")
    write_ratings(tmp_path / "r.tsv", [first, replace(second, rating="fail")])
    assert read_exclusion(tmp_path / "r.tsv").cases == ("c",)


def test_others_exclude_where_they_are_named(table):
    found = read_exclusion(table, ("fail", "artefact", "unsure"))
    assert found.cases == ("a", "b", "d")
    assert found.structures == {}
    assert read_exclusion(table, ("artefact",)).structures == {"b": ("Box",)}


@pytest.mark.parametrize("words", [("pass",), ("bad",), ()])
def test_what_does_not_exclude(table, words):
    with pytest.raises(UsageError, match="expected some of fail, artefact, unsure"):
        read_exclusion(table, words)
