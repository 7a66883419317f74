"""The scripts of docs/cluster, run as a batch system runs them, and by a real SLURM where one is installed."""

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.execution.slurm_cluster import CannotStartError, missing_programs, slurm

SCRIPTS = ROOT / "docs/cluster"
SUBJECTS = ("bert", "bert.long.base", "ernie")


@pytest.fixture(scope="module")
def commands():
    """An environment in which the commands of the checkout are on the PATH."""
    places = (ROOT / "bin", Path(sys.executable).parent)
    path = os.pathsep.join([*map(str, places), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}  # the latter for Dask's workers


def run_script(name, *words, environment):
    return subprocess.run(
        ["bash", SCRIPTS / name, *map(str, words)], env=environment, capture_output=True, text=True, check=False
    )


def stats_of(subjects_dir):
    return {name for name in SUBJECTS if (subjects_dir / name / "stats/sclimbic.stats").exists()}


def rows_of(subjects_dir):
    lines = (subjects_dir / "sclimbic_volumes_all.csv").read_text().splitlines()
    return [line.split(",")[0] for line in lines[1:]]


def test_the_tasks_of_a_slurm_array_share_the_subjects(subjects_dir, tiny_flags, commands):
    done = []
    for task in ("1", "2"):
        environment = {**commands, "SLURM_ARRAY_TASK_ID": task, "SLURM_CPUS_PER_TASK": "1"}
        words = (2, subjects_dir, "--full-fov", *tiny_flags)
        ran = run_script("slurm_array.sh", *words, environment=environment)
        assert ran.returncode == 0, ran.stderr
        done.append(stats_of(subjects_dir))
    assert 1 <= len(done[0]) < 3
    assert done[1] == set(SUBJECTS)
    merged = run_script("slurm_merge.sh", subjects_dir, environment=commands)
    assert merged.returncode == 0, merged.stderr
    assert rows_of(subjects_dir) == sorted(SUBJECTS)


def test_a_task_beyond_the_parts_is_refused(subjects_dir, commands):
    ran = run_script("slurm_array.sh", 2, subjects_dir, environment={**commands, "SLURM_ARRAY_TASK_ID": "3"})
    assert ran.returncode == 2
    assert "parts are counted from 1 to 2" in ran.stderr


def test_the_tasks_of_a_grid_engine_array_share_the_subjects(subjects_dir, tiny_flags, commands):
    for task in ("1", "2", "3"):
        environment = {**commands, "SGE_TASK_ID": task, "SGE_TASK_LAST": "3", "NSLOTS": "1"}
        ran = run_script("sge_array.sh", subjects_dir, "--full-fov", *tiny_flags, environment=environment)
        assert ran.returncode == 0, ran.stderr
        assert len(stats_of(subjects_dir)) == int(task)


@pytest.fixture(scope="module")
def real_slurm(tmp_path_factory, commands):
    if missing := missing_programs():
        pytest.skip(f"needs SLURM: {', '.join(missing)} not installed (Debian: slurm-wlm, munge)")
    with ExitStack() as running:
        try:
            environment = running.enter_context(slurm(tmp_path_factory.mktemp("slurm")))
        except CannotStartError as error:
            pytest.skip(f"SLURM cannot run on this machine: {error}")
        yield {**environment, **{name: commands[name] for name in ("PATH", "PYTHONPATH")}}


def submit(environment, folder, *words):
    """Submit a script of docs/cluster, and wait for its end; its exit status and what it wrote."""
    call = {"env": environment, "capture_output": True, "text": True}
    ran = subprocess.run(["sbatch", "--parsable", f"--chdir={folder}", *map(str, words)], **call)
    if ran.returncode:
        return ran.returncode, ran.stderr
    job = ran.stdout.strip()
    # sbatch --wait looks every half a minute in the end; a job that comes after is started at once.
    subprocess.run(["srun", f"--dependency=afterany:{job}", "true"], check=True, **call)
    told = subprocess.run(["scontrol", "show", "job", "--oneliner", job], check=True, **call).stdout
    statuses = [int(status) for status in re.findall(r"\bExitCode=(\d+):", told)]
    logs = [path.read_text() for path in sorted(folder.glob("sclimbic_*.log"))]
    return max(statuses), f"{told}\n" + "\n".join(logs)


def test_a_real_slurm_runs_an_array_of_four_and_the_merge(tmp_path, subjects_dir, tiny_flags, real_slurm):
    """One array task has no subject: four tasks, three subjects."""
    flags = ("--full-fov", *tiny_flags)
    array = (SCRIPTS / "slurm_array.sh", 4, subjects_dir)
    status, log = submit(real_slurm, tmp_path, "--array=1-4", *array, *flags)
    assert status == 0, log
    assert stats_of(subjects_dir) == set(SUBJECTS)
    status, log = submit(real_slurm, tmp_path, SCRIPTS / "slurm_merge.sh", subjects_dir)
    assert status == 0, log
    assert rows_of(subjects_dir) == sorted(SUBJECTS)


@pytest.fixture
def images(tmp_path, head_file):
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a", "b"):
        os.link(head_file, folder / f"{name}.nii.gz")
    return folder


def test_a_dask_cluster_inside_a_job_of_a_real_slurm(tmp_path, images, tiny_flags, real_slurm):
    words = (images, tmp_path / "results", "--write_volumes", "--full-fov", *tiny_flags)
    status, log = submit(real_slurm, tmp_path, "--ntasks=2", SCRIPTS / "dask_slurm.sh", *words)
    assert status == 0, log
    assert len((tmp_path / "results/sclimbic_volumes_all.csv").read_text().splitlines()) == 3
    assert not list(tmp_path.glob("dask-*"))


def test_the_command_starts_and_ends_jobs_of_a_real_slurm(tmp_path, images, tiny_flags, real_slurm):
    """They are there for one run."""
    words = ("--i", images, "--o", tmp_path / "results", "--write_volumes", "--full-fov", *tiny_flags)
    ran = subprocess.run(
        [sys.executable, ROOT / "bin/mri_sclimbic_seg", *map(str, words), "--dask", "slurm", "--workers", "1"],
        env=real_slurm,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert len((tmp_path / "results/sclimbic_volumes_all.csv").read_text().splitlines()) == 3
    left = subprocess.run(
        ["squeue", "--noheader", "--states=PENDING,RUNNING"], env=real_slurm, capture_output=True, text=True, check=True
    )
    assert left.stdout == ""
