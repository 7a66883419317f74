"""What an earlier run left of a case."""

from dataclasses import replace

import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.earlier_result import look_at_case
from fs_sclimbic.cases.images import image_case
from fs_sclimbic.cases.record import format_record, read_record
from fs_sclimbic.errors import SclimbicError
from fs_sclimbic.segmentation.options import Options
from tests.cohorts import run_one


@pytest.fixture
def case(tmp_path, head_file):
    return image_case(head_file, tmp_path / "seg.mgz", Requests(volumes=True))


def test_nothing_yet(case, run):
    found = look_at_case(case, Options(), run)
    assert (found.is_done, found.record, found.stats, found.warnings) == (False, None, None, ())
    assert [file.path for file in found.inputs] == [case.t1]


def test_done_edited_and_other(case, run, predictor):
    done = run_one(case, lambda: predictor, run)
    found = look_at_case(case, Options(), run)
    assert (found.is_done, found.stats) == (True, done.stats)
    case.outputs.stats.write_text("edited")
    assert "is left as it is" in look_at_case(case, Options(), run).warnings[0]
    with pytest.raises(SclimbicError, match="mgz: the case was made with another way to measure volumes"):
        look_at_case(case, Options(voxel_counts=True), run)


def test_redo_does_a_case_once_in_runs_side_by_side(case, run, predictor):
    """The second run finds a result that is younger than itself."""
    early = replace(run, started="2000-01-01T00:00:00Z")
    late = replace(run, started="2999-01-01T00:00:00Z")
    run_one(case, lambda: predictor, run)
    assert not look_at_case(case, Options(redo=True), late).is_done
    assert look_at_case(case, Options(redo=True), early).is_done
    assert not look_at_case(case, Options(redo=True, voxel_counts=True), early).is_done


def test_redo_does_a_case_that_another_clock_dates_in_the_future(case, run, predictor):
    """The machine that made it is an hour ahead: no run that is at work now can have made it."""
    run_one(case, lambda: predictor, run)
    record = read_record(case.outputs.record)
    ahead = tuple("CreationTime 2999-01-01T00:00:00Z" if "CreationTime" in line else line for line in record.provenance)
    case.outputs.record.write_text(format_record(replace(record, provenance=ahead)))
    assert look_at_case(case, Options(), run).is_done
    assert not look_at_case(case, Options(redo=True), run).is_done
