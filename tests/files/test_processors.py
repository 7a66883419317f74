"""Quotas of containers and batch jobs."""

import os

import pytest

from fs_sclimbic.files.processors import count_processors, processor_quota

GROUPS = {
    "no control groups": ({}, None),
    "no quota": ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
    "a container, version 2": ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, 2),
    "less than one": ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "20000 100000\n"}, 1),
    "the folder above has less": (
        {
            "proc/self/cgroup": "0::/slurm/job1\n",
            "sys/fs/cgroup/slurm/job1/cpu.max": "800000 100000\n",
            "sys/fs/cgroup/slurm/cpu.max": "300000 100000\n",
        },
        3,
    ),
    "version 1": (
        {
            "proc/self/cgroup": "5:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n0::/\n",
            "sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us": "250000\n",
            "sys/fs/cgroup/cpu/docker/x/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
        3,
    ),
    "nonsense": ({"proc/self/cgroup": "x\n0::/\n", "sys/fs/cgroup/cpu.max": "a lot\n"}, None),
    "no period": ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "100000 0\n"}, None),
}


@pytest.mark.parametrize("case", GROUPS.values(), ids=GROUPS)
def test_the_least_quota_counts(case, tmp_path):
    files, wanted = case
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert processor_quota(tmp_path) == wanted
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert count_processors(tmp_path) == min(allowed, wanted or allowed)
