"""What travels to workers: paths and settings."""

import pickle
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from fs_sclimbic.errors import ModelError
from fs_sclimbic.execution.case_job import absolute_case, after, at_host, run_job
from fs_sclimbic.network.predictor import NetworkPredictor
from fs_sclimbic.network.store import find_model
from tests.cohorts import cases_of


def test_a_job_holds_no_weights_and_no_images(tmp_path, head, job_of, monkeypatch):
    """It travels with each case: the shipped model's weights are 6 MB."""
    monkeypatch.delenv("FS_SCLIMBIC_MODELS")
    job = job_of(spec=find_model("shipped"))
    (case,) = cases_of(tmp_path, head, 1)
    assert len(pickle.dumps((case, job))) < 20_000
    assert pickle.loads(pickle.dumps(job)).shared.run == job.shared.run


class Counting:
    """Makes predictors, and notes each."""

    def __init__(self):
        self.made = []

    def __call__(self, spec, **how):
        self.made.append(threading.get_ident())
        return NetworkPredictor(spec, **how)


def test_a_worker_loads_a_model_once_and_another_one_anew(tmp_path, head, job_of):
    make, other = Counting(), Counting()
    cases = cases_of(tmp_path, head, 3)
    job = job_of(make=make)
    assert [run_job(case, job).outcome.status for case in cases[:2]] == ["done", "done"]
    assert len(make.made) == 1
    assert run_job(cases[2], job_of(make=other)).outcome.status == "done"
    assert len(other.made) == 1


def test_each_thread_of_a_worker_has_its_own_model(tmp_path, head, job_of):
    """An engine runs one image at a time."""
    make = Counting()
    job = job_of(make=make)
    threads = [threading.Thread(target=run_job, args=(case, job)) for case in cases_of(tmp_path, head, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(make.made) == sorted(thread.ident for thread in threads)


def test_other_weights_under_the_same_path_are_refused(tmp_path, head, job_of, tiny_model):
    (case,) = cases_of(tmp_path, head, 1)
    with pytest.raises(ModelError, match="other weights than those the run was started with"):
        run_job(case, job_of(spec=replace(tiny_model, sha256="0" * 64)))
    assert not case.outputs.record.exists()


def test_the_next_job_knows_what_was_learned(tmp_path, head, job_of):
    (case,) = cases_of(tmp_path, head, 1)
    ended = replace(run_job(case, job_of()), prior="the prior", learns=False)
    job = after(job_of(), ended)
    assert (job.shared.run.spec.prior, job.shared.learns) == ("the prior", False)


def test_results_say_on_which_machine_they_were_made(tmp_path, head, job_of):
    (case,) = cases_of(tmp_path, head, 1)
    run_job(case, at_host(job_of(), "node17"))
    assert "hostname node17" in case.outputs.stats.read_text()


def test_a_case_with_absolute_paths(tmp_path, head, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (case,) = cases_of(Path(), head, 1)
    far = absolute_case(replace(case, transforms=(Path("a.xfm"),)))
    assert far.t1 == tmp_path / case.t1
    assert far.transforms == (tmp_path / "a.xfm",)
    assert far.outputs.written() == tuple(tmp_path / path for path in case.outputs.written())
    assert far.outputs.optional == tuple(tmp_path / path for path in case.outputs.optional)
    assert far.outputs.log is None
    assert far.name == case.name
