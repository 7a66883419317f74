"""How much memory this process may still take: less than the machine has in containers and batch jobs."""

from collections.abc import Iterator
from pathlib import Path

from .processors import control_groups

BYTES_PER_MB = 2**20
# Version 2 and version 1 of control groups: limit, use.
LIMIT_FILES = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
# Of a group's use, what the system gives back at once: pages of files.
RECLAIMABLE = ("inactive_file", "total_inactive_file")


def available_memory_mb(root: Path = Path("/")) -> int | None:
    """Memory that this process and its children may still take.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` lie.

    Returns
    -------
    int or None
        In MB of 2^20 bytes: what the machine has left, or what a container or batch job leaves of its limit, whichever
        is less. None where the system does not say (other systems than Linux).
    """
    found = [*_of_machine(root), *(left for folder in control_groups(root, "memory") for left in _of_group(folder))]
    return max(0, min(found)) // BYTES_PER_MB if found else None


def _of_machine(root: Path) -> Iterator[int]:
    for name, value in _numbers(root / "proc/meminfo"):
        if name == "MemAvailable":
            yield value * 1024


def _of_group(folder: Path) -> Iterator[int]:
    for limit_file, use_file in LIMIT_FILES:
        try:
            limit = int((folder / limit_file).read_text())
            used = int((folder / use_file).read_text())
        except (OSError, ValueError):  # no such group, or "max": no limit
            continue
        yield (
            limit
            - used
            + max((value for name, value in _numbers(folder / "memory.stat") if name in RECLAIMABLE), default=0)
        )


def _numbers(path: Path) -> Iterator[tuple[str, int]]:
    """Lines of a name and a number."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        name, value, *_ = (*line.replace(":", " ").split(), "", "")
        if value.isdigit():
            yield name, int(value)
