"""The tables at the end of a run: written from its outcomes, with warnings of what stands in them."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ..cases.flag_table import write_all_tables
from ..cases.pipeline import Outcome
from ..cases.record import Settings
from ..cases.run import Run
from ..cases.settings import run_settings
from ..cases.study_folder import StudyFolder
from ..cases.tables import case_names, cases_with_other_columns
from ..segmentation.measure import SegStats
from ..segmentation.options import Options
from .plan import Plan
from .progress import say

MIXED_SETTINGS = {
    "weights_sha256": "other weights than {weights}",
    "percentile": "another top of the intensity range",
    "low_percentile": "another bottom of the intensity range",
    "average_shifts": "another number of starts",
}
"""Settings that all rows of a table should share, and what is said where they do not."""
MAX_NAMES = 5
"""A message names no more cases than this."""


@dataclass(frozen=True)
class OtherRows:
    """Numbers of the cases of a study that are not in this run; each record is read once."""

    study: StudyFolder
    settings: Settings
    """Of this run."""
    weights: str
    """Name of this run's weights."""
    read: dict[str, SegStats | None] = field(default_factory=dict)
    different: dict[str, list[str]] = field(default_factory=dict)
    """Cases by what differs, in words."""

    def __call__(self, name: str) -> SegStats | None:
        """The numbers of a case; None where it has no results."""
        if name not in self.read:
            # Once each, not once a table: thousands of records, over a network, in each of thousands of jobs.
            record = self.study.read(name)
            self.read[name] = record.stats if record else None
            for key, words in MIXED_SETTINGS.items():
                if record and record.settings.get(key) != self.settings.get(key):
                    self.different.setdefault(words.format(weights=self.weights), []).append(name)
        return self.read[name]


def write_run_tables(
    plan: Plan,
    outcomes: Sequence[Outcome],
    options: Options,
    this_run: Run,
    log: Callable[..., None],
    *,
    quiet: bool = False,
) -> bool:
    """Write the tables, and warn where one cannot be written, is old, or holds rows made in different ways.

    Parameters
    ----------
    plan : Plan
    outcomes : sequence of Outcome
    options : Options
    this_run : Run
    log : callable
        Adds lines to the log of the run.
    quiet : bool
        Print warnings alone.

    Returns
    -------
    bool
        Whether all could be written.
    """

    def warn(text: str) -> None:
        log(f"warning: {text}")
        say(f"warning: {text}", sys.stderr)

    def note(text: str) -> None:
        log(f"note: {text}")
        if not quiet:
            say(f"note: {text}")

    order = {case.name: number for number, case in enumerate(plan.cases)}  # cases that were waited for come late
    in_order = sorted(outcomes, key=lambda outcome: order.get(outcome.case.name, len(order)))
    others = None
    if plan.study:
        others = OtherRows(plan.study, run_settings(this_run, options), this_run.spec.name)
    try:
        written = write_all_tables(plan.tables, in_order, options.population, others=others, warn=warn, note=note)
    except OSError as error:
        say(
            f"mri_sclimbic_seg: error: {error.filename}: table cannot be written ({error.strerror or error}); the "
            "results of the cases are safe, give the same command again to write the tables",
            sys.stderr,
        )
        return False
    log(*(f"wrote {path}" for path in written))
    old = [path for path, _ in plan.tables if path.exists() and path not in written]
    if old:
        say(f"warning: no case is done, so {old[0]} is of an earlier run", sys.stderr)
    if others and written:
        for line in (*_mixed_settings(plan, others), *_mixed_columns(plan)):
            warn(line)
    return True


def _mixed_settings(plan: Plan, others: OtherRows) -> Iterator[str]:
    """What differs among the rows of the tables, one line each."""
    path, _ = plan.tables[0]
    total = len(case_names(path.read_text("utf-8", "surrogateescape")))
    for words, names in others.different.items():
        yield (
            f"{path}: {len(names)} of {total} rows were made with {words} ({_some(names)}); run them again with the "
            "same settings (--redo)"
        )


def _mixed_columns(plan: Plan) -> Iterator[str]:
    """Find tables that hold rows with other columns."""
    for path, _ in plan.tables:
        text = path.read_text("utf-8", "surrogateescape") if path.exists() else ""
        if others := cases_with_other_columns(text):
            yield (
                f"{path}: {len(others)} rows have empty cells ({_some(others)}): they were made with other structures "
                "or other flags than this one; run them again with the same command line"
            )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:MAX_NAMES]) + (" ..." if len(names) > MAX_NAMES else "")
