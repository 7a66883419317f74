"""Many cases in one go; one is a cohort of one."""

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

from .pipeline import Outcome, run_case
from .provenance import Run, now
from .qa import Population
from .segmentation import Options, Predictor
from .staging import append_text, write_atomically
from .subject import Case
from .tables import Table, format_table

logger = logging.getLogger(__name__)


def run_cohort(cases: Sequence[Case], load: Callable[[], Predictor], options: Options, run: Run) -> Iterator[Outcome]:
    """Run cases one after the other, and yield the outcome of each as it ends.

    Parameters
    ----------
    cases : sequence of Case
    load : callable
        Loads the model; called at most once, and not at all when no case needs it.
    options : Options
    run : Run

    Raises
    ------
    ModelError
        If the model cannot be loaded.
    """
    get_predictor = cache(load)
    for case in cases:
        outcome = run_case(case, get_predictor, options, run)
        if case.outputs.log:
            log_text(case.outputs.log, [*run.log_header(), *outcome_lines(outcome)])
        yield outcome


def outcome_lines(outcome: Outcome) -> list[str]:
    """An outcome for a log: what happened, warnings, the traceback of our own faults."""
    lines = [
        f"{now()} {outcome.case.name} {outcome.status} {outcome.seconds:.1f} s {outcome.message}".rstrip(),
        *(f"  warning: {warning}" for warning in outcome.warnings),
    ]
    if outcome.status == "done":
        lines += [f"  wrote {path}" for path in outcome.case.outputs.products()]
    if outcome.stats is not None and outcome.stats.etiv_mm3 is not None:
        lines.append(f"  eTIV {outcome.stats.etiv_mm3:.6f} mm^3")
    return lines + outcome.details.splitlines()


def log_text(path: Path, lines: Sequence[str]) -> None:
    """Add lines to a log; a log that cannot be written costs no case."""
    try:
        append_text(path, "\n".join(lines) + "\n")
    except OSError as error:
        logger.warning("%s: log cannot be written (%s)", path, error.strerror)


def write_tables(
    files: Sequence[tuple[Path, Table]], outcomes: Sequence[Outcome], population: Population
) -> list[Path]:
    """Write the tables of a cohort; they hold the cases that are done, and none is written without one.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    OSError
        If a table cannot be written.
    """
    rows = [(outcome.case.name, outcome.stats) for outcome in outcomes if outcome.stats is not None]
    if not rows:
        return []
    for path, table in files:
        write_atomically(path, format_table(table, rows, population).encode())
    return [path for path, _ in files]
