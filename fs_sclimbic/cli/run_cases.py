"""Run the cases of a plan to their end: log, screen, tables, summary and exit status, also when it is cut short."""

import sys
from collections.abc import Callable, Iterator, Sequence

from ..cases.case_log import outcome_lines, write_log
from ..cases.earlier_result import FLAGS_OF_NUMBERS
from ..cases.pipeline import Outcome
from ..cases.run import Run
from ..cases.verdicts import describe_verdicts, verdict_of
from ..errors import SclimbicError
from ..qc.judge_cohort import add_cohort_flags
from ..segmentation.options import Options
from .arguments import ALL_DONE, INTERRUPTED, SOME_FAILED
from .guard import signals_ask, signals_interrupt
from .measures import measure_lines
from .pages_hint import pages_hint
from .plan import Plan
from .progress import say
from .run_tables import write_run_tables


def run_plan(
    plan: Plan,
    coming: Iterator[Outcome],
    show: Callable[[Iterator[Outcome]], Iterator[Outcome]],
    options: Options,
    this_run: Run,
    *,
    header: Sequence[str] = (),
    quiet: bool = False,
) -> tuple[int, bool]:
    """Run the cases and write their tables, however the run ends.

    Parameters
    ----------
    plan : Plan
    coming : iterator of Outcome
        Runs a case for each outcome that it is asked for.
    show : callable
        Shows outcomes as they pass through it.
    options : Options
    this_run : Run
    header : sequence of str
        Further lines for the start of the log.
    quiet : bool
        Print no summary, unless the run is interrupted.

    Returns
    -------
    int
        The exit status.
    bool
        Whether a case has results.
    """

    def log(*lines: str) -> None:
        if plan.log is not None:
            write_log(plan.log, lines)

    log(*this_run.log_header(), *header)
    outcomes: list[Outcome] = []

    def record() -> Iterator[Outcome]:
        for outcome in coming:
            outcomes.append(outcome)
            log(*outcome_lines(outcome))
            yield outcome

    interrupted = False
    lost: Exception | None = None
    with signals_interrupt():
        try:
            for _ in show(record()):  # logged before it is shown: nothing on the screen costs a case its row
                pass
        except KeyboardInterrupt:
            interrupted = True
        except Exception as error:  # no model, or a fault: what was done before still gets its tables
            lost = error
            log(str(error) if isinstance(error, SclimbicError) else f"{type(error).__name__}: {error}")
        outcomes.sort(key=order_of(plan))
        with signals_ask() as asked:  # the tables are still written
            outcomes = add_cohort_flags(outcomes)
            tables_written = write_run_tables(plan, outcomes, options, this_run, log, quiet=quiet)
        interrupted = interrupted or asked()
    if len(plan.cases) == 1 and not quiet:
        for line in (line for outcome in outcomes if outcome.stats for line in measure_lines(outcome.stats)):
            say(line)
    summary = summarise(outcomes, len(plan.cases), interrupted)
    verdicts = [verdict_of(outcome) for outcome in outcomes if outcome.stats is not None]
    judged = describe_verdicts(verdicts)
    log(summary, *([judged] if judged else []))
    if interrupted or (len(plan.cases) > 1 and not quiet):
        say(summary, sys.stderr if interrupted else sys.stdout)
    if judged and not quiet:
        say(judged)
        if old := sum(FLAGS_OF_NUMBERS in outcome.notes for outcome in outcomes):
            say(
                f"note: an earlier version made {old} of these results: here they are judged by their numbers alone, "
                "in the pages of fs_sclimbic qc also by labels and image"
            )
        if plan.study is not None and len(plan.cases) > 1 and plan.part is None:  # of parts, merge tells it
            say(pages_hint(plan.study))
    if lost:
        raise lost
    failed = sum(outcome.status == "failed" for outcome in outcomes)
    has_results = failed < len(outcomes)
    if interrupted:
        return INTERRUPTED, has_results
    return SOME_FAILED if failed or not tables_written else ALL_DONE, has_results


def order_of(plan: Plan) -> Callable[[Outcome], int]:
    """A key that brings outcomes into the order of the plan's cases: workers end them in any order."""
    numbers = {case: number for number, case in enumerate(plan.cases)}
    return lambda outcome: numbers.get(outcome.case, len(numbers))


def summarise(outcomes: Sequence[Outcome], total: int, interrupted: bool = False) -> str:
    """How many cases are done, skipped, failed and not run, in one line.

    Parameters
    ----------
    outcomes : sequence of Outcome
    total : int
        How many cases there are.
    interrupted : bool

    Returns
    -------
    str
    """
    here = [outcome for outcome in outcomes if not outcome.is_elsewhere]
    count = {status: sum(outcome.status == status for outcome in here) for status in ("done", "skipped", "failed")}
    summary = ", ".join(f"{number} {status}" for status, number in count.items())
    if elsewhere := len(outcomes) - len(here):
        summary += f", {elsewhere} running elsewhere"
    if len(outcomes) < total:
        summary += f", {total - len(outcomes)} not run"
    if interrupted:
        summary += ": interrupted; give the same command again to go on"
    return summary
