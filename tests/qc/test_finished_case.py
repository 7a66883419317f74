"""A finished case holds a verdict and numbers, also where the original's tool left no record."""

from pathlib import Path

from fs_sclimbic.qc.finished_case import FinishedCase
from fs_sclimbic.segmentation.flag import CaseVerdict
from fs_sclimbic.segmentation.measure import SegStats


def test_a_case_of_the_original_has_no_record():
    case = FinishedCase(
        name="bert", segmentation=Path("mri/sclimbic.mgz"), stats=SegStats((), 1.0), verdict=CaseVerdict(case="bert")
    )
    assert case.record_file is None
    assert isinstance(case.stats, SegStats)
