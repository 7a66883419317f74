"""Process and system: time, user, folder, versions, memory."""

import getpass
import hashlib
import importlib.metadata
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path


def now() -> str:
    """UTC time to the second, ISO 8601."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def user_name() -> str:
    """Login name of the user who runs the program."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user without a name
        return "unknown"


def host_name() -> str:
    """Name of this machine."""
    return socket.gethostname()


@lru_cache(maxsize=1)
def process_space() -> str:
    """Where process ids mean the same: host, start of the system, and namespace (of a container)."""
    parts = [host_name()]
    with suppress(OSError):  # not on Linux
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text())
        parts.append(str(os.stat("/proc/self/ns/pid").st_ino))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def process_runs(pid: int) -> bool:
    """Whether a process of this machine runs."""
    if os.name != "posix":  # there this very signal ends it
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # another user's
        return True
    return True


def process_start(pid: int) -> str:
    """When a process of this machine started, in the system's own unit; empty where that cannot be known."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name of the program, in brackets, may hold blanks and brackets.
            return file.read().rsplit(b")", 1)[1].split()[19].decode()
    except (OSError, IndexError):  # not on Linux, or the process has ended
        return ""


def parent_processes() -> list[int]:
    """Ids of the processes that this one was called by, the nearest first; empty where that cannot be known."""
    found: list[int] = []
    pid = os.getppid()
    while pid > 0 and pid not in found:
        found.append(pid)
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                pid = int(file.read().rsplit(b")", 1)[1].split()[1])
        except (OSError, IndexError, ValueError):
            break
    return found


def current_folder() -> str:
    """The folder that the program runs in."""
    try:
        return os.getcwd()
    except OSError:  # the folder was removed
        return "unknown"


def versions(packages: Sequence[str]) -> list[str]:
    """``name version`` of installed packages, without importing them."""
    found = []
    for package in packages:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{package} absent")
    return found


def peak_memory_kb() -> int:
    """Peak virtual memory of this process in kB (Linux: VmPeak; else the peak resident size)."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmPeak"))
    except (OSError, StopIteration):
        import resource  # not on Windows

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak // 1024 if sys.platform == "darwin" else peak
