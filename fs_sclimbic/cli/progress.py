"""What a user sees while a cohort runs: a bar with the time left on a terminal, plain lines elsewhere."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..pipeline import Outcome


def show_progress(outcomes: Iterable[Outcome], total: int, quiet: bool, debug: bool = False) -> Iterator[Outcome]:
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
    """
    out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=out,
        transient=True,
        disable=quiet or not out.is_terminal,
    )
    with bar:
        task = bar.add_task("segmenting", total=total)
        for number, outcome in enumerate(outcomes, 1):
            _print(out, err, outcome, f"[{number}/{total}]", quiet, debug)
            bar.advance(task)
            yield outcome


def _print(out: Console, err: Console, outcome: Outcome, count: str, quiet: bool, debug: bool) -> None:
    name = outcome.case.name
    if outcome.status == "failed":
        err.print(f"{count} {name}: failed: {outcome.message}", style="red", markup=False)
        if debug and outcome.details:
            err.print(outcome.details, markup=False)
    elif not quiet:
        words = (
            f"done in {outcome.seconds:.1f} s"
            if outcome.status == "done"
            else "skipped, done before with the same settings"
        )
        out.print(f"{count} {name}: {words}: {outcome.case.outputs.segmentation}", markup=False)
    for warning in outcome.warnings if outcome.status == "done" else ():
        err.print(f"{count} {name}: warning: {warning}", style="yellow", markup=False)
