"""What all commands share: errors in one line, and signals that end a run without losing work."""

import io
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ..errors import SclimbicError, UsageError, describe_memory_error, describe_system_error
from .arguments import BAD_USAGE, INTERRUPTED, SOME_FAILED
from .pipes import outlive_readers
from .terminal import printable

TALKATIVE_LIBRARIES = ("h5py", "absl", "tensorflow", "urllib3", "matplotlib", "jax")


def in_one_line(program: str, debug: bool, action: Callable[[], int]) -> int:
    """Do what a command is for; an error that a user can mend is printed in one line.

    Parameters
    ----------
    program : str
        Name of the command, for the line.
    debug : bool
        Log details, and let errors of the system show their traceback.
    action : callable
        Returns the exit status.

    Returns
    -------
    int
        The action's, or 1 (failed), 2 (usage), 130 (interrupted).
    """
    outlive_readers()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # file names may hold what a terminal's encoding does not
            stream.reconfigure(errors="backslashreplace")
    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    for talkative in TALKATIVE_LIBRARIES:
        logging.getLogger(talkative).setLevel(logging.WARNING)
    status, message = SOME_FAILED, ""
    try:
        return action()
    except KeyboardInterrupt:
        return INTERRUPTED
    except UsageError as error:
        status, message = BAD_USAGE, str(error)
    except SclimbicError as error:
        message = str(error)
    except OSError as error:
        if debug:
            raise
        message = describe_system_error(error)
    except MemoryError as error:
        message = describe_memory_error(error)
    print(printable(f"{program}: error: {message}"), file=sys.stderr)
    return status


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """A scheduler's SIGTERM and a dropped connection end the run as Ctrl-C does.

    A dropped connection sends SIGHUP more than once (from the system and from the shell); it interrupts once.
    """
    hung_up = threading.Event()

    def interrupt(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            if hung_up.is_set():
                return
            hung_up.set()
        raise KeyboardInterrupt

    with _handling((signal.SIGTERM, signal.SIGHUP), interrupt):
        yield


@contextmanager
def signals_ask() -> Iterator[Callable[[], bool]]:
    """The block is given a function that says whether a signal came. Only the second signal interrupts.

    SIGHUP is never taken for the second: a dropped connection sends it more than once.
    """
    asked = threading.Event()

    def note(number: int, _frame: FrameType | None) -> None:
        if asked.is_set() and number != signal.SIGHUP:
            raise KeyboardInterrupt
        asked.set()

    with _handling((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), note):
        yield asked.is_set


@contextmanager
def _handling(numbers: tuple[int, ...], handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # only there may signals be handled
        yield
        return
    # Ignored signals stay ignored: nohup ignores SIGHUP.
    heard = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    previous = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, former in previous.items():
            signal.signal(number, former)
