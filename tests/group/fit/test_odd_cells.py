import numpy as np
import pytest

from fs_sclimbic.group.fit.odd_cells import name_cells, odd_value_notices

NAMES = (tuple(f"s{i}" for i in range(59)), ("A", "B"))


def texts(values, family=(True, True), **options):
    return [notice.text for notice in odd_value_notices(np.array(values), *NAMES, np.array(family), **options)]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([[0.0, 2], [3, 4]], "1 value(s) of 0 enter the fit as real zeros"),
        ([[1.0, -2], *[[3.0 + i, 4] for i in range(58)]], "1 value(s) below 0: B of s0"),
        ([[1.0, 2], [3, 2]], "the same value for every subject, nothing to test: B"),
    ],
)
def test_what_is_told(values, words):
    (text,) = texts(values)
    assert text.startswith(words)


def test_what_is_not():
    assert texts([[1.0, 2], [3, 4]]) == []
    assert texts([[1.0, -2], [3, 4]], may_be_negative=True) == []
    assert "no structure is analysed" in texts([[1.0, 2], [3, 4]], (False, False))[0]
    assert name_cells(np.array([[False, True], [False, False]]), *NAMES) == ["B of s0"]
