import pytest

from fs_sclimbic.errors import UsageError
from fs_sclimbic.network.spec import FOV_MULTIPLE, MOST_STARTS
from fs_sclimbic.segmentation.options import Options
from fs_sclimbic.segmentation.population import read_population


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"percentile": 200}, "percentile 200"),
        ({"percentile": 0}, "percentile 0"),
        ({"average_shifts": 0}, "0 shifts"),
        ({"average_shifts": MOST_STARTS + 1}, "from 1 to"),
        ({"average_shifts": 2, "full_fov": True}, "whole field of view"),
    ],
)
def test_options_that_make_no_sense(options, words):
    with pytest.raises(UsageError, match=words):
        Options(**options)


@pytest.mark.parametrize("number", range(1, MOST_STARTS + 1))
def test_starts_are_different_and_begin_with_the_published_one(number):
    starts = Options(average_shifts=number).starts
    assert starts[0] == (0, 0, 0)
    assert len({tuple(n % FOV_MULTIPLE for n in start) for start in starts}) == number


def test_the_population_is_the_shipped_one():
    assert Options().population == read_population()
    assert Options() == Options()
