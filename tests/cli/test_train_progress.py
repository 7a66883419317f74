import os
import signal

import pytest

from fs_sclimbic.cli.train_progress import watch_steps


@pytest.fixture(autouse=True)
def _sigterm_is_heard():
    """A test run that was started with SIGTERM ignored hears it here."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


def test_nothing_is_shown_where_nobody_looks(capsys):
    with watch_steps(0, 3, quiet=False) as go_on:
        assert [go_on(step, 0.5) for step in (1, 2, 3)] == [True] * 3
    assert capsys.readouterr().out == ""


def test_a_signal_asks_to_stop_after_the_step():
    with watch_steps(0, 3, quiet=True) as go_on:
        assert go_on(1, 0.5)
        os.kill(os.getpid(), signal.SIGTERM)
        assert not go_on(2, 0.5)


def test_a_bar_shows_loss_and_steps_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with watch_steps(1, 3, quiet=False) as go_on:
        assert go_on(2, 0.25)
    printed = capsys.readouterr().out
    assert "0.2500" in printed
    assert "2/3" in printed
