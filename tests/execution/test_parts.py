"""Parts of a list of cases: together they are the list, and none has a case of another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_sclimbic.errors import UsageError
from fs_sclimbic.execution.parts import Part, parse_part, part_of


@given(st.integers(0, 60), st.integers(1, 70))
def test_parts_are_disjoint_complete_and_even(number, count):
    cases = list(range(number))
    parts = [part_of(cases, index, count) for index in range(1, count + 1)]
    assert sorted(case for part in parts for case in part) == cases
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_part_keeps_the_order():
    assert part_of(["a", "b", "c", "d", "e"], 1, 2) == ["a", "c", "e"]


@pytest.mark.parametrize("index", [0, 3])
def test_a_part_that_is_not_there(index):
    with pytest.raises(UsageError, match="from 1 to 2"):
        part_of([1, 2, 3], index, 2)


@pytest.mark.parametrize("text", ["2/3", " 2 / 3 "])
def test_text(text):
    assert parse_part(text) == Part(2, 3)
    assert str(Part(2, 3)) == "2/3"


@pytest.mark.parametrize("text", ["", "/", "2", "2/", "/3", "a/3", "-1/3", "1.0/3", "$I/$N", "١/٣"])
def test_a_text_that_is_no_part(text):
    with pytest.raises(UsageError, match="expected I/N"):
        parse_part(text)


@pytest.mark.parametrize("text", ["0/4", "5/4", "1/0"])
def test_an_array_that_counts_otherwise(text):
    with pytest.raises(UsageError, match="counted from 1"):
        parse_part(text)
