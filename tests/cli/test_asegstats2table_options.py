import pytest

from fs_sclimbic.cli.asegstats2table_options import why_refused


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--stiv"], "--stiv divides by SegmentedTotalIntracranialVol"),
        (["--append", "x"], "--append puts a second table into one file"),
        (["--meas", "mean"], "--meas mean takes intensities"),
        (["-m", "Area_mm2"], "--meas Area_mm2 takes an area of the surface"),
    ],
)
def test_what_is_refused_and_why(words, reason):
    assert why_refused(["--all", *words]).startswith(reason)


def test_all_else_is_taken():
    assert why_refused(["--all", "--meas", "volume", "-t", "x"]) is None
