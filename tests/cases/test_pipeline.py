"""One case from its files to its files: done, skipped, failed."""

from dataclasses import dataclass, replace

import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.images import image_case
from fs_sclimbic.cases.stats_files import read_stats
from fs_sclimbic.cases.subjects import subject_case
from fs_sclimbic.errors import ModelError
from fs_sclimbic.image.volume import Volume, write_volume
from fs_sclimbic.segmentation.options import Options
from tests.cohorts import run_one

ALL = Requests(posteriors=True, volumes=True, qa_stats=True)


def test_a_done_case_is_skipped_and_gives_the_same_numbers(tmp_path, head_file, predictor, run):
    case = image_case(head_file, tmp_path / "seg.mgz", ALL)
    first = run_one(case, lambda: predictor, run)

    def never():
        raise AssertionError("the model was loaded for nothing")

    again = run_one(case, never, run)
    assert (again.status, again.stats) == ("skipped", first.stats)


@pytest.mark.parametrize("change", ["input", "options", "missing", "redo", "weights", "more files"])
def test_what_changed_is_run_again(tmp_path, head_file, head, predictor, run, change):
    case = image_case(head_file, tmp_path / "seg.mgz", Requests(volumes=True))
    options = Options()
    run_one(case, lambda: predictor, run, options)
    if change == "input":
        write_volume(Volume(head.data * 2, head.grid), head_file)
    elif change == "options":
        options = Options(voxel_counts=True)
    elif change == "missing":
        case.outputs.stats.unlink()
    elif change == "redo":
        options = Options(redo=True)
    elif change == "weights":
        run = replace(run, spec=replace(run.spec, sha256="other"))
    else:
        case = image_case(head_file, tmp_path / "seg.mgz", ALL)
    assert run_one(case, lambda: predictor, run, options).status == "done"


def test_the_transform_counts(subjects_dir, predictor, run):
    case = subject_case(subjects_dir, "bert", Requests())
    run_one(case, lambda: predictor, run)
    xfm = subjects_dir / "bert/mri/transforms/talairach.xfm"
    xfm.write_text(xfm.read_text().replace("1.1", "1.3"))
    assert run_one(case, lambda: predictor, run).status == "done"
    assert read_stats(case.outputs.stats).etiv_mm3 == pytest.approx(1948106 / 1.3**3)


def test_an_edited_result_is_left_alone_and_told(tmp_path, head_file, predictor, run):
    case = image_case(head_file, tmp_path / "seg.mgz", ALL)
    run_one(case, lambda: predictor, run)
    case.outputs.segmentation.write_bytes(b"edited by hand")
    again = run_one(case, lambda: predictor, run)
    assert again.status == "skipped"
    assert [str(case.outputs.segmentation) in warning and "--redo" in warning for warning in again.warnings] == [True]
    assert case.outputs.segmentation.read_bytes() == b"edited by hand"
    case.outputs.segmentation.write_bytes(b"")
    assert run_one(case, lambda: predictor, run).status == "done", "an empty file is no edit"


def test_what_an_earlier_run_left_beside_is_told(tmp_path, head_file, predictor, run):
    run_one(image_case(head_file, tmp_path / "seg.mgz", ALL), lambda: predictor, run)
    bare = image_case(head_file, tmp_path / "seg.mgz", Requests())
    assert run_one(bare, lambda: predictor, run).status == "skipped"
    changed = run_one(bare, lambda: predictor, run, Options(voxel_counts=True))
    told = "\n".join(changed.warnings)
    assert all(f"{name} is of an earlier run" in told for name in ("seg.posteriors.mgz", "seg.stats", "seg.qa.stats"))


def test_asking_for_more_and_for_less_does_not_run_for_ever(tmp_path, head_file, predictor, run):
    few, all_of_it = (image_case(head_file, tmp_path / "seg.mgz", requests) for requests in (Requests(), ALL))
    statuses = [run_one(case, lambda: predictor, run).status for case in (few, all_of_it, few, all_of_it)]
    assert statuses == ["done", "done", "skipped", "skipped"]


@dataclass
class Broken:
    """A predictor with a fault."""

    spec: object

    def predict(self, conformed, wanted=None):
        raise ZeroDivisionError("oops")


def test_our_own_faults_cost_one_case_and_keep_their_traceback(tmp_path, head_file, run):
    outcome = run_one(image_case(head_file, tmp_path / "seg.mgz", ALL), lambda: Broken(run.spec), run)
    assert outcome.status == "failed"
    assert "unexpected ZeroDivisionError: oops" in outcome.message
    assert "Traceback" in outcome.details


def test_a_model_that_cannot_be_loaded_ends_the_run(tmp_path, head_file, run):
    def unloadable():
        raise ModelError("no weights")

    with pytest.raises(ModelError):
        run_one(image_case(head_file, tmp_path / "seg.mgz", ALL), unloadable, run)
