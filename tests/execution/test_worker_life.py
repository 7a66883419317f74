"""A worker ends without a word when it is told to, however often."""

import multiprocessing
import os
import signal

import pytest

from fs_sclimbic.execution.worker_life import READY, serve


@pytest.fixture
def worker():
    """A process that is ready, and this end of its pipe."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    assert ours.recv() == READY
    yield process, ours
    process.kill()
    process.join()
    ours.close()


def test_it_ends_with_its_pipe(worker):
    process, pipe = worker
    pipe.close()
    process.join(60)
    assert process.exitcode == 0


def test_it_ends_at_once_when_it_is_told_so_twice(worker, capfd):
    process, _ = worker
    for _ in range(2):
        os.kill(process.pid, signal.SIGTERM)
    process.join(60)
    assert process.exitcode == 0
    assert "Traceback" not in capfd.readouterr().err


def test_it_does_not_hear_the_terminal(worker):
    process, pipe = worker
    os.kill(process.pid, signal.SIGINT)
    os.kill(process.pid, signal.SIGHUP)
    pipe.close()
    process.join(60)
    assert process.exitcode == 0, "by the end of its pipe, not by a signal"
