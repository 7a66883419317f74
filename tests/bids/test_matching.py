import pytest

from fs_sclimbic.bids.matching import is_of_session, match_entities


@pytest.mark.parametrize("name", ["01", "sub-01", "01_ses-1", "sub-01_ses-1_T1w", "sub-01_ses-1_run-1"])
def test_ways_to_write_one_case(name):
    there = ["sub-02_ses-1_run-1", "sub-01_ses-1_run-01", "mean"]
    assert match_entities([name], there).found == {name: "sub-01_ses-1_run-01"}


@pytest.mark.parametrize(
    ("name", "there"), [("sub-01_ses-2", "sub-01_ses-1"), ("sub-01_ses-1", "sub-01"), ("sub-01_run-2", "01_run-1")]
)
def test_another_session_is_no_match_but_near(name, there):
    matches = match_entities([name], [there])
    assert matches.found == {}
    assert matches.problems == ()
    assert matches.near == {name: there}


def test_nothing_is_guessed_between_two():
    matches = match_entities(["sub-01"], ["sub-01_acq-a", "sub-01_acq-b", "sub-01_acq-c"])
    assert matches.found == {}
    assert matches.problems == ("'sub-01' fits sub-01_acq-a, sub-01_acq-b and sub-01_acq-c",)


def test_two_names_of_one_row():
    matches = match_entities(["01", "sub-01_ses-1"], ["sub-01_ses-1_T1w"])
    assert matches.found == {}
    assert matches.problems == ("'01' and 'sub-01_ses-1' all fit sub-01_ses-1_T1w",)


def test_a_row_that_is_taken_is_not_given_again():
    assert match_entities(["01"], ["sub-01"], taken=["sub-01"]).problems == ("'sub-01' and '01' all fit sub-01",)


@pytest.mark.parametrize(("name", "there"), [("1", "sub-01"), ("sub-001", "01_ses-1")])
def test_leading_zeros_are_a_problem_that_names_both(name, there):
    (problem,) = match_entities([name], [there]).problems
    assert f"'{name}' and '{there}' differ in leading zeros" in problem


def test_zeros_are_no_doubt_where_the_very_label_is_there():
    assert match_entities(["1"], ["sub-1", "sub-01"]).problems == ()


@pytest.mark.parametrize("name", ["control_a", "sub-01.long.base", "bert"])
def test_other_names_match_nothing(name):
    matches = match_entities([name], ["control_b", "sub-01", "sub-02"])
    assert (matches.found, matches.problems) == ({}, ())


def test_sessions():
    assert is_of_session("01_ses-1_T1w", "1")
    assert not is_of_session("sub-01_ses-01", "1")
    assert not is_of_session("sub-01", "1")
