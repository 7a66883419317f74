"""The limits stand in one table, which the docs show as it is."""

import pytest

from fs_sclimbic.segmentation.flag_limits import LIMITS, format_limits
from tests.conftest import ROOT


def test_the_docs_show_the_limits():
    assert format_limits() in (ROOT / "docs" / "quality_control.md").read_text()


@pytest.mark.parametrize("kind", LIMITS)
def test_each_limit_says_where_it_comes_from_and_what_to_do(kind):
    limit = LIMITS[kind]
    assert limit.about
    assert limit.source
    assert limit.advice
    assert kind == kind.upper()


def test_limits_of_single_structures():
    assert LIMITS["ASYMMETRY"].look_for("Right-Nucleus-Accumbens") == 1.6
    assert LIMITS["ASYMMETRY"].look_for("Right-Something") == 1.8
    assert LIMITS["EMPTY"].look_for("Right-Something") == float("inf")
