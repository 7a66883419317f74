"""A real SLURM of one node, on this machine, for the time of a test."""

import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun")
CONFIGURATION = """\
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPort={port}
SlurmdPort={node_port}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={processors} RealMemory={memory_mb} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
# No limits are set with it here, but slurmd wants one.
CGROUPS = "CgroupPlugin=cgroup/v1\nCgroupMountpoint=/sys/fs/cgroup\nCgroupAutomount=no\n"


class CannotStartError(Exception):
    """SLURM does not run on this machine, for instance because it lacks control groups of version 1."""


def missing_programs():
    """Programs of SLURM and munge that are not installed (Debian: slurm-wlm, munge)."""
    return [name for name in PROGRAMS if not shutil.which(name)]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def slurm(folder: Path):
    """Start munged, slurmctld and slurmd; the environment for sbatch and srun. They end with the block."""
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o400)
    environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
    (folder / "cgroup.conf").write_text(CGROUPS)
    (folder / "slurm.conf").write_text(
        CONFIGURATION.format(
            host=socket.gethostname(),
            user=getpass.getuser(),
            folder=folder,
            port=free_port(),
            node_port=free_port(),
            processors=len(os.sched_getaffinity(0)),
            # A node with less than what is written here gets no jobs.
            memory_mb=int(0.9 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**20),
        )
    )
    munge_files = (f"--{kind}-file={folder}/munge.{kind}" for kind in ("key", "pid", "log", "seed"))
    commands = (["munged", *munge_files, f"--socket={folder}/munge.sock", "--force"], ["slurmctld"], ["slurmd"])
    try:
        for command in commands:
            started = subprocess.run(command, env=environment, capture_output=True, text=True)
            if started.returncode:
                raise CannotStartError(f"{command[0]}: {started.stderr.strip()}")
        # Waits for the node; it fails as long as the controller does not answer.
        for _ in range(20):
            ready = subprocess.run(["srun", "true"], env=environment, capture_output=True, text=True)
            if ready.returncode == 0:
                break
        else:
            raise CannotStartError(f"{ready.stderr}\n{(folder / 'slurmd.log').read_text()[-1000:]}")
        yield environment
    finally:
        for name in ("slurmd", "slurmctld", "munge"):
            with suppress(OSError, ValueError):
                os.kill(int((folder / f"{name}.pid").read_text()), signal.SIGTERM)
