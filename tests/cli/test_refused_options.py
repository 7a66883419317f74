"""Options of asegstats2table that are refused in words."""

import pytest

from fs_sclimbic.cli.refused_options import refused_option


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--subjects a --stiv", "--stiv divides"),
        ("--stiv yes", "--stiv divides by SegmentedTotalIntracranialVol"),
        ("--append x.dat", "--append puts a second table into one file"),
        ("--meas mean", "--meas mean takes intensities"),
        ("-m Area_mm2", "takes an area of the surface"),
        ("--meas volume --subjects a", None),
    ],
)
def test_refused(line, words):
    reason = refused_option(line.split())
    assert (reason is None) == (words is None)
    assert words is None or words in reason
