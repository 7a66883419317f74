"""How many processors this process may use: fewer than the machine has in containers and batch jobs."""

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

CGROUPS = Path("sys/fs/cgroup")
NO_QUOTA = ("max", "-1")


def count_processors(root: Path = Path("/")) -> int:
    """Processors that this process may use: those that it may run on, within its quota of time.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` lie.

    Returns
    -------
    int
        At least 1.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(allowed, processor_quota(root) or allowed)


def processor_quota(root: Path = Path("/")) -> int | None:
    """Processors' worth of time that a container or batch job gives this process (Linux control groups).

    Libraries that count processors do not see it, and start threads that wait for each other.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` lie.

    Returns
    -------
    int or None
        At least 1, rounded up; None if there is no quota.
    """
    shares = [
        quota / period
        for folder in control_groups(root, "cpu")
        for quota, period in _quotas(folder)
        if quota > 0 < period
    ]
    return max(1, math.ceil(min(shares))) if shares else None


def control_groups(root: Path, controller: str) -> Iterator[Path]:
    """Folders of this process's control groups, each with those above it: the least of their limits counts.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` lie.
    controller : str
        What is limited: ``cpu`` or ``memory``.

    Yields
    ------
    Path
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if not controllers:  # version 2
            base = root / CGROUPS
        elif controller in controllers.split(","):
            base = root / CGROUPS / controller
        else:
            continue
        inside = PurePosixPath(path.lstrip("/"))
        yield from (base / part for part in (inside, *inside.parents))


def _quotas(folder: Path) -> Iterator[tuple[float, float]]:
    """Time and period of a control group, microseconds."""
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period"))
        if quota not in NO_QUOTA:
            yield float(quota), float(period)
    except (OSError, ValueError):
        return
