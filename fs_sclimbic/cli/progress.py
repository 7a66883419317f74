"""What a user sees while a cohort runs: a bar and the time left on a terminal, plain lines elsewhere."""

import os
import sys
from collections.abc import Container, Iterable, Iterator
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from ..cases.pipeline import Outcome
from .terminal import printable

COLORS = {"failed": "red", "warning": "yellow"}


def say(text: str, stream: TextIO | None = None) -> None:
    """Print a line at once, without control characters.

    If the reader has gone (``| head``, a closed terminal), the run still goes on.

    Parameters
    ----------
    text : str
    stream : file, optional
        By default the standard output.
    """
    stream = stream or sys.stdout
    try:
        print(printable(text), file=stream, flush=True)
    except OSError:
        with open(os.devnull, "w") as sink:
            os.dup2(sink.fileno(), stream.fileno())


def show_progress(
    outcomes: Iterable[Outcome],
    total: int,
    quiet: bool,
    debug: bool = False,
    told: Container[tuple[str | None, str]] = (),
) -> Iterator[Outcome]:
    """Print each outcome as it comes and pass it on.

    Parameters
    ----------
    outcomes : iterable of Outcome
    total : int
        How many there will be.
    quiet : bool
        Print only failures and warnings.
    debug : bool
        Print the traceback of unexpected errors.
    told : container of (str, str)
        Cases and warnings that were printed already.

    Yields
    ------
    Outcome
    """
    if quiet or not sys.stdout or not sys.stdout.isatty():
        for number, outcome in enumerate(outcomes, 1):
            for kind, line in lines_of(outcome, f"[{number}/{total}]", debug, told):
                if kind in COLORS or not quiet:
                    say(line, sys.stderr if kind in COLORS else sys.stdout)
            yield outcome
        return
    console = Console(highlight=False, soft_wrap=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("segmenting", total=total)
        for number, outcome in enumerate(outcomes, 1):
            for kind, line in lines_of(outcome, f"[{number}/{total}]", debug, told):
                console.print(Text(printable(line), style=COLORS.get(kind, "")))
            bar.advance(task)
            yield outcome


def lines_of(
    outcome: Outcome, count: str, debug: bool, told: Container[tuple[str | None, str]] = ()
) -> Iterator[tuple[str, str]]:
    """The lines about an outcome.

    Parameters
    ----------
    outcome : Outcome
    count : str
        ``[3/10]``, for the start of each line.
    debug : bool
        With the traceback of an unexpected error.
    told : container of (str, str)
        Cases and warnings that are left out.

    Yields
    ------
    (str, str)
        Kind (``done``, ``skipped``, ``failed`` or ``warning``) and text.
    """
    start = f"{count} {outcome.case.shown_name}"
    if outcome.status == "failed":
        yield "failed", f"{start}: failed: {outcome.message}"
        if debug and outcome.details:
            yield "failed", outcome.details
    elif outcome.status == "done":
        yield "done", f"{start}: done in {outcome.seconds:.1f} s: {outcome.case.outputs.segmentation}"
    elif outcome.is_elsewhere:
        yield "skipped", f"{start}: {outcome.message}"
    else:
        yield "skipped", f"{start}: skipped, done before with the same settings: {outcome.case.outputs.segmentation}"
    for warning in outcome.warnings:
        if (outcome.case.shown_name, warning) not in told:
            yield "warning", f"{start}: warning: {warning}"
