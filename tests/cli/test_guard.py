"""Errors in one line, and signals."""

import os
import signal
import threading

import pytest

from fs_sclimbic.cli.arguments import BAD_USAGE, INTERRUPTED, SOME_FAILED
from fs_sclimbic.cli.guard import in_one_line, signals_ask, signals_interrupt
from fs_sclimbic.errors import ImageError, UsageError


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (ImageError("t1.mgz: is blank"), SOME_FAILED, "prog: error: t1.mgz: is blank\n"),
        (UsageError("--x is not y"), BAD_USAGE, "prog: error: --x is not y\n"),
        (
            OSError(28, "No space left on device", "out.mgz"),
            SOME_FAILED,
            "prog: error: out.mgz: No space left on device\n",
        ),
        (OSError(524, "Unknown error 524"), SOME_FAILED, "prog: error: Unknown error 524\n"),
        (
            MemoryError("Unable to allocate 3.73 GiB"),
            SOME_FAILED,
            "prog: error: too little memory (Unable to allocate 3.73 GiB): give the job more, or run fewer at once\n",
        ),
        (KeyboardInterrupt(), INTERRUPTED, ""),
    ],
    ids=["ours", "usage", "system", "system without a file", "memory", "interrupt"],
)
def test_errors_take_one_line(error, status, line, capsys):
    def action():
        raise error

    assert in_one_line("prog", False, action) == status
    assert capsys.readouterr() == ("", line)


def test_a_fault_of_ours_shows_its_traceback():
    def action():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        in_one_line("prog", False, action)
    with pytest.raises(OSError, match="disk"):
        in_one_line("prog", True, lambda: (_ for _ in ()).throw(OSError("disk")))


def test_the_status_is_passed_on():
    assert in_one_line("prog", False, lambda: 7) == 7


@pytest.fixture
def hangup():
    """SIGHUP and SIGINT as they are by default; a function that sends SIGHUP and waits until it is handled."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    interrupt_before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def send():
        os.kill(os.getpid(), signal.SIGHUP)
        threading.Event().wait(5)  # interrupted by the handler

    yield send
    signal.signal(signal.SIGHUP, before)
    signal.signal(signal.SIGINT, interrupt_before)


def test_a_dropped_connection_ends_a_run_as_ctrl_c_does(hangup):
    with pytest.raises(KeyboardInterrupt), signals_interrupt():
        hangup()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


def test_nohup_is_honoured(hangup):
    """What the user has ignored stays ignored."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with signals_interrupt():
        os.kill(os.getpid(), signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_a_first_signal_asks_and_a_second_interrupts(hangup):
    with pytest.raises(KeyboardInterrupt), signals_ask() as asked:  # noqa: PT012
        assert not asked()
        os.kill(os.getpid(), signal.SIGHUP)
        assert asked()
        signal.raise_signal(signal.SIGINT)


def test_a_dropped_connection_that_is_told_twice_interrupts_no_clean_end(hangup):
    """The system sends SIGHUP when the terminal goes, and the shell sends it again to its jobs."""
    with signals_interrupt():
        with pytest.raises(KeyboardInterrupt):
            hangup()
        signal.raise_signal(signal.SIGHUP)
    with signals_ask() as asked:
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
        assert asked()
