"""Logs: what became of each case, as text."""

import logging
from collections.abc import Sequence
from pathlib import Path

from ..files.staging import append_text
from ..files.system import now
from .pipeline import Outcome

logger = logging.getLogger(__name__)


def outcome_lines(outcome: Outcome) -> list[str]:
    """An outcome for a log: what happened, warnings, the traceback of our own faults."""
    lines = [
        f"{now()} {outcome.case.name} {outcome.status} {outcome.seconds:.1f} s {outcome.message}".rstrip(),
        *(f"  {note}" for note in outcome.notes),
        *(f"  warning: {warning}" for warning in outcome.warnings),
    ]
    if outcome.status == "done":
        lines += [f"  wrote {path}" for path in outcome.case.outputs.written()]
    if outcome.stats is not None and outcome.stats.etiv_mm3 is not None:
        lines.append(f"  eTIV {outcome.stats.etiv_mm3:.6f} mm^3")
    return lines + outcome.details.splitlines()


def write_log(path: Path, lines: Sequence[str]) -> None:
    """Add lines to a log; a log that cannot be written costs no case.

    Parameters
    ----------
    path : Path
        Made if it is missing.
    lines : sequence of str
    """
    try:
        append_text(path, "\n".join(lines) + "\n")
    except OSError as error:
        logger.warning("%s: log cannot be written (%s)", path, error.strerror)
