"""The ratings of several people: counted, merged, compared."""

import pytest

from fs_sclimbic.cli.main import main as fs_sclimbic
from fs_sclimbic.qc.ratings import Rating, read_ratings, write_ratings


@pytest.fixture
def tables(tmp_path):
    ann = [Rating(case=f"sub-{i}", rating="fail" if i < 3 else "pass", score=5) for i in range(8)]
    bob = [Rating(case=f"sub-{i}", rating="fail" if i < 4 else "pass", score=4, rater="Bob") for i in range(7)]
    write_ratings(tmp_path / "ann.tsv", [*ann, Rating(case="sub-1", structure="Left-Fornix", rating="artefact")])
    write_ratings(tmp_path / "second.tsv", bob)
    return [str(tmp_path / "ann.tsv"), str(tmp_path / "second.tsv")]


def test_two_raters(tables, tmp_path, capsys):
    assert fs_sclimbic(["ratings", *tables, "--o", str(tmp_path / "all.tsv")]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "Bob: 7 cases (3 pass, 4 fail), 0 structures"
    assert printed[1] == "ann: 8 cases (5 pass, 3 fail), 1 structures"
    assert printed[2] == "Bob and ann:"
    assert printed[3].startswith("  ratings: 7 rated by both, 86 % alike; kappa 0.72, 95 % interval ")
    assert (
        printed[4]
        == "  scores:  7 rated by both, 0 % alike; kappa 0.00 (quadratic weights), 95 % interval 0.00 to 0.00"
    )
    assert printed[5] == "  rated by one alone: 0 by Bob, 2 by ann"
    assert printed[6] == "  sub-3: fail / pass"
    assert len(read_ratings(tmp_path / "all.tsv")) == 16
    # The merged table holds both raters, and can be compared again.
    assert fs_sclimbic(["ratings", str(tmp_path / "all.tsv")]) == 0
    assert capsys.readouterr().out.splitlines()[2:7] == printed[2:7]


def test_one_rater_is_counted(tables, capsys):
    assert fs_sclimbic(["ratings", tables[1]]) == 0
    assert capsys.readouterr().out == "Bob: 7 cases (3 pass, 4 fail), 0 structures\n"


def test_what_makes_no_sense(tables, tmp_path, capsys):
    (tmp_path / "more").mkdir()
    write_ratings(tmp_path / "more/ann.tsv", [])
    assert fs_sclimbic(["ratings", tables[0], str(tmp_path / "more/ann.tsv")]) == 2
    assert "rename ann" in capsys.readouterr().err
    assert fs_sclimbic(["ratings", str(tmp_path / "none.tsv")]) == 1
    assert "none.tsv" in capsys.readouterr().err
