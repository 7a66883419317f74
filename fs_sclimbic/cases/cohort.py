"""Many cases in one go; one is a cohort of one."""

import errno
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import ModelError, SclimbicError
from ..files.staging import append_text, encode_text, write_atomically
from ..files.system import now
from ..network.store import find_prior, learned_prior_file, write_prior
from ..segmentation.local_prediction import Predictor
from ..segmentation.population import Population
from ..segmentation.segment import Options, learn_prior
from .case import Case
from .pipeline import OpenCase, Outcome, PredictedCase, close_case, open_case, predict_case, prior_setting
from .run import Run
from .tables import Table, format_table, merge_rows

logger = logging.getLogger(__name__)

LOCK_SECONDS = 60


def run_cohort(cases: Sequence[Case], load: Callable[[], Predictor], options: Options, run: Run) -> Iterator[Outcome]:
    """Run cases one after the other, and yield the outcome of each as it ends.

    With more than one thread the next case is read, and the last one is written, while the network runs. Three
    images are held at most.

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
    steps = _Steps(cache(partial(_load, load)), options, run)
    outcomes = _side_by_side(cases, steps) if run.threads != 1 and len(cases) > 1 else map(steps.all, cases)
    for outcome in outcomes:
        if outcome.case.outputs.log:
            log_text(outcome.case.outputs.log, [*steps.run.log_header(), *outcome_lines(outcome)])
        yield outcome


class _Steps:
    """The steps of a case, with what the cohort has learned so far: where the structures of its model lie."""

    def __init__(self, get_predictor: Callable[[], Predictor], options: Options, run: Run) -> None:
        self._load, self._options, self.run = get_predictor, options, run
        self._prior, self._learns = run.spec.prior, not options.full_fov

    def _get_predictor(self) -> Predictor:
        predictor = self._load()
        # What runs the network may be another engine than was meant, where that one is broken.
        self.run = replace(self.run, engine=getattr(predictor, "engine", self.run.engine))
        return predictor

    def open(self, case: Case) -> OpenCase | Outcome:
        return open_case(case, self._options, self.run, self._prior)

    def look(self, opened: OpenCase | Outcome) -> PredictedCase | Outcome:
        if isinstance(opened, Outcome):
            return opened
        seen = predict_case(opened, self._get_predictor, self._options, self._prior)
        if isinstance(seen, Outcome):
            return seen
        # Here, not when the case is closed: which case is the first to know must not hang on how the steps overlap.
        seen = self._learn(seen)
        # A case that was opened before something was learned has been looked at with what was learned.
        settings = {**seen.open.settings, **prior_setting(self._prior, self._options)}
        return replace(seen, open=replace(seen.open, settings=settings))

    def close(self, seen: PredictedCase | Outcome) -> Outcome:
        if isinstance(seen, Outcome):
            return seen
        return close_case(seen, self._options, self.run)

    def all(self, case: Case) -> Outcome:
        return self.close(self.look(self.open(case)))

    def _learn(self, seen: PredictedCase) -> PredictedCase:
        """Learn from the first whole field of view where a model's structures lie; later runs know it too."""
        if self._prior is not None or not self._learns:
            return seen
        spec = self.run.spec
        kept = learned_prior_file(spec.sha256, spec.colors)
        try:
            learned = learn_prior(seen.open.prepared, seen.framed, spec)
            if learned is None:
                return seen
            prior, framed = learned
            # Another job may have learned it meanwhile: one place for all of a study.
            known = find_prior(spec.weights, spec.sha256, spec.colors)
            if known is None:
                write_prior(kept, prior, spec.sha256)
        except OSError as error:
            # What is not kept would be another place in the next run, and the results with it.
            self._learns = False
            return replace(seen, notes=(f"where the structures lie cannot be kept in {kept} ({error.strerror})",))
        except Exception as error:  # what is learned is time, not a result
            logger.warning("where the structures lie was not learned: %s: %s", type(error).__name__, error)
            return seen
        self._prior = known or prior
        notes = (f"learned where the structures lie, kept in {kept}",)
        return replace(seen, framed=framed, notes=notes)


def _side_by_side(cases: Sequence[Case], steps: _Steps) -> Iterator[Outcome]:
    closing: Future[Outcome] | None = None
    with ThreadPoolExecutor(1, "read") as reader, ThreadPoolExecutor(1, "write") as writer:
        opening = reader.submit(steps.open, cases[0])
        try:
            for number in range(len(cases)):
                opened = opening.result()
                if number + 1 < len(cases):
                    opening = reader.submit(steps.open, cases[number + 1])
                seen = steps.look(opened)
                del opened
                if closing is not None:
                    ended, closing = closing.result(), None  # an interrupt while it waits leaves it to the handler
                    yield ended
                closing = writer.submit(steps.close, seen)
                del seen
            if closing is not None:
                ended, closing = closing.result(), None
                yield ended
        except (KeyboardInterrupt, ModelError):
            opening.cancel()
            if closing is not None:  # its files are written, so its row belongs into the tables
                yield closing.result()
            raise


def _load(load: Callable[[], Predictor]) -> Predictor:
    """Whatever keeps a model from loading would keep it from loading for the next case too."""
    try:
        return load()
    except SclimbicError as error:
        raise ModelError(str(error)) from error
    except Exception as error:
        raise ModelError(
            f"the model cannot be loaded ({type(error).__name__}: {' '.join(str(error).split())[:300]})"
        ) from error


def outcome_lines(outcome: Outcome) -> list[str]:
    """An outcome for a log: what happened, warnings, the traceback of our own faults."""
    lines = [
        f"{now()} {outcome.case.name} {outcome.status} {outcome.seconds:.1f} s {outcome.message}".rstrip(),
        *(f"  {note}" for note in outcome.notes),
        *(f"  warning: {warning}" for warning in outcome.warnings),
    ]
    if outcome.status == "done":
        lines += [f"  wrote {path}" for path in (*outcome.case.outputs.products(), outcome.case.outputs.record)]
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
    files: Sequence[tuple[Path, Table]], outcomes: Sequence[Outcome], population: Population, *, update: bool = False
) -> list[Path]:
    """Write the tables of a cohort; they hold the cases that are done, and none is written without one.

    Parameters
    ----------
    files : sequence of (Path, Table)
    outcomes : sequence of Outcome
    population : Population
        Norms for the z scores.
    update : bool
        Keep the rows of other cases that a table holds already: array jobs of one subject each fill it together.

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
        text = format_table(table, rows, population)
        if update:
            _put_rows(path, text)
        else:
            write_atomically(path, encode_text(text))
    return [path for path, _ in files]


def _put_rows(path: Path, text: str) -> None:
    """Put rows into a table that other jobs write to at the same time."""
    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=LOCK_SECONDS)
    try:
        # Where a file system has no locks (NotImplementedError) a row may be lost, never a whole table.
        with suppress(NotImplementedError):
            lock.acquire()
        write_atomically(path, encode_text(merge_rows(_read_table(path), text)))
    except Timeout as error:
        raise OSError(errno.EAGAIN, f"locked by another job for {LOCK_SECONDS} s", str(path)) from error
    finally:
        lock.release()


def _read_table(path: Path) -> str:
    try:
        return path.read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""
