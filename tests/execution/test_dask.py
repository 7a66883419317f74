"""Cases on a Dask cluster: the results of one process; lost workers and a lost scheduler cost no result."""

import os
import re
import subprocess
import sys
from pathlib import Path

import dask.config
import distributed
import pytest

from fs_sclimbic import __version__
from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.cohort import run_cohort
from fs_sclimbic.errors import ModelError, SclimbicError, UsageError
from fs_sclimbic.execution.dask import (
    DaskWorkers,
    UnfitWorkerError,
    connected,
    describe_error,
    run_on_dask,
    run_remotely,
)
from fs_sclimbic.execution.spread import spread_cohort
from tests.cohorts import cases_of
from tests.conftest import ROOT
from tests.execution.result_files import contents_of
from tests.execution.worker_faults import DiesOverDeadlyImages, WaitsOverDeadlyImages, make_deadly, no_model

WITH_ETIV = Requests(volumes=True, qa_stats=True, etiv_from_image=True)


def by_name(outcomes):
    return {outcome.case.name: outcome for outcome in outcomes}


@pytest.fixture(scope="module")
def local_cluster():
    """A scheduler with two workers, which gives a task up when two workers have died over it."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as started,
    ):
        yield started


@pytest.fixture(scope="module")
def cluster(local_cluster):
    """The address of the scheduler."""
    return local_cluster.scheduler_address


def test_a_cluster_gives_the_results_of_one_process(tmp_path, head, job_of, predictor, cluster, monkeypatch):
    job = job_of(register=DiesOverDeadlyImages(tmp_path))
    alone, together = tmp_path / "alone", tmp_path / "together"
    for place in (alone, together):
        place.mkdir()
    cases = cases_of(alone, head, 4, WITH_ETIV)
    cases[1].t1.write_text("garbage")
    expected = by_name(run_cohort(cases, lambda: predictor, job.options, job.shared.run, finders=job.finders))
    monkeypatch.chdir(together)  # the workers are in another folder
    cases = cases_of(together.relative_to(together), head, 4, WITH_ETIV)
    cases[1].t1.write_text("garbage")
    found = by_name(run_on_dask(cases, job, cluster))
    assert {name: outcome.status for name, outcome in found.items()} == {
        name: outcome.status for name, outcome in expected.items()
    }
    assert found[cases[1].name].status == "failed"
    assert {outcome.case for outcome in found.values()} == set(cases)  # as they were given
    assert [found[name].stats for name in sorted(found)] == [expected[name].stats for name in sorted(expected)]
    assert contents_of(together) == contents_of(alone)


def test_a_lost_worker_costs_nothing_and_a_deadly_case_fails_alone(tmp_path, head, job_of, cluster):
    for name, most, status in (("once", 1, "done"), ("always", 1000, "failed")):
        deaths = tmp_path / name
        deaths.mkdir()
        cases = cases_of(deaths.parent, head, 3, WITH_ETIV)
        make_deadly(cases[0].t1, head)
        job = job_of(register=DiesOverDeadlyImages(deaths, most))
        outcomes = by_name(run_on_dask(cases, job, cluster))
        assert [outcomes[case.name].status for case in cases[1:]] == (["done"] * 2 if most == 1 else ["skipped"] * 2)
        assert outcomes[cases[0].name].status == status
        assert len(list(deaths.iterdir())) == min(most, 2)
        cases[0].outputs.record.unlink(missing_ok=True)
    assert "memory" in outcomes[cases[0].name].message


def test_a_model_that_no_worker_can_load_ends_the_run(tmp_path, head, job_of, cluster):
    cases = cases_of(tmp_path, head, 5)
    with pytest.raises(ModelError, match=r"no case can be run on this cluster: .*the model cannot be loaded"):
        list(run_on_dask(cases, job_of(make=no_model), cluster))
    assert not any(case.outputs.record.exists() for case in cases)


def test_a_worker_that_lacks_the_folders_or_the_version_says_so(tmp_path, head, job_of):
    (case,) = cases_of(tmp_path, head, 1)
    with pytest.raises(UnfitWorkerError, match="does not see the folder /nowhere"):
        run_remotely(case, job_of(), folders=(Path("/nowhere"),), version=__version__)
    with pytest.raises(UnfitWorkerError, match="the run was started with 0"):
        run_remotely(case, job_of(), folders=(), version="0")


def test_addresses_without_a_scheduler_are_refused(tmp_path):
    with (
        pytest.raises(UsageError, match="no Dask scheduler answers there"),
        connected("tcp://127.0.0.1:1", timeout_s=1),
    ):
        pass
    with pytest.raises(UsageError, match="no such scheduler file"), connected(str(tmp_path / "scheduler.json")):
        pass
    (tmp_path / "no.json").write_text("{}")
    with pytest.raises(UsageError, match="no Dask scheduler"), connected(str(tmp_path / "no.json"), timeout_s=1):
        pass


def test_what_dask_says_of_other_versions_is_said_in_plain_words():
    error = RuntimeError("Error during deserialization of the task graph. This frequently\noccurs if")
    assert "must have fs_sclimbic installed" in describe_error(error)
    assert describe_error(ZeroDivisionError("oops\nagain")) == "ZeroDivisionError: oops again"


def dask_command(*words):
    return subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.{words[0]}", *map(str, words[1:]), "--no-dashboard"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_lost_scheduler_ends_the_run_and_the_next_one_goes_on(tmp_path, head, job_of, local_cluster, cluster):
    cases = cases_of(tmp_path, head, 6)
    scheduler = dask_command("dask_scheduler", "--host", "127.0.0.1", "--port", 0)
    address = next(found[0] for line in scheduler.stderr if (found := re.search(r"tcp://\S+", line)))
    worker = dask_command("dask_worker", address, "--nthreads", 1, "--no-nanny")
    found = []
    try:
        # On the loop that runs already: a second one in this process did not always start.
        with distributed.Client(address, loop=local_cluster.loop) as client:
            coming = spread_cohort(cases, job_of(), DaskWorkers(client))
            found.append(next(coming))
            scheduler.kill()
            with pytest.raises(SclimbicError, match="give the same command again"):
                found.extend(coming)
    finally:
        for process in (worker, scheduler):
            process.kill()
            process.communicate()
    assert 1 <= len(found) < len(cases)
    again = by_name(run_on_dask(cases, job_of(), cluster))
    assert {outcome.status for outcome in again.values()} <= {"done", "skipped"}
    assert [again[outcome.case.name].status for outcome in found] == ["skipped"] * len(found)
    assert all(case.outputs.record.exists() for case in cases)


def test_an_interrupt_gives_the_cluster_back(tmp_path, head, job_of, cluster):
    """What was waiting is taken from the scheduler. What ended meanwhile is not lost."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    cases = cases_of(tmp_path, head, 6, WITH_ETIV)
    for case in cases[1:]:
        make_deadly(case.t1, head)
    outcomes = run_on_dask(cases, job_of(register=WaitsOverDeadlyImages(gate)), cluster)
    found = [next(outcomes)]
    with pytest.raises(KeyboardInterrupt):
        outcomes.throw(KeyboardInterrupt)
    assert [outcome.case for outcome in found] == cases[:1]
    with distributed.Client(cluster) as client:  # which still runs, and has nothing more to do
        waiting = client.run_on_scheduler(lambda dask_scheduler: [*dask_scheduler.tasks])
    assert not [key for key in waiting if key.startswith("sclimbic-")]
    for _ in range(2):  # the workers go on
        gate.open("w").close()
