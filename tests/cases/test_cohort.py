"""Many cases: one fails alone, few are held at once, an interrupt loses none that is done."""

import gc
import os
import signal
import threading
import time
import weakref
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np
import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.case_lock import lock_path
from fs_sclimbic.cases.case_log import outcome_lines
from fs_sclimbic.cases.cohort import run_cohort
from fs_sclimbic.cases.pipeline import HeadFinders
from fs_sclimbic.cases.record import is_done, read_record
from fs_sclimbic.cases.run import Run
from fs_sclimbic.cases.subjects import subject_case
from fs_sclimbic.errors import ModelError
from fs_sclimbic.registration.talairach import Registration
from fs_sclimbic.segmentation.options import Options
from tests.cohorts import cases_of, hold_case, no_head, run_one


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


FOUND = Registration(np.diag([1.1, 1.1, 1.1, 1]), 0.9, False, ())


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
    outcomes = list(run_cohort(cases, lambda: predictor, Options(), Run(predictor.spec, (), threads=threads)))
    assert [outcome.case for outcome in outcomes] == cases
    assert [outcome.status for outcome in outcomes] == ["done", "failed", "done", "failed", "done"]
    alone = [outcomes[n].stats.structures for n in (0, 2, 4)]
    assert alone[0] == alone[1] == alone[2]


@dataclass
class FailsOnce:
    """Does what another function does, and fails with an error of ours in one of its calls."""

    inner: object
    at: int = 2
    calls: int = 0

    def __call__(self, *arguments):
        self.calls += 1
        if self.calls == self.at:
            raise ZeroDivisionError("oops")
        return self.inner(*arguments)


@dataclass
class Answers:
    """A predictor with another ``predict``."""

    spec: object
    predict: object


class Norms(dict):
    """A population table that calls a function for each look-up, of which measuring a case does two: flag, z score."""

    def __init__(self, when_measured):
        self.when_measured = when_measured

    def get(self, name, default=None):
        if name == "Left-Ball":
            self.when_measured()
        return default


@pytest.mark.parametrize("step", ["open", "predict", "close"])
def test_a_fault_of_ours_in_any_step_costs_one_case(tmp_path, head, predictor, step):
    cases = cases_of(tmp_path, head, 4, Requests(volumes=True, etiv_from_image=True))
    register = FailsOnce(lambda _: FOUND) if step == "open" else lambda _: FOUND
    model = Answers(predictor.spec, FailsOnce(predictor.predict)) if step == "predict" else predictor
    options = Options(population=Norms(FailsOnce(lambda: None, at=3))) if step == "close" else Options()
    finders = HeadFinders(no_head, register)
    run = Run(predictor.spec, (), threads=2)
    outcomes = list(run_cohort(cases, lambda: model, options, run, finders=finders))
    assert [outcome.status for outcome in outcomes] == ["done", "failed", "done", "done"]
    assert "unexpected ZeroDivisionError: oops" in outcomes[1].message


@pytest.mark.parametrize("threads", [1, 2])
def test_few_images_are_held_at_once(tmp_path, head, predictor, threads):
    images, posteriors, most = weakref.WeakSet(), weakref.WeakSet(), []

    def count(held=None, volume=None):
        if volume is not None:
            held.add(volume)
        most.append((len(images), len(posteriors)))

    def register(image):
        count(images, image)
        return FOUND

    def predict(*arguments):
        volume = predictor.predict(*arguments)
        count(posteriors, volume)
        return volume

    cases = cases_of(tmp_path, head, 7, Requests(volumes=True, etiv_from_image=True))
    run = Run(predictor.spec, (), threads=threads)
    finders = HeadFinders(no_head, register)
    for outcome in run_cohort(cases, lambda: Answers(predictor.spec, predict), Options(), run, finders=finders):
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
    run = Run(predictor.spec, (), threads=threads)
    found = collect(run_cohort(cases, lambda: model, Options(), run), KeyboardInterrupt())
    assert [outcome.case for outcome in found] == cases[: at - 1]
    for outcome in found:
        assert outcome.status == "done"
        record = read_record(outcome.case.outputs.record)
        assert is_done(record, record.settings, outcome.case.outputs.products())
    for case in cases[at - 1 :]:
        assert not any(path.exists() for path in (*case.outputs.products(), case.outputs.record))
    assert not list(tmp_path.glob(".*.tmp"))


def waits_for_a_future(frame):
    """Whether a thread that is in this frame waits for what another thread does."""
    while frame is not None:
        if frame.f_code is Future.result.__code__:
            return True
        frame = frame.f_back
    return False


@pytest.fixture
def interrupt_waiting_main_thread():
    """A function for another thread: when the main thread waits for it, interrupt it once, and return then."""
    main, handled = threading.main_thread().ident, threading.Event()

    def interrupt(_signal, frame):
        if not handled.is_set() and waits_for_a_future(frame):
            handled.set()
            raise KeyboardInterrupt

    def send():
        deadline = time.monotonic() + 30
        while not handled.wait(0.01):
            assert time.monotonic() < deadline, "the main thread was not interrupted"
            signal.pthread_kill(main, signal.SIGINT)

    before = signal.signal(signal.SIGINT, interrupt)  # also where SIGINT was ignored
    yield send
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [0, 2])
def test_an_interrupt_while_files_are_written(tmp_path, head, predictor, interrupt_waiting_main_thread, number):
    """The main thread waits for the writer: between two cases, as when files are written slowly, or at the end."""
    cases = cases_of(tmp_path, head, 3)
    cases[1].t1.write_text("garbage")
    measured = []

    def interrupt():
        measured.append(1)
        if len(measured) == (1 if number == 0 else 3):  # the second case is not measured
            interrupt_waiting_main_thread()

    run, options = Run(predictor.spec, (), threads=2), Options(population=Norms(interrupt))
    found = collect(run_cohort(cases, lambda: predictor, options, run), KeyboardInterrupt())
    assert [outcome.case for outcome in found] == cases[: number + 1]
    assert found[-1].status == "done", found[-1]
    assert all(path.is_file() for path in cases[number].outputs.products())


@pytest.mark.parametrize("threads", [1, 2])
def test_a_model_that_cannot_be_loaded_ends_the_run_after_the_outcomes_before_it(tmp_path, head, predictor, threads):
    cases = cases_of(tmp_path, head, 4)
    cases[0].t1.write_text("garbage")
    list(run_cohort(cases[1:2], lambda: predictor, Options(), Run(predictor.spec, (), threads=threads)))
    calls = []

    def unloadable():
        calls.append(1)
        raise OSError(5, "Input/output error")

    run = run_cohort(cases, unloadable, Options(), Run(predictor.spec, (), threads=threads))
    found = collect(run, ModelError())
    assert [outcome.status for outcome in found] == ["failed", "skipped"]
    assert calls == [1]


def test_the_engine_that_ran_is_told(tmp_path, head, predictor):
    """It may be another than was meant, where that one is broken."""
    (case,) = cases_of(tmp_path, head, 1)
    assert run_one(case, lambda: predictor, Run(predictor.spec, (), threads=1, engine="meant")).status == "done"
    assert f"Engine {predictor.engine} float32" in read_record(case.outputs.record).provenance


@pytest.mark.parametrize("threads", [1, 2])
def test_a_case_that_runs_elsewhere_is_left_and_the_others_are_done(tmp_path, head, predictor, threads):
    cases = cases_of(tmp_path, head, 3)
    run = Run(predictor.spec, (), threads=threads)
    with hold_case(cases[1]):
        outcomes = list(run_cohort(cases, lambda: predictor, Options(), run, waits=False))
    assert [outcome.status for outcome in outcomes] == ["done", "skipped", "done"]
    assert [outcome.is_elsewhere for outcome in outcomes] == [False, True, False]
    assert outcomes[1].message.startswith(f"running elsewhere: {run.host}, process {os.getpid()}, since ")
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_case_that_runs_elsewhere_comes_last(tmp_path, head, predictor, threads):
    """The other run was killed, say: then this one does it."""
    cases, notices = cases_of(tmp_path, head, 3), []
    held = ExitStack()
    held.enter_context(hold_case(cases[0]))

    def tell(notice):
        if notice.severity == "note":
            notices.append(notice.text)
            held.close()

    run = Run(predictor.spec, (), threads=threads)
    outcomes = list(run_cohort(cases, lambda: predictor, Options(), run, tell=tell))
    assert [(outcome.case, outcome.status) for outcome in outcomes] == [(cases[n], "done") for n in (1, 2, 0)]
    assert [text.split(": ")[:2] for text in notices] == [["waiting", "running elsewhere"]]


def test_what_another_run_has_done_meanwhile_is_taken(tmp_path, head, predictor):
    cases = cases_of(tmp_path, head, 2)
    run = Run(predictor.spec, (), threads=1)
    held = ExitStack()
    held.enter_context(hold_case(cases[0]))

    def other_run_ends(_):
        held.close()
        list(run_cohort(cases[:1], lambda: predictor, Options(), run))

    outcomes = list(run_cohort(cases, lambda: predictor, Options(), run, tell=other_run_ends))
    assert [outcome.status for outcome in outcomes] == ["done", "skipped"]
    assert outcomes[1].stats == outcomes[0].stats


def test_an_interrupt_leaves_no_lock(tmp_path, head, predictor):
    cases = cases_of(tmp_path, head, 3)
    model = Interrupted(predictor, 2, KeyboardInterrupt())
    collect(run_cohort(cases, lambda: model, Options(), Run(predictor.spec, (), threads=2)), KeyboardInterrupt())
    assert not list(tmp_path.glob(".*"))


def test_a_subject_that_recon_all_works_on(subjects_dir, predictor):
    case = subject_case(subjects_dir, "bert", Requests())
    case.scripts.mkdir()
    mark = case.scripts / "IsRunning.lh+rh"
    mark.write_text("HOST far\nPROCESSID 5\n")
    run = Run(predictor.spec, (), threads=1)
    assert "--wait-for-recon-all" in run_one(case, lambda: predictor, run).message
    waiting = replace(run, wait_for_recon_all=True)
    outcomes = run_cohort([case], lambda: predictor, Options(), waiting, tell=lambda _: mark.unlink(missing_ok=True))
    assert [outcome.status for outcome in outcomes] == ["done"]


def test_a_run_that_was_taken_over_takes_the_result_of_the_other(tmp_path, head, predictor):
    """A laptop that slept, or a node that hung: its result is not written over the other one's."""
    cases = cases_of(tmp_path, head, 2)
    run = Run(predictor.spec, (), threads=1)

    def meanwhile(conformed, wanted):
        if lock_path(cases[0]).exists():
            lock_path(cases[0]).unlink()
            list(run_cohort(cases[:1], lambda: predictor, Options(), run))
        return predictor.predict(conformed, wanted)

    outcomes = list(run_cohort(cases, lambda: Answers(predictor.spec, meanwhile), Options(), run))
    assert [(outcome.case, outcome.status) for outcome in outcomes] == [(cases[1], "done"), (cases[0], "skipped")]
    assert outcomes[1].stats == outcomes[0].stats


def test_an_interrupt_while_it_waits_loses_no_case(tmp_path, head, predictor):
    cases = cases_of(tmp_path, head, 2)

    def tell(notice):
        if notice.severity == "note":
            raise KeyboardInterrupt

    with hold_case(cases[0]):
        run = run_cohort(cases, lambda: predictor, Options(), Run(predictor.spec, (), threads=1), tell=tell)
        assert [outcome.status for outcome in collect(run, KeyboardInterrupt())] == ["done"]
        assert lock_path(cases[0]).exists(), "the other run's"
