"""The life of a worker: a process that runs the cases which come through its pipe."""

import signal
import sys
from multiprocessing.connection import Connection
from types import FrameType

from ..errors import ModelError
from .case_job import EndedCase, run_job

READY = "ready"
# A terminal sends these to all processes of a command; the parent alone decides what they mean.
SIGNALS_OF_A_TERMINAL = {signal.SIGINT, signal.SIGHUP} if hasattr(signal, "SIGHUP") else {signal.SIGINT}


def serve(pipe: Connection) -> None:
    """The life of a worker: run what comes until the pipe ends.

    Parameters
    ----------
    pipe : Connection
        Gives a case and its job, and takes an `EndedCase` or a ModelError.
    """

    def leave(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the parent may say it twice, and the second must not disturb
        raise KeyboardInterrupt

    sys.unraisablehook = _say_unless_interrupted
    signal.signal(signal.SIGTERM, leave)
    for number in SIGNALS_OF_A_TERMINAL:
        signal.signal(number, signal.SIG_IGN)
    try:
        pipe.send(READY)
        while True:
            case, job = pipe.recv()
            try:
                ended: EndedCase | ModelError = run_job(case, job)
            except ModelError as error:
                ended = error
            pipe.send(ended)
    except (EOFError, OSError, KeyboardInterrupt):  # the parent has ended, or wants an end
        sys.exit(0)


def _say_unless_interrupted(found: "sys.UnraisableHookArgs") -> None:
    """An interrupt may come while Python removes an object. Nobody can catch it there: the case runs to its end."""
    if not issubclass(found.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(found)
