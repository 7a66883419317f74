"""Is this machine ready? Which program runs, with which weights and engine, and where results can be written."""

import os
import platform
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from .._version import __version__
from ..cases.study_folder import StudyFolder
from ..cases.study_weights import read_study_weights
from ..errors import SclimbicError
from ..files.locks import NO_LOCKS, FlockLike, flock
from ..files.processors import count_processors
from ..files.system import versions
from ..image.grid import Grid
from ..image.volume import Volume
from ..network.libraries import TELEMETRY_MODULE
from ..network.predictor import NetworkPredictor
from ..network.spec import ModelSpec
from ..network.store import SHIPPED, advice, find_model, models_folder
from ..network.weights import read_weights

COMMAND = "mri_sclimbic_seg"
OUR_WORD = b"fs_sclimbic"
"""Stands in the script of our command."""
MAX_SCRIPT_BYTES = 100_000
LIBRARIES = ("numpy", "scipy", "nibabel", "surfa", "openvino", "keras", "tensorflow")
TIMED_BOX_MM = 64
"""Edge of the box that the network is timed on; a head with a known prior needs about so much."""
FEWEST_FREE_GB = 1.0
GB = 1e9

Severity = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """One line about this machine."""

    severity: Severity
    """``problem``: runs will fail, or give other numbers than one may believe."""
    subject: str
    text: str


def find_commands(path: str) -> list[tuple[Path, bool]]:
    """All programs called mri_sclimbic_seg on a search path, and whether each is ours.

    Parameters
    ----------
    path : str
        As the variable PATH.

    Returns
    -------
    list of (Path, bool)
        The first one is what runs.
    """
    found = []
    for folder in dict.fromkeys(filter(None, path.split(os.pathsep))):
        program = Path(folder, COMMAND)
        if program.is_file() and os.access(program, os.X_OK):
            with suppress(OSError), open(program, "rb") as file:
                found.append((program, OUR_WORD in file.read(MAX_SCRIPT_BYTES)))
    return found


def look_at_commands(path: str) -> Iterator[Finding]:
    """Say which program a script would run."""
    found = find_commands(path)
    if not found:
        yield Finding("note", COMMAND, "not on the PATH; python -m fs_sclimbic runs this tool")
        return
    (first, is_ours), *others = found
    if is_ours:
        yield Finding("ok", COMMAND, f"{first} (this tool)")
    else:
        yield Finding("problem", COMMAND, f"{first} is another tool, FreeSurfer's own perhaps; put ours before it")
    for program, ours in others:
        yield Finding("note", "also there", f"{program} ({'this tool' if ours else 'another tool'})")


def look_at_weights(model: str | None) -> tuple[list[Finding], ModelSpec | None]:
    """Say which weights a run would use, and whether they are whole."""
    try:
        spec = find_model(model)
        read_weights(spec)
    except SclimbicError as error:
        return [Finding("problem", "weights", str(error))], None
    findings = [Finding("ok", "weights", f"{spec.weights} ({spec.origin}), SHA-256 {spec.sha256[:16]}")]
    if hint := advice(spec):
        severity: Severity = "problem" if os.environ.get("FREESURFER_HOME") and spec.origin == SHIPPED else "note"
        findings.append(Finding(severity, "", hint))
    return findings, spec


def look_at_engine(
    spec: ModelSpec,
    threads: int,
    load: Callable[..., NetworkPredictor] = NetworkPredictor,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Finding]:
    """Load the network and run it once; the times are those of this machine as it is now.

    Parameters
    ----------
    spec : ModelSpec
    threads : int
        Processor threads.
    load : callable
        Makes a predictor.
    clock : callable
        Gives the time, seconds.

    Yields
    ------
    Finding
    """
    start = clock()
    try:
        predictor = load(spec, threads=threads)
        loaded = clock()
        shape = (TIMED_BOX_MM,) * 3
        predictor.predict(Volume(np.zeros(shape, np.float32), Grid(shape, np.eye(4))))
    except Exception as error:  # whatever it is, a run would fail as well
        yield Finding("problem", "engine", f"the network does not run: {' '.join(str(error).split())[:300]}")
        return
    ended = clock()
    yield Finding(
        "ok",
        "engine",
        f"{predictor.engine}, {threads} thread{'s' if threads != 1 else ''}: loaded in {loaded - start:.1f} s, "
        f"{TIMED_BOX_MM} mm box in {ended - loaded:.1f} s",
    )
    yield telemetry_finding()


def telemetry_finding() -> Finding:
    """Whether a library's telemetry was loaded."""
    if sys.modules.get(TELEMETRY_MODULE) is not None:
        return Finding("problem", "telemetry", f"{TELEMETRY_MODULE} is loaded in this process")
    return Finding("ok", "telemetry", "none is loaded; nothing leaves this machine")


def look_at_folder(name: str, folder: Path, *, system_lock: FlockLike = flock) -> Finding:
    """Whether results can be written into a folder, and whether its file system has locks; a file is made and removed.

    Parameters
    ----------
    name : str
        What the folder is for.
    folder : Path
    system_lock : callable
        Takes the system's lock on an open file.

    Returns
    -------
    Finding
    """
    there = next((parent for parent in (folder, *folder.absolute().parents) if parent.exists()), folder)
    if not os.access(there, os.W_OK | os.X_OK) or not there.is_dir():
        return Finding("problem", name, f"{folder}: cannot be written to")
    if there != folder:
        return Finding("ok", name, f"{folder}: will be made, {there} can be written to")
    probe = there / f".sclimbic-doctor-{secrets.token_hex(8)}"
    try:
        descriptor = os.open(probe, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            locks = _describe_locks(descriptor, system_lock)
        finally:
            os.close(descriptor)
            probe.unlink()
    except OSError as error:
        return Finding("problem", name, f"{folder}: cannot be written to ({error.strerror})")
    free = shutil.disk_usage(there).free / GB
    severity: Severity = "ok" if free >= FEWEST_FREE_GB else "problem"
    return Finding(severity, name, f"{folder}: writable, {locks}, {free:.0f} GB free")


def _describe_locks(descriptor: int, system_lock: FlockLike) -> str:
    try:
        system_lock(descriptor)
    except OSError as error:
        return "no locks, heartbeats are used instead" if error.errno in NO_LOCKS else f"locks: {error.strerror}"
    return "has locks"


def look_at_study(folder: Path, base: str, spec: ModelSpec | None) -> Iterator[Finding]:
    """Whether the results that are there have the weights that a run would use.

    Parameters
    ----------
    folder : Path
        A SUBJECTS_DIR, or a folder of results.
    base : str
        Stands for ``sclimbic`` in the names of the results.
    spec : ModelSpec or None
        What a run would use.

    Yields
    ------
    Finding
        Nothing where there are no results.
    """
    known = read_study_weights(StudyFolder(folder=folder, base=base).weights_file)
    if known is None or spec is None:
        return
    if known.sha256 == spec.sha256:
        yield Finding("ok", "results there", f"made with these weights ({known.name})")
    else:
        yield Finding("problem", "results there", f"made with other weights ({known.name}); a run refuses to mix them")


def look_at_machine() -> Iterator[Finding]:
    """Versions, processors and memory."""
    yield Finding("ok", "fs_sclimbic", f"{__version__}, Python {platform.python_version()} ({sys.executable})")
    yield Finding("ok", "system", f"{platform.platform()}, {count_processors()} processors, {_memory_text()}")
    found = versions(LIBRARIES)
    yield Finding("ok", "libraries", ", ".join(text for text in found if not text.endswith(" absent")))


def _memory_text() -> str:
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        return (
            f"{os.sysconf('SC_AVPHYS_PAGES') * page / GB:.0f} of {os.sysconf('SC_PHYS_PAGES') * page / GB:.0f} GB free"
        )
    except (ValueError, OSError, AttributeError):
        return "memory unknown"


def models_finding() -> Finding:
    """Whether a model can be installed for this user, and what a run learns can be kept."""
    folder = models_folder()
    there = next((parent for parent in (folder, *folder.absolute().parents) if parent.exists()), folder)
    if os.access(there, os.W_OK | os.X_OK) and there.is_dir():
        return Finding("ok", "models", f"{folder}: can be written to")
    return Finding("note", "models", f"{folder}: cannot be written to; a model cannot be installed there")
