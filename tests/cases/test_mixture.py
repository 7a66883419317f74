"""What differs among the cases of a study."""

import pytest

from fs_sclimbic.cases.mixture import find_mixture
from fs_sclimbic.cases.record import Record
from fs_sclimbic.segmentation.measure import SegStats


def records(*changes):
    base = {"weights_sha256": "aaaaaaaaaa", "percentile": None, "transform_sha256": "x", "exclude": [853]}
    return [
        (f"case{number}", Record({**base, **change}, SegStats((), 1.0), (), {}, ("Weights a.h5 SHA-256 x (y)",)))
        for number, change in enumerate(changes)
    ]


def test_cases_of_one_kind():
    assert find_mixture([]) == []
    assert find_mixture(records({}, {"transform_sha256": "y"}, {"input_sha256": "z"})) == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"weights_sha256": "b"}, "weights: 2 cases a.h5 aaaaaaaa; case1 a.h5 b"),
        ({"percentile": 99.9}, "top of the intensity range: 2 cases default; case1 99.9"),
        ({"exclude": []}, "excluded SegIds: 2 cases [853]; case1 []"),
        ({"average_head_sha256": "h"}, "source of eTIV: 2 cases transform; case1 image"),
        ({"transform_sha256": None}, "source of eTIV: 2 cases transform; case1 none"),
        ({"population": {"A": [1] * 50}}, "population table: 2 cases default; case1 another one"),
    ],
)
def test_each_difference_is_named_with_its_cases(change, line):
    assert find_mixture(records({}, change, {})) == [line]


def test_many_are_counted():
    (line,) = find_mixture(records(*[{}] * 10, *[{"fov": 64}] * 9))
    assert line.endswith("; case10, case11, case12, case13, case14 and 4 more 64")
