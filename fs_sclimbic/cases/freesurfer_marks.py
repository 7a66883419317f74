"""What FreeSurfer's own steps leave in a subject, too: ``touch/<step>.touch`` and ``scripts/<step>.cmd``."""

import logging
import os
import shlex
from contextlib import suppress
from pathlib import Path

from ..files.staging import append_text, encode_text, write_atomically
from ..files.system import current_folder, now
from .case import Case
from .run import Run

logger = logging.getLogger(__name__)


def mark_paths(case: Case) -> tuple[Path, Path] | None:
    """The touch file and the list of commands of a subject.

    Parameters
    ----------
    case : Case

    Returns
    -------
    (Path, Path) or None
        None for an image, and for a subject that is only read: its results lie elsewhere.
    """
    if case.scripts is None or case.outputs.record.parent != case.scripts:
        return None
    base = case.outputs.record.stem
    return case.scripts.parent / "touch" / f"{base}.touch", case.scripts / f"{base}.cmd"


def touch_older_mark(case: Case, time_ns: int) -> None:
    """Set the time of a subject's touch file to now if it is older than an input: FreeSurfer's scripts compare them.

    Parameters
    ----------
    case : Case
        It is done.
    time_ns : int
        When the last input was changed, nanoseconds.
    """
    paths = mark_paths(case)
    with suppress(OSError):  # there is none, or it is another user's
        if paths and paths[0].stat().st_mtime_ns < time_ns:
            os.utime(paths[0])


def leave_marks(case: Case, run: Run) -> None:
    """Leave the marks of a finished step in a subject; marks that cannot be written cost no case.

    Parameters
    ----------
    case : Case
        Its results are written.
    run : Run
    """
    paths = mark_paths(case)
    if paths is None:
        return
    touch, commands = paths
    command = shlex.join(run.command) or "python API"
    try:
        append_text(commands, f"#@# {Path(touch).stem} {now()}\n\ncd {shlex.quote(current_folder())}\n{command}\n\n")
        write_atomically(touch, encode_text(f"{command}\n"))  # the last file: it is not older than the results
    except OSError as error:
        logger.warning("%s: cannot be written (%s)", error.filename or touch, error.strerror)
