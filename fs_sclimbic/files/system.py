"""Process and system: time, user, folder, versions, memory."""

import getpass
import importlib.metadata
import os
import sys
from collections.abc import Sequence
from datetime import datetime, timezone


def now() -> str:
    """UTC time to the second, ISO 8601."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def user_name() -> str:
    """Login name of the user who runs the program."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user without a name
        return "unknown"


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
