"""The verdict of a case is the worst of its flags."""

import pytest

from fs_sclimbic.segmentation.flag import CaseVerdict, Flag


@pytest.mark.parametrize(
    ("severities", "verdict"), [((), "good"), (("look",), "look"), (("look", "bad"), "bad"), (("bad",), "bad")]
)
def test_the_verdict_is_the_worst_of_the_flags(severities, verdict):
    flags = tuple(Flag(kind="ASYMMETRY", severity=severity, reason="a reason") for severity in severities)
    assert CaseVerdict(case="sub-01", flags=flags).verdict == verdict
