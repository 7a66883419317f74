import gc
import signal
import threading
import time
import weakref
from dataclasses import dataclass, replace

import numpy as np
import pytest
from filelock import FileLock

from fs_sclimbic.cases import cohort, pipeline
from fs_sclimbic.cases.case import Requests, image_case, subject_case
from fs_sclimbic.cases.cohort import outcome_lines, run_cohort, write_tables
from fs_sclimbic.cases.record import is_done, read_record
from fs_sclimbic.cases.run import Run
from fs_sclimbic.cases.tables import CONFIDENCES, VOLUMES, Z_SCORES, table_files
from fs_sclimbic.errors import ModelError
from fs_sclimbic.image.volume import Volume, read_volume, write_volume
from fs_sclimbic.network.store import find_prior, learned_prior_file
from fs_sclimbic.network.structure_prior import read_prior
from fs_sclimbic.registration.head_search import Head
from fs_sclimbic.segmentation import segment as segmentation
from fs_sclimbic.segmentation.segment import Options
from tests.conftest import CENTER, LEFT_BALL, RAS_AXES, RIGHT_BALL, grid_about, synthetic_head


def outcomes_of(subjects_dir, names, predictor, calls=None):
    def load():
        if calls is not None:
            calls.append(1)
        return predictor

    cases = [subject_case(subjects_dir, name, Requests()) for name in names]
    return list(run_cohort(cases, load, Options(), Run(predictor.spec, ("test",))))


def test_a_failing_case_costs_no_other_and_the_model_is_loaded_once(subjects_dir, predictor):
    calls = []
    (subjects_dir / "bert/mri/nu.mgz").write_text("garbage")
    outcomes = outcomes_of(subjects_dir, ["bert", "bert.long.base", "nobody", "ernie"], predictor, calls)
    assert [outcome.status for outcome in outcomes] == ["failed", "done", "failed", "done"]
    assert calls == [1]
    files = table_files(subjects_dir / "sclimbic", "_", [VOLUMES, Z_SCORES, CONFIDENCES])
    assert write_tables(files, outcomes, Options().population) == [path for path, _ in files]
    rows = (subjects_dir / "sclimbic_volumes_all.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["case", "bert.long.base", "ernie"]
    assert rows[0].endswith(",eTIV")


def test_no_table_without_a_case(subjects_dir, predictor):
    outcomes = outcomes_of(subjects_dir, ["nobody"], predictor)
    assert write_tables(table_files(subjects_dir / "sclimbic", "_", [VOLUMES]), outcomes, {}) == []
    assert not list(subjects_dir.glob("*.csv"))


def test_each_subject_has_its_log(subjects_dir, predictor):
    (subjects_dir / "bert/mri/nu.mgz").write_text("garbage")
    outcomes_of(subjects_dir, ["bert", "ernie"], predictor)
    assert "bert failed" in (subjects_dir / "bert/scripts/sclimbic.log").read_text()
    text = (subjects_dir / "ernie/scripts/sclimbic.log").read_text()
    for words in (
        "generating_program fs_sclimbic",
        predictor.spec.sha256,
        "ernie done",
        "sclimbic.mgz",
        "eTIV",
        "numpy",
    ):
        assert words in text


def test_a_finished_cohort_loads_no_model(subjects_dir, predictor):
    outcomes_of(subjects_dir, ["bert", "ernie"], predictor)
    calls = []
    again = outcomes_of(subjects_dir, ["bert", "ernie"], predictor, calls)
    assert ([outcome.status for outcome in again], calls) == (["skipped", "skipped"], [])
    assert "skipped" in outcome_lines(again[0])[0]


def test_a_table_that_is_locked_for_long_is_told(tmp_path, subjects_dir, predictor, monkeypatch):
    outcomes = outcomes_of(subjects_dir, ["bert"], predictor)
    files = table_files(tmp_path / "sclimbic", "_", [Z_SCORES])
    monkeypatch.setattr(cohort, "LOCK_SECONDS", 0.1)
    with (
        FileLock(tmp_path / ".sclimbic_zqa_scores_all.csv.lock"),
        pytest.raises(OSError, match="locked by another job"),
    ):
        write_tables(files, outcomes, {}, update=True)
    assert write_tables(files, outcomes, {}, update=True) == [files[0][0]]


def test_a_file_system_without_locks_still_gets_its_rows(tmp_path, subjects_dir, predictor, monkeypatch):
    def no_locks(*_, **__):
        raise NotImplementedError

    monkeypatch.setattr(FileLock, "acquire", no_locks)
    files = table_files(tmp_path / "sclimbic", "_", [CONFIDENCES])
    for name in ("bert", "ernie"):
        write_tables(files, outcomes_of(subjects_dir, [name], predictor), {}, update=True)
    rows = files[0][0].read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["case", "bert", "ernie"]


def cases_of(folder, head, count):
    """Cases of one head under many names, as images without a transform."""
    for number in range(count):
        write_volume(head, folder / f"head{number}.nii.gz")
    return [image_case(folder / f"head{number}.nii.gz", folder / f"seg{number}.mgz", ALL) for number in range(count)]


ALL = Requests(volumes=True)


@dataclass
class Interrupted:
    """A predictor that fails with an error when it is asked for the last time."""

    predictor: object
    calls: int
    error: BaseException

    @property
    def spec(self):
        return self.predictor.spec

    def predict(self, conformed, wanted=None):
        self.calls -= 1
        if not self.calls:
            raise self.error
        return self.predictor.predict(conformed, wanted)


def collect(outcomes, error):
    """The outcomes up to an error."""
    found = []
    with pytest.raises(type(error)):
        found.extend(outcomes)
    return found


@pytest.mark.parametrize("threads", [1, 2])
def test_outcomes_come_in_order_and_a_failure_costs_no_other(tmp_path, head, predictor, threads):
    cases = cases_of(tmp_path, head, 5)
    cases[1].t1.write_text("garbage")
    cases[3].t1.unlink()
    outcomes = list(run_cohort(cases, lambda: predictor, Options(), Run(predictor.spec, (), threads)))
    assert [outcome.case for outcome in outcomes] == cases
    assert [outcome.status for outcome in outcomes] == ["done", "failed", "done", "failed", "done"]
    alone = [outcomes[n].stats.structures for n in (0, 2, 4)]
    assert alone[0] == alone[1] == alone[2]


@pytest.mark.parametrize("step", ["open_case", "predict_case", "close_case"])
def test_a_fault_of_ours_in_any_step_costs_one_case(tmp_path, head, predictor, monkeypatch, step):
    cases = cases_of(tmp_path, head, 4)
    inner = {"open_case": "read_volume", "predict_case": "look", "close_case": "finish"}[step]
    real, calls = getattr(pipeline, inner), []

    def broken(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise ZeroDivisionError("oops")
        return real(*arguments)

    monkeypatch.setattr(pipeline, inner, broken)
    outcomes = list(run_cohort(cases, lambda: predictor, Options(), Run(predictor.spec, (), 2)))
    assert [outcome.status for outcome in outcomes] == ["done", "failed", "done", "done"]
    assert "unexpected ZeroDivisionError: oops" in outcomes[1].message


@pytest.mark.parametrize("threads", [1, 2])
def test_few_images_are_held_at_once(tmp_path, head, predictor, monkeypatch, threads):
    images, posteriors, most = weakref.WeakSet(), weakref.WeakSet(), []
    real_read, real_look = pipeline.read_volume, pipeline.look

    def count():
        most.append((len(images), len(posteriors)))

    def read(path):
        volume = real_read(path)
        images.add(volume)
        count()
        return volume

    def look(*arguments):
        framed = real_look(*arguments)
        posteriors.add(framed)
        count()
        return framed

    monkeypatch.setattr(pipeline, "read_volume", read)
    monkeypatch.setattr(pipeline, "look", look)
    cases = cases_of(tmp_path, head, 7)
    for outcome in run_cohort(cases, lambda: predictor, Options(), Run(predictor.spec, (), threads)):
        assert outcome.status == "done"
        count()
    assert max(n for n, _ in most) <= (1 if threads == 1 else 3)
    assert max(n for _, n in most) <= (1 if threads == 1 else 2)
    gc.collect()
    assert (len(images), len(posteriors)) == (0, 0)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("at", [1, 2, 4])
def test_an_interrupt_keeps_the_cases_before_it(tmp_path, head, predictor, threads, at):
    """Their outcomes are yielded, so that the tables hold them, and their files are whole."""
    cases = cases_of(tmp_path, head, 4)
    model = Interrupted(predictor, at, KeyboardInterrupt())
    found = collect(run_cohort(cases, lambda: model, Options(), Run(predictor.spec, (), threads)), KeyboardInterrupt())
    assert [outcome.case for outcome in found] == cases[: at - 1]
    for outcome in found:
        assert outcome.status == "done"
        record = read_record(outcome.case.outputs.record)
        assert is_done(record, record.settings, outcome.case.outputs.products())
    for case in cases[at - 1 :]:
        assert not any(path.exists() for path in (*case.outputs.products(), case.outputs.record))
    assert not list(tmp_path.glob(".*.tmp"))


@pytest.mark.parametrize("number", [0, 2])
def test_an_interrupt_while_files_are_written(tmp_path, head, predictor, monkeypatch, number):
    """The main thread waits for the writer: between two cases, as when files are written slowly, or at the end."""
    cases = cases_of(tmp_path, head, 3)
    cases[1].t1.write_text("garbage")
    real = pipeline.write_outputs

    def interrupted(opened, *arguments):
        if opened.case == cases[number]:
            time.sleep(0.2)  # the main thread has nothing else to do by then
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            time.sleep(0.2)
        real(opened, *arguments)

    monkeypatch.setattr(pipeline, "write_outputs", interrupted)
    found = collect(run_cohort(cases, lambda: predictor, Options(), Run(predictor.spec, (), 2)), KeyboardInterrupt())
    assert [outcome.case for outcome in found] == cases[: number + 1]
    assert found[-1].status == "done"
    assert all(path.is_file() for path in cases[number].outputs.products())


@pytest.mark.parametrize("threads", [1, 2])
def test_a_model_that_cannot_be_loaded_ends_the_run_after_the_outcomes_before_it(tmp_path, head, predictor, threads):
    cases = cases_of(tmp_path, head, 4)
    cases[0].t1.write_text("garbage")
    list(run_cohort(cases[1:2], lambda: predictor, Options(), Run(predictor.spec, (), threads)))
    calls = []

    def unloadable():
        calls.append(1)
        raise OSError(5, "Input/output error")

    run = run_cohort(cases, unloadable, Options(), Run(predictor.spec, (), threads))
    found = collect(run, ModelError())
    assert [outcome.status for outcome in found] == ["failed", "skipped"]
    assert calls == [1]


@pytest.fixture
def unplaced(tmp_path, tiny_model, monkeypatch):
    """A model with a box of a head's size whose place is not known, and a head that is found where the model saw it."""
    from fs_sclimbic.network.predictor import NetworkPredictor

    monkeypatch.setenv("FS_SCLIMBIC_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(segmentation, "locate_head", lambda image: Head(np.eye(4), 0.9))
    return NetworkPredictor(replace(tiny_model, fov=128), threads=1, engine="openvino")


@pytest.fixture(scope="module")
def large_head():
    return synthetic_head(grid_about(CENTER, (130, 130, 130), RAS_AXES, (1, 1, 1)))


def test_a_model_without_a_place_learns_it_from_the_first_head_that_shows_all(tmp_path, large_head, unplaced):
    spec = unplaced.spec
    one_ball = Volume(np.maximum(large_head.data, 100), large_head.grid)  # no black ball
    one_ball.data[0, 0, 0] = 0
    cases = cases_of(tmp_path, large_head, 3)
    write_volume(one_ball, cases[0].t1)
    outcomes = list(run_cohort(cases, lambda: unplaced, Options(), Run(spec, (), 1)))
    assert [outcome.status for outcome in outcomes] == ["done"] * 3, outcomes
    notes = ["\n".join(outcome.notes) for outcome in outcomes]
    assert "learned" not in notes[0]
    kept = learned_prior_file(spec.sha256, spec.colors)
    assert f"learned where the structures lie, kept in {kept}" in notes[1]
    assert "whole field of view" in notes[1]
    assert "verified" in notes[2]
    assert "whole field of view" not in notes[2]
    place = read_prior(kept, ["Left-Ball", "Right-Ball"], spec.sha256)
    assert np.allclose([site.centre for site in place.sites], [LEFT_BALL, RIGHT_BALL], atol=0.6)
    assert place == find_prior(spec.weights, spec.sha256, spec.colors)
    # The place is no more than where to look first.
    assert outcomes[1].stats == outcomes[2].stats
    assert np.array_equal(*(read_volume(case.outputs.segmentation).data for case in cases[1:]))


def test_a_learned_place_is_used_side_by_side(tmp_path, large_head, unplaced):
    cases = cases_of(tmp_path, large_head, 4)
    outcomes = list(run_cohort(cases, lambda: unplaced, Options(), Run(unplaced.spec, (), 2)))
    assert [outcome.status for outcome in outcomes] == ["done"] * 4
    assert any("learned" in note for note in outcomes[0].notes)
    assert sum("learned" in note for outcome in outcomes for note in outcome.notes) == 1
    assert any("verified" in note for note in outcomes[3].notes)
    assert len({outcome.stats for outcome in outcomes}) == 1


def test_nothing_is_learned_in_the_whole_field_of_view_or_without_a_head(tmp_path, large_head, unplaced, monkeypatch):
    spec = unplaced.spec
    cases = cases_of(tmp_path, large_head, 2)
    for options in (Options(full_fov=True), Options(redo=True)):
        outcomes = list(run_cohort(cases, lambda: unplaced, options, Run(spec, (), 1)))
        assert [outcome.status for outcome in outcomes] == ["done", "done"]
        assert not any("learned" in note for outcome in outcomes for note in outcome.notes)
        assert not learned_prior_file(spec.sha256, spec.colors).parent.exists()
        monkeypatch.setattr(segmentation, "locate_head", lambda image: None)


def test_a_folder_that_cannot_be_written_costs_a_note(tmp_path, large_head, unplaced, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FS_SCLIMBIC_MODELS", str(tmp_path / "file" / "models"))
    cases = cases_of(tmp_path, large_head, 2)
    outcomes = list(run_cohort(cases, lambda: unplaced, Options(), Run(unplaced.spec, (), 1)))
    assert [outcome.status for outcome in outcomes] == ["done", "done"]
    assert any("cannot be kept" in note for note in outcomes[0].notes)
    # Else the next run would learn from another head: equal settings would not give equal results.
    assert not any("verified" in note for note in outcomes[1].notes)
    assert any("whole field of view" in note for note in outcomes[1].notes)


def test_a_fault_in_learning_costs_no_case(tmp_path, large_head, unplaced, monkeypatch, caplog):
    def faulty(*_):
        raise np.linalg.LinAlgError("singular")

    monkeypatch.setattr("fs_sclimbic.cases.cohort.learn_prior", faulty)
    cases = cases_of(tmp_path, large_head, 2)
    outcomes = list(run_cohort(cases, lambda: unplaced, Options(), Run(unplaced.spec, (), 2)))
    assert [outcome.status for outcome in outcomes] == ["done", "done"]
    assert "not learned: LinAlgError" in caplog.text


def test_cases_before_and_after_learning_are_treated_alike(tmp_path, large_head, unplaced):
    """The first head is cut by what was learned from it, as the later ones are, and its record says so."""
    island = Volume(large_head.data.copy(), large_head.grid)
    island.data[65:67, 65:67, 120:122] = 0
    cases = cases_of(tmp_path, island, 3)
    spec = unplaced.spec
    outcomes = list(run_cohort(cases, lambda: unplaced, Options(), Run(spec, (), 2)))
    assert [outcome.status for outcome in outcomes] == ["done"] * 3, outcomes
    assert len({outcome.stats for outcome in outcomes}) == 1
    places = {read_record(case.outputs.record).settings["place_sha256"] for case in cases}
    assert len(places) == 1
    assert None not in places
    known = replace(spec, prior=find_prior(spec.weights, spec.sha256, spec.colors))
    again = run_cohort(cases, lambda: unplaced, Options(), Run(known, (), 2))
    assert [outcome.status for outcome in again] == ["skipped"] * 3


def test_the_engine_that_ran_is_told(tmp_path, head, predictor):
    """It may be another than was meant, where that one is broken."""
    (case,) = cases_of(tmp_path, head, 1)
    assert [o.status for o in run_cohort([case], lambda: predictor, Options(), Run(predictor.spec, (), 1, "meant"))]
    assert f"Engine {predictor.engine} float32" in read_record(case.outputs.record).provenance
