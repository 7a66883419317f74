"""Workers of this machine: the results of one process, and a death costs no more than its case."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.cohort import run_cohort
from fs_sclimbic.errors import ModelError, SclimbicError
from fs_sclimbic.execution.spread import spread_cohort
from fs_sclimbic.execution.workers import LocalWorkers, describe_end, run_in_workers, worker_memory_mb
from fs_sclimbic.image.volume import write_volume
from fs_sclimbic.segmentation.options import Options
from tests.cohorts import cases_of
from tests.conftest import CENTER, RAS_AXES, ROOT, grid_about, synthetic_head
from tests.execution.result_files import contents_of
from tests.execution.worker_faults import DiesOverDeadlyImages, end_at_once, head_at_origin, make_deadly, no_model

WITH_ETIV = Requests(volumes=True, qa_stats=True, etiv_from_image=True)


def by_name(outcomes):
    return {outcome.case.name: outcome for outcome in outcomes}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "deaths").mkdir()
    return tmp_path


def test_workers_give_the_results_of_one_process(tmp_path, head, job_of, predictor):
    job = job_of(register=DiesOverDeadlyImages(tmp_path))
    alone, together = tmp_path / "alone", tmp_path / "together"
    for place in (alone, together):
        place.mkdir()
        cases = cases_of(place, head, 5, WITH_ETIV)
        cases[1].t1.write_text("garbage")
        if place == alone:
            run = job.shared.run
            expected = by_name(run_cohort(cases, lambda: predictor, job.options, run, finders=job.finders))
        else:
            found = by_name(run_in_workers(cases, job, 2))
    assert {name: outcome.status for name, outcome in found.items()} == {
        name: outcome.status for name, outcome in expected.items()
    }
    assert found[cases[1].name].status == "failed"
    assert [found[name].stats for name in sorted(found)] == [expected[name].stats for name in sorted(expected)]
    assert contents_of(together) == contents_of(alone)
    assert len(contents_of(alone)) > 4 * 5


def test_a_worker_that_dies_costs_its_case_a_second_try(folder, head, job_of):
    cases = cases_of(folder, head, 2, WITH_ETIV)
    make_deadly(cases[0].t1, head)
    pids = []
    job = job_of(register=DiesOverDeadlyImages(folder / "deaths", most=1))
    outcomes = list(run_in_workers(cases, job, 1, started=pids.append))
    assert [(outcome.case, outcome.status) for outcome in outcomes] == [(cases[1], "done"), (cases[0], "done")]
    assert len(set(pids)) == 2
    assert len(list((folder / "deaths").iterdir())) == 1


def test_a_case_over_which_workers_die_twice_fails_alone(folder, head, job_of):
    cases = cases_of(folder, head, 4, WITH_ETIV)
    make_deadly(cases[1].t1, head)
    job = job_of(register=DiesOverDeadlyImages(folder / "deaths"))
    outcomes = by_name(run_in_workers(cases, job, 2))
    assert [outcomes[case.name].status for case in cases] == ["done", "failed", "done", "done"]
    message = outcomes[cases[1].name].message
    assert str(cases[1].t1) in message
    assert "SIGKILL" in message
    assert "memory" in message
    assert len(list((folder / "deaths").iterdir())) == 2
    assert not cases[1].outputs.record.exists()
    assert not list(folder.glob(".*.tmp"))


def test_a_worker_that_is_killed_between_two_cases_costs_nothing(folder, head, job_of):
    cases = cases_of(folder, head, 3)
    pids = []
    with LocalWorkers(1, started=pids.append) as workers:
        for number, _ in enumerate(workers.run(cases, job_of())):
            if number == 0:  # it waits for its next case
                os.kill(pids[0], signal.SIGKILL)
    assert all(case.outputs.record.exists() for case in cases)
    assert len(pids) == 2


def test_workers_that_cannot_start_end_the_run(folder, head, job_of):
    workers = LocalWorkers(2, life=end_at_once)
    with workers, pytest.raises(SclimbicError, match=r"no worker process could be started \(ended with status 3\)"):
        list(spread_cohort(cases_of(folder, head, 3), job_of(), workers))


def test_a_model_that_cannot_be_loaded_ends_the_run(folder, head, job_of):
    cases = cases_of(folder, head, 3)
    with pytest.raises(ModelError, match="the model cannot be loaded"):
        list(run_in_workers(cases, job_of(make=no_model), 2))
    assert not any(case.outputs.record.exists() for case in cases)


def test_what_is_learned_is_the_same_for_all_workers(tmp_path, job_of, tiny_model, monkeypatch):
    """The first case that shows all structures tells where they lie, before others run beside it."""
    monkeypatch.setenv("FS_SCLIMBIC_MODELS", str(tmp_path / "models"))
    large = synthetic_head(grid_about(CENTER, (130, 130, 130), RAS_AXES, (1, 1, 1)))
    large.data[-2:] = 70
    cases = cases_of(tmp_path, large, 4)
    cases[0].t1.write_text("garbage")
    job = job_of(spec=replace(tiny_model, fov=128), locate=head_at_origin, options=Options())
    outcomes = by_name(run_in_workers(cases, job, 2))
    assert [outcomes[case.name].status for case in cases] == ["failed", "done", "done", "done"]
    notes = {name: "\n".join(outcome.notes) for name, outcome in outcomes.items()}
    assert [name for name in sorted(notes) if "learned where" in notes[name]] == [cases[1].name]
    assert "verified" in notes[cases[2].name]
    assert "verified" in notes[cases[3].name]
    records = [json.loads(case.outputs.record.read_text())["settings"] for case in cases[1:]]
    assert len({json.dumps({**settings, "t1_sha256": ""}) for settings in records}) == 1


def command(images, out, *flags):
    return [
        *(sys.executable, "-m", "fs_sclimbic", "segment", "--i", str(images), "--o", str(out)),
        *("--write_volumes", "--full-fov", *flags),
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_all_workers_and_the_same_command_goes_on(tmp_path, head, tiny_flags, number):
    """The terminal sends SIGINT to all processes at once; so may a batch system with SIGTERM."""
    images, out = tmp_path / "images", tmp_path / "out"
    images.mkdir()
    for index in range(8):
        write_volume(head, images / f"head{index}.nii.gz")
    line = command(images, out, "--workers", "2", *tiny_flags)
    running = subprocess.Popen(
        line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    said = next((line for line in running.stdout if " done in " in line), "")
    assert said, f"no case was done: {running.communicate()[1]}"
    os.killpg(running.pid, number)
    _, errors = running.communicate(timeout=120)  # returns when no worker is left that holds the pipe
    assert running.returncode == 130, errors
    assert "Traceback" not in errors
    assert "not run: interrupted" in errors
    assert not list(out.glob(".*.tmp"))
    records = {path.name.split(".")[0] for path in out.glob("*.json")}
    table = (out / "sclimbic_volumes_all.csv").read_text().splitlines()
    assert {row.split(",")[0] for row in table[1:]} <= records
    assert 1 <= len(table) - 1 < 8
    again = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "0 failed" in again.stdout
    rows = (out / "sclimbic_volumes_all.csv").read_text().splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == [f"head{index}" for index in range(8)]


def test_the_end_of_a_process_in_words():
    assert describe_end(3) == "ended with status 3"
    assert describe_end(-15) == "ended by signal 15, SIGTERM"
    assert "memory is short" in describe_end(-9)


def test_the_memory_of_a_worker_depends_on_the_box_and_the_engine(job_of):
    whole, around = job_of(), job_of(options=Options())
    assert worker_memory_mb(whole, "openvino") == worker_memory_mb(around, "openvino")  # the model has no prior
    assert worker_memory_mb(whole, "tensorflow") > worker_memory_mb(whole, "openvino")
