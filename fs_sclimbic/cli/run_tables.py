"""The tables at the end of a run: written from its outcomes, with warnings of what stands in them."""

import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from ..cases.pipeline import Outcome
from ..cases.record import read_record
from ..cases.tables import case_names, cases_with_other_columns, write_tables
from ..network.spec import ModelSpec
from ..segmentation.options import Options
from .plan import Plan
from .progress import say

MIXED_SETTINGS = {
    "weights_sha256": "rows were made with other weights than {spec.name}",
    "percentile": "rows were made with another top of the intensity range",
    "low_percentile": "rows were made with another bottom of the intensity range",
    "average_shifts": "rows were made with another number of starts",
}
"""Settings that all rows of a table should share, and what is said where they do not."""


def mixed_rows(plan: Plan, spec: ModelSpec) -> Iterator[str]:
    """What is to be known about the rows of tables that got one subject's row, one line each.

    Parameters
    ----------
    plan : Plan
    spec : ModelSpec

    Yields
    ------
    str
    """
    yield from _mixed_settings(plan, spec)
    yield from _mixed_columns(plan)


def _mixed_settings(plan: Plan, spec: ModelSpec) -> Iterator[str]:
    """Find tables that got one subject's row and hold rows made with other weights, or another preset."""
    (case,) = plan.cases
    ours = read_record(case.outputs.record)
    record_of = case.outputs.record.relative_to(plan.folder / case.name)
    if ours is None:
        return
    texts = {path: path.read_text("utf-8", "surrogateescape") for path, _ in plan.tables if path.exists()}
    rows = {path: case_names(text) for path, text in texts.items()}
    # Once each: thousands of records, over a network, in each of thousands of jobs.
    records = {name: read_record(plan.folder / name / record_of) for name in {*chain.from_iterable(rows.values())}}
    for path, names in rows.items():
        others: dict[str, list[str]] = {}
        for name in names:
            record = records[name]
            for key, words in MIXED_SETTINGS.items():
                if record and record.settings.get(key) != ours.settings.get(key):
                    others.setdefault(words.format(spec=spec), []).append(name)
        for words, cases in others.items():
            yield (
                f"{path}: {len(cases)} of {len(names)} {words} "
                f"({', '.join(cases[:5])}{' ...' if len(cases) > 5 else ''}); run them again with the same settings"
            )


def _mixed_columns(plan: Plan) -> Iterator[str]:
    """Find tables that got one subject's row and hold rows with other columns."""
    for path, _ in plan.tables:
        text = path.read_text("utf-8", "surrogateescape") if path.exists() else ""
        if others := cases_with_other_columns(text):
            yield (
                f"{path}: {len(others)} rows have empty cells ({', '.join(others[:5])}"
                f"{' ...' if len(others) > 5 else ''}): they were made with other structures or other flags than this "
                "one; run them again with the same command line"
            )


def write_run_tables(plan: Plan, outcomes: Sequence[Outcome], options: Options, log: Callable[..., None]) -> bool:
    """Write the tables, and warn where one cannot be written or is old.

    Parameters
    ----------
    plan : Plan
    outcomes : sequence of Outcome
    options : Options
    log : callable
        Adds lines to the log of the run.

    Returns
    -------
    bool
        Whether all could be written.
    """

    def warn(text: str) -> None:
        log(f"warning: {text}")
        say(f"warning: {text}", sys.stderr)

    try:
        written = write_tables(plan.tables, outcomes, options.population, update=plan.update_tables, warn=warn)
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
    return True
