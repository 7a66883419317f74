"""The last lines of a run tell how many cases are good, and which are not."""

from pathlib import Path

import pytest

from fs_sclimbic.cases.case import Case, Outputs
from fs_sclimbic.cases.pipeline import Outcome
from fs_sclimbic.cases.verdicts import describe_verdicts, verdict_of
from fs_sclimbic.segmentation.flag import CaseVerdict, Flag

LOST = Flag(kind="EMPTY", severity="bad", reason="right accumbens lost", structure="Right-Nucleus-Accumbens")
NOISY = Flag(kind="NOISE", severity="look", reason="noise is 12 % of the contrast")
GOOD = [CaseVerdict(case=f"sub-{i:02d}") for i in range(38)]


@pytest.mark.parametrize(
    ("verdicts", "line"),
    [
        ([], ""),
        (GOOD, "38 good"),
        (
            [*GOOD, CaseVerdict(case="sub-30", flags=(NOISY,)), CaseVerdict(case="sub-31", flags=(NOISY, LOST))],
            "38 good, 1 to look at (sub-30: noise is 12 % of the contrast), 1 bad (sub-31: right accumbens lost)",
        ),
        (
            [CaseVerdict(case=name, flags=(LOST,)) for name in "abcde"],
            "0 good, 5 bad (a: right accumbens lost; b: right accumbens lost; c: right accumbens lost; 2 more)",
        ),
        (GOOD[:1], "verdict good"),
        (
            [CaseVerdict(case="T1", flags=(NOISY, LOST))],
            "verdict bad: right accumbens lost; noise is 12 % of the contrast",
        ),
    ],
)
def test_line(verdicts, line):
    assert describe_verdicts(verdicts) == line


def test_the_page_is_named_when_there_is_one():
    assert describe_verdicts(GOOD, Path("results/sclimbic_qc/index.html")) == (
        "38 good; page: results/sclimbic_qc/index.html"
    )


def test_a_case_that_failed_is_bad():
    case = Case(name="a", t1=Path("a"), transforms=(), outputs=Outputs(segmentation=Path("s"), record=Path("r")))
    failed = verdict_of(Outcome(case=case, status="failed", seconds=0.0, message="a: no head"))
    assert (failed.verdict, failed.flags[0].kind, failed.flags[0].reason) == ("bad", "FAILED", "a: no head")
    assert verdict_of(Outcome(case=case, status="done", seconds=0.0, flags=(NOISY,))).verdict == "look"
