"""recon-all at work on a subject: its T1 may be half written, or may change."""

import os
from dataclasses import dataclass
from pathlib import Path

from ..files.system import host_name, parent_processes, process_runs

MARK_START = "IsRunning"
"""Files in ``scripts/`` that recon-all makes at its start and removes at its end."""
MAX_BYTES = 10_000


@dataclass(frozen=True)
class ReconAll:
    """A recon-all that has a subject in work."""

    text: str
    """Who, where and since when, in one line."""
    may_run: bool
    """Whether it can end by itself; False if its process, on this machine, runs no more."""


def find_recon_all(scripts: Path | None) -> ReconAll | None:
    """Find a recon-all that works on a subject.

    Parameters
    ----------
    scripts : Path or None
        Folder ``scripts`` of the subject; None for an image.

    Returns
    -------
    ReconAll or None
        None where nobody works on it, or it is recon-all that calls us.
    """
    if scripts is None:
        return None
    try:
        names = sorted(name for name in os.listdir(scripts) if name.startswith(MARK_START))
    except OSError:  # no such folder, or one that cannot be looked into: other checks name it
        return None
    for mark in (scripts / name for name in names):
        facts = _read_mark(mark)
        host, pid = facts.get("HOST", ""), facts.get("PROCESSID", "")
        is_here = host.split(".")[0] == host_name().split(".")[0] and pid.isdigit()
        if is_here and int(pid) in (os.getpid(), *parent_processes()):
            continue
        told = ", ".join(filter(None, (facts.get("USER", ""), host, facts.get("DATE", ""))))
        who = f" ({told})" if told else ""
        if is_here and not process_runs(int(pid)):
            return ReconAll(f"{mark}: recon-all was ended in its work{who}; run it again, or remove this file", False)
        return ReconAll(f"{mark}: recon-all works on this subject{who}", True)
    return None


def _read_mark(mark: Path) -> dict[str, str]:
    """The lines ``WORD value`` of such a file; empty if it was removed meanwhile."""
    try:
        with open(mark, "rb") as file:
            text = file.read(MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return {}
    pairs = (line.split(None, 1) for line in text.splitlines())
    return {pair[0]: " ".join(pair[1].split()) for pair in pairs if len(pair) == 2}
