"""One case from its files to its files: done, skipped, failed."""

import os
from dataclasses import dataclass, replace

import numpy as np
import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.images import image_case
from fs_sclimbic.cases.stats_files import read_stats
from fs_sclimbic.cases.subjects import subject_case
from fs_sclimbic.errors import ModelError
from fs_sclimbic.files.system import now
from fs_sclimbic.image.labels import ColorTable, Structure
from fs_sclimbic.image.volume import Volume, write_volume
from fs_sclimbic.registration.head_search import Head
from fs_sclimbic.registration.talairach import Registration
from fs_sclimbic.segmentation.options import Options
from tests.cohorts import never, no_head, run_one
from tests.conftest import TWO_BALLS

ALL = Requests(posteriors=True, volumes=True, qa_stats=True)


def test_a_done_case_is_skipped_and_gives_the_same_numbers(tmp_path, head_file, predictor, run):
    case = image_case(head_file, tmp_path / "seg.mgz", ALL)
    first = run_one(case, lambda: predictor, run)

    def never():
        raise AssertionError("the model was loaded for nothing")

    again = run_one(case, never, run)
    assert (again.status, again.stats) == ("skipped", first.stats)


@pytest.mark.parametrize("change", ["input", "missing", "redo", "more files", "no image left"])
def test_what_changed_is_run_again(tmp_path, head_file, head, predictor, run, change):
    case = image_case(head_file, tmp_path / "seg.mgz", Requests(volumes=True))
    options = Options()
    run_one(case, lambda: predictor, run, options)
    if change == "input":
        write_volume(Volume(head.data * 2, head.grid), head_file)
    elif change == "missing":
        case.outputs.stats.unlink()
    elif change == "redo":
        options = Options(redo=True)
        run = replace(run, started=now())  # a run leaves what came after its start to the run beside it that made it
    elif change == "no image left":
        case.outputs.segmentation.unlink()
        options = Options(voxel_counts=True)
    else:
        case = image_case(head_file, tmp_path / "seg.mgz", ALL)
    assert run_one(case, lambda: predictor, run, options).status == "done"


@pytest.mark.parametrize("change", ["options", "weights"])
def test_a_result_of_other_settings_is_not_replaced(tmp_path, head_file, predictor, run, change):
    case = image_case(head_file, tmp_path / "seg.mgz", Requests(volumes=True))
    first = run_one(case, lambda: predictor, run)
    before = {path: path.read_bytes() for path in case.outputs.written()}
    options, other = Options(), run
    if change == "options":
        options = Options(voxel_counts=True)
    else:
        other = replace(run, spec=replace(run.spec, sha256="other"))
    refused = run_one(case, never, other, options)
    assert refused.status == "failed"
    assert "seg.mgz: the case was made with an" in refused.message or "made with other weights" in refused.message
    assert "--redo replaces it, another --o keeps both" in refused.message
    assert {path: path.read_bytes() for path in before} == before
    assert run_one(case, never, run).stats == first.stats
    again = run_one(case, lambda: predictor, other, replace(options, redo=True))
    assert again.status == "done"
    assert "replaced an earlier result, made with other" in again.warnings[-1]


def test_conform_is_no_other_setting_for_an_image_of_1_mm(tmp_path, head_file, predictor, run):
    """People give --conform when some images of a folder failed without it."""
    case = image_case(head_file, tmp_path / "seg.mgz", Requests())
    run_one(case, lambda: predictor, run)
    assert run_one(case, never, run, Options(conform=True)).status == "skipped"


def test_structures_are_added_and_not_taken_away(tmp_path, head_file, predictor, run):
    case = image_case(head_file, tmp_path / "seg.mgz", Requests(volumes=True))
    assert run_one(case, lambda: predictor, run).status == "done"
    assert run_one(case, lambda: predictor, run, Options(exclude=frozenset())).status == "done"
    assert "made with more structures" in run_one(case, never, run).message


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


def test_a_result_of_another_tool_is_replaced_and_told(tmp_path, head_file, predictor, run):
    """FreeSurfer's own tool leaves no record."""
    case = image_case(head_file, tmp_path / "seg.mgz", Requests())
    words = "replaced a segmentation without a record of this tool"
    assert words not in run_one(case, lambda: predictor, run).notes
    case.outputs.record.unlink()
    assert words in run_one(case, lambda: predictor, run).notes


def test_what_an_earlier_run_left_beside_is_told(tmp_path, head_file, predictor, run):
    run_one(image_case(head_file, tmp_path / "seg.mgz", ALL), lambda: predictor, run)
    bare = image_case(head_file, tmp_path / "seg.mgz", Requests())
    assert run_one(bare, lambda: predictor, run).status == "skipped"
    changed = run_one(bare, lambda: predictor, run, Options(voxel_counts=True, redo=True))
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
    error: Exception

    def predict(self, conformed, wanted=None):
        raise self.error


def test_our_own_faults_cost_one_case_and_keep_their_traceback(tmp_path, head_file, run):
    broken = Broken(run.spec, ZeroDivisionError("oops"))
    outcome = run_one(image_case(head_file, tmp_path / "seg.mgz", ALL), lambda: broken, run)
    assert outcome.status == "failed"
    assert "unexpected ZeroDivisionError: oops" in outcome.message
    assert "Traceback" in outcome.details


def test_too_little_memory_is_told_in_one_line(tmp_path, head_file, run):
    broken = Broken(run.spec, MemoryError("Unable to allocate 9.31 GiB for an array"))
    outcome = run_one(image_case(head_file, tmp_path / "seg.mgz", ALL), lambda: broken, run)
    assert outcome.status == "failed"
    assert outcome.message.startswith(f"{head_file}: too little memory (Unable to allocate 9.31 GiB for an array)")


def test_a_model_that_cannot_be_loaded_ends_the_run(tmp_path, head_file, run):
    def unloadable():
        raise ModelError("no weights")

    with pytest.raises(ModelError):
        run_one(image_case(head_file, tmp_path / "seg.mgz", ALL), unloadable, run)


@dataclass
class Answer:
    """A predictor that finds a ball in the middle, and calls a function before."""

    spec: object
    meddle: object = None

    def predict(self, conformed, wanted=None):
        if self.meddle:
            self.meddle()
        posteriors = np.zeros((*conformed.data.shape, len(self.spec.colors)), np.float32)
        posteriors[..., 0] = 1
        posteriors[20:25, 20:25, 20:25, :2] = [0, 1]
        return Volume(posteriors, conformed.grid)


def test_an_image_that_is_swapped_while_it_is_read_fails(tmp_path, head_file, head, run):
    """Else its hash in the record would be of another image than the numbers."""
    case = image_case(head_file, tmp_path / "seg.mgz", replace(ALL, etiv_from_image=True))

    def register(_):
        write_volume(Volume(head.data * 2, head.grid), head_file)
        return Registration(np.diag([1.1, 1.1, 1.1, 1]), 0.9, False, ())

    outcome = run_one(case, lambda: Answer(run.spec), run, register=register)
    assert outcome.status == "failed"
    assert "head.nii.gz: was changed while it was read or segmented; run this case again" in outcome.message
    assert not case.outputs.record.exists()


@pytest.mark.parametrize("changed", ["t1", "transform"])
@pytest.mark.parametrize("how", ["written to", "removed"])
def test_an_input_that_changes_while_the_network_runs_fails(subjects_dir, run, changed, how):
    case = subject_case(subjects_dir, "bert", Requests())
    path = case.t1 if changed == "t1" else case.transforms[0]
    content = path.read_bytes()

    def meddle():
        path.unlink()
        if how == "written to":
            path.write_bytes(content + b" ")

    outcome = run_one(case, lambda: Answer(run.spec, meddle), run)
    assert outcome.status == "failed"
    assert f"{path}: was changed while it was read or segmented" in outcome.message
    path.write_bytes(content)
    assert run_one(case, lambda: Answer(run.spec), run).status == "done"


def test_inputs_that_are_touched_while_the_network_runs_cost_nothing(subjects_dir, run):
    case = subject_case(subjects_dir, "bert", Requests())

    def meddle():
        for path in (case.t1, case.transforms[0]):
            os.utime(path, (0, 0))
        case.transforms[1].write_text("not used")

    assert run_one(case, lambda: Answer(run.spec, meddle), run).status == "done"


def test_an_edited_record_does_not_reach_the_tables(tmp_path, head_file, predictor, run):
    case = image_case(head_file, tmp_path / "seg.mgz", ALL)
    first = run_one(case, lambda: predictor, run)
    volume = f"{first.stats.structures[0].volume_mm3!r}"
    case.outputs.record.write_text(case.outputs.record.read_text().replace(volume, "5.0"))
    again = run_one(case, lambda: predictor, run)
    assert (again.status, again.stats) == ("done", first.stats)


def times(case):
    return {path: path.stat().st_mtime_ns for path in case.outputs.written()}


def test_a_case_whose_input_is_newer_but_equal_touches_its_outputs(tmp_path, head_file, predictor, run):
    """make, and FreeSurfer's UpdateNeeded, would run it again and again."""
    case = image_case(head_file, tmp_path / "seg.mgz", ALL)
    run_one(case, lambda: predictor, run)
    before = times(case)
    assert run_one(case, never, run).status == "skipped"
    assert times(case) == before, "the input is older"
    contents = {path: path.read_bytes() for path in before}
    for path in before:
        os.utime(path, (0, 0))
    assert run_one(case, never, run).status == "skipped"
    assert all(time > head_file.stat().st_mtime_ns for time in times(case).values())
    assert {path: path.read_bytes() for path in before} == contents


def test_an_edited_result_is_not_touched(tmp_path, head_file, predictor, run):
    case = image_case(head_file, tmp_path / "seg.mgz", ALL)
    run_one(case, lambda: predictor, run)
    case.outputs.stats.write_text("edited")
    for path in case.outputs.written():
        os.utime(path, (0, 0))
    assert run_one(case, never, run).warnings
    assert set(times(case).values()) == {0}


FOUR = ColorTable((*TWO_BALLS.structures, *(Structure(n, f"{n}th", (0, 0, 0, 0)) for n in (3, 4))))


def test_an_image_without_a_head_and_without_most_structures_fails(tmp_path, head_file, run):
    """Zeros would look like numbers in a table."""
    known = replace(run, spec=replace(run.spec, colors=FOUR))
    case, head = image_case(head_file, tmp_path / "seg.mgz", ALL), Head(np.eye(4), 0.9)
    outcome = run_one(case, lambda: Answer(known.spec), known, locate=no_head)
    assert outcome.status == "failed"
    assert "head.nii.gz: no head was found in the image, and 2 of 3 structures have no voxel" in outcome.message
    assert not list(tmp_path.glob("seg*"))
    assert run_one(case, lambda: Answer(known.spec), known, locate=lambda _: head).status == "done", "flags tell of it"
