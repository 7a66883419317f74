"""One call of the program: who ran it, where, when and with what, for logs and stats headers."""

import platform
import shlex
import socket
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from .._version import __version__
from ..files.system import current_folder, now, user_name, versions
from ..network.spec import ModelSpec

LIBRARIES = ("numpy", "scipy", "nibabel", "surfa", "openvino", "keras", "tensorflow")


@dataclass(frozen=True)
class Run:
    """One call of the program."""

    spec: ModelSpec
    command: tuple[str, ...]
    """The command line, word by word; empty when called from Python."""
    _: KW_ONLY
    threads: int | None = None
    """Processor threads the engine was given; None leaves the choice to it."""
    engine: str = "unknown"
    """What runs the network."""
    precision: str = "float32"
    """What its layers compute in."""
    ctab: Path | None = None
    """The colour table of the model."""
    wait_for_recon_all: bool = False
    """Whether a subject that recon-all works on is waited for; else it fails."""
    model_is_named: bool = False
    """Whether the user named the weights; else they are the first that were found."""
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
        """For the start of a log: the lines of a stats header, and what helps to find a fault."""
        return [
            f"started {self.started}",
            *self.lines(),
            f"cwd {current_folder()}",
            f"weights_file {self.spec.weights}",
            *([f"ctab {self.ctab}"] if self.ctab else []),
            f"threads {self.threads or 'default'}",
            f"platform {platform.platform()} Python {platform.python_version()}",
            f"libraries {' '.join(versions(LIBRARIES))}",
        ]
