"""The end of a run: its summary."""

import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.images import image_case
from fs_sclimbic.cases.pipeline import Outcome
from fs_sclimbic.cli.run_cases import summarise
from fs_sclimbic.segmentation.measure import SegStats


def outcomes(tmp_path, *statuses):
    case = image_case(tmp_path / "a.mgz", tmp_path / "o.mgz", Requests())
    numbers = SegStats((), 1.0)
    return [
        Outcome(case=case, status="skipped", seconds=1.0, message="running elsewhere")
        if status == "elsewhere"
        else Outcome(case=case, status=status, seconds=1.0, stats=None if status == "failed" else numbers)
        for status in statuses
    ]


@pytest.mark.parametrize(
    ("statuses", "interrupted", "text"),
    [
        (["done", "failed", "done"], False, "2 done, 0 skipped, 1 failed"),
        (["done", "elsewhere"], False, "1 done, 0 skipped, 0 failed, 1 running elsewhere, 1 not run"),
        (["skipped"], False, "0 done, 1 skipped, 0 failed, 2 not run"),
        (["done"], True, "1 done, 0 skipped, 0 failed, 2 not run: interrupted; give the same command again to go on"),
    ],
)
def test_summary(tmp_path, statuses, interrupted, text):
    assert summarise(outcomes(tmp_path, *statuses), 3, interrupted) == text
