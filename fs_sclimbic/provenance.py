"""Who made a result, where, when and with what: the lines of logs and stats headers."""

import getpass
import importlib.metadata
import os
import platform
import shlex
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone

from . import __version__
from .model import ModelSpec

LIBRARIES = ("numpy", "scipy", "nibabel", "surfa", "openvino", "keras", "tensorflow")


def now() -> str:
    """UTC time to the second, ISO 8601."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def user_name() -> str:
    """Who runs the program, as the system knows them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user without a name
        return "unknown"


def current_folder() -> str:
    """The folder that the program runs in."""
    try:
        return os.getcwd()
    except OSError:  # removed meanwhile
        return "unknown"


@dataclass(frozen=True)
class Run:
    """One call of the program."""

    spec: ModelSpec
    command: tuple[str, ...]
    """The command line, word by word; empty when called from Python."""
    threads: int | None = None
    """Processor threads the engine was given; None leaves the choice to it."""
    engine: str = "unknown"
    """What runs the network."""
    precision: str = "float32"
    """What its layers compute in."""
    host: str = field(default_factory=socket.gethostname)
    user: str = field(default_factory=user_name)
    started: str = field(default_factory=now)
    """UTC, ISO 8601."""

    def lines(self) -> list[str]:
        """For the header of a stats file, in FreeSurfer's words."""
        return [
            f"generating_program fs_sclimbic {__version__}",
            f"cmdline {shlex.join(self.command) or 'python API'}",
            f"hostname {self.host}",
            f"user {self.user}",
            f"Weights {self.spec.name} SHA-256 {self.spec.sha256} ({self.spec.origin})",
            f"Network fov {self.spec.fov} features {self.spec.features} labels {len(self.spec.colors)}",
            f"Engine {self.engine} {self.precision}",
        ]

    def log_header(self) -> list[str]:
        """For the head of a log: the lines above and what helps to find a fault."""
        return [
            f"started {self.started}",
            *self.lines(),
            f"cwd {current_folder()}",
            f"weights_file {self.spec.weights}",
            f"threads {self.threads or 'default'}",
            f"platform {platform.platform()} Python {platform.python_version()}",
            f"libraries {' '.join(versions(LIBRARIES))}",
        ]


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
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak // 1024 if sys.platform == "darwin" else peak
