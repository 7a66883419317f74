"""What a user sees while a network trains, and how a signal ends the training."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from .guard import signals_ask

# The time left is estimated from the steps of this time.
SPEED_PERIOD_SECONDS = 600


@contextmanager
def watch_steps(first_step: int, total_steps: int, quiet: bool) -> Iterator[Callable[[int, float], bool]]:
    """Show a bar with the loss and the time left on a terminal; end the training where a signal asks for it.

    Parameters
    ----------
    first_step : int
        Steps that are done.
    total_steps : int
    quiet : bool
        Show nothing.

    Yields
    ------
    callable
        Called with a step's number and loss; returns whether to go on.
    """
    with signals_ask() as asked_to_stop:
        if quiet or not sys.stdout or not sys.stdout.isatty():  # the lines of the epochs are enough
            yield lambda step, loss: not asked_to_stop()
            return
        columns = (
            TextColumn("loss {task.fields[loss]:.4f}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        console = Console(highlight=False)
        with Progress(*columns, console=console, transient=True, speed_estimate_period=SPEED_PERIOD_SECONDS) as bar:
            task = bar.add_task("training", total=total_steps, completed=first_step, loss=0.0)

            def advance(step: int, loss: float) -> bool:
                bar.update(task, completed=step, loss=loss)
                return not asked_to_stop()

            yield advance
