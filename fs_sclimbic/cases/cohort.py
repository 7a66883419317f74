"""Many cases in one go; one is a cohort of one."""

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeVar

from ..errors import ModelError, SclimbicError
from ..files.locks import FlockLike, flock
from ..notice import Notice
from ..segmentation.local_prediction import Predictor
from ..segmentation.options import Options
from .case import Case
from .case_lock import HeldCases, wait_for_case
from .case_log import outcome_lines, write_log
from .case_picture import DrawPicture, draw_missing_picture
from .learned_prior import PriorNotKeptError, learn_from
from .pipeline import HeadFinders, OpenCase, Outcome, PredictedCase, close_case, open_case, predict_case
from .run import Run

DEFAULT_FINDERS = HeadFinders()

Step = TypeVar("Step")
Tell = Callable[[Notice], None]
"""Shows a notice to people at once."""


def tell_nobody(_notice: Notice) -> None:
    """Show nothing: all notices are in the outcomes, too."""


@dataclass(frozen=True)
class Shared:
    """What all cases of a run share. A case that changes it hands a new one to the next case."""

    run: Run
    """Its model's prior is the one that is known so far."""
    learns: bool
    """Whether a prior is to be learned."""


@dataclass(frozen=True)
class Steps:
    """The steps of a case, with what never changes during a run."""

    load: Callable[[], Predictor]
    options: Options
    finders: HeadFinders
    tell: Tell
    held: HeldCases
    draw: DrawPicture | None

    def open(self, case: Case, run: Run) -> OpenCase | Outcome:
        """Read the inputs of a case; see `open_case`.

        Parameters
        ----------
        case : Case
        run : Run

        Returns
        -------
        OpenCase or Outcome
        """
        return self._free(open_case(case, self.options, run, self.finders, self.held))

    def _free(self, step: Step) -> Step:
        """Let other runs have a case that came to its end before it was closed."""
        if isinstance(step, Outcome):
            self.held.release(step.case)
        return step

    def predict(self, opened: OpenCase | Outcome, shared: Shared) -> tuple[PredictedCase | Outcome, Shared]:
        """Run the network on an open case, and learn a prior from it if none is known.

        Parameters
        ----------
        opened : OpenCase or Outcome
            An outcome is passed on.
        shared : Shared

        Returns
        -------
        PredictedCase or Outcome
        Shared
            For the next case.
        """
        if isinstance(opened, Outcome):
            return opened, shared
        for warning in opened.prepared.warnings:  # before the network runs, which may take a minute
            self.tell(Notice("warning", warning, opened.case.shown_name))
        predicted = self._free(predict_case(opened, self.load, self.options, shared.run))
        if isinstance(predicted, Outcome):
            return predicted, shared
        if shared.learns:
            try:
                predicted = learn_from(predicted)
            except PriorNotKeptError as error:
                # Do not learn again: the next run would learn from another head and get other results.
                return replace(predicted, notes=(str(error),)), Shared(predicted.run, learns=False)
        return predicted, Shared(predicted.run, shared.learns and predicted.run.spec.prior is None)

    def close(self, predicted: PredictedCase | Outcome, run: Run) -> Outcome:
        """Measure a case, write its results, and add its outcome to its log.

        Parameters
        ----------
        predicted : PredictedCase or Outcome
            An outcome is only logged, after a picture that is missing was drawn.
        run : Run

        Returns
        -------
        Outcome
        """
        if isinstance(predicted, Outcome):
            outcome = self._with_picture(predicted, run)
        else:
            try:
                outcome = close_case(predicted, self.options, self.draw)
            finally:
                self.held.release(predicted.opened.case)
        log = None if outcome.is_elsewhere else outcome.case.outputs.log
        if log and os.path.isdir(log.parent.parent):  # else the subject was removed: its folder is not made again
            write_log(log, [*run.log_header(), *outcome_lines(outcome)])
        return outcome

    def _with_picture(self, outcome: Outcome, run: Run) -> Outcome:
        """Draw the picture that a case lacks which was done before."""
        if self.draw is None or outcome.status != "skipped" or outcome.stats is None:
            return outcome
        warnings = draw_missing_picture(outcome.case, run.spec.colors, outcome.stats, self.draw)
        return replace(outcome, warnings=(*outcome.warnings, *warnings))


def first_shared(run: Run, options: Options) -> Shared:
    """What the first case of a run is given.

    Parameters
    ----------
    run : Run
    options : Options

    Returns
    -------
    Shared
        A prior is to be learned if the model has none, and the network does not run on its whole box anyway.
    """
    return Shared(run, learns=run.spec.prior is None and not options.full_fov)


def load_once(load: Callable[[], Predictor]) -> Callable[[], Predictor]:
    """Wrap what loads a model: it is called when the model is first asked for, and its errors are a ModelError.

    Parameters
    ----------
    load : callable

    Returns
    -------
    callable
        Gives the same model each time.
    """

    @cache
    def loaded() -> Predictor:
        try:
            return load()
        except SclimbicError as error:
            raise ModelError(str(error)) from error
        except Exception as error:  # whatever it is, it would happen again for the next case
            summary = " ".join(str(error).split())[:300]
            raise ModelError(f"the model cannot be loaded ({type(error).__name__}: {summary})") from error

    return loaded


def run_case(case: Case, steps: Steps, shared: Shared) -> tuple[Outcome, Shared]:
    """Run one case from its inputs to its log.

    Parameters
    ----------
    case : Case
    steps : Steps
    shared : Shared

    Returns
    -------
    Outcome
    Shared
        For the next case.

    Raises
    ------
    ModelError
        If the model cannot be loaded.
    """
    predicted, shared = steps.predict(steps.open(case, shared.run), shared)
    return steps.close(predicted, shared.run), shared


def run_cohort(
    cases: Sequence[Case],
    load: Callable[[], Predictor],
    options: Options,
    run: Run,
    *,
    finders: HeadFinders = DEFAULT_FINDERS,
    tell: Tell = tell_nobody,
    system_lock: FlockLike = flock,
    waits: bool = True,
    draw: DrawPicture | None = None,
) -> Iterator[Outcome]:
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
    finders : HeadFinders
        How heads are found in images.
    tell : callable
        Is given the warnings of an image before the network runs on it. They are in the outcome, too.
    system_lock : callable
        Takes the system's lock on an open file.
    waits : bool
        A case that another run works on comes last: when that run is through with it, its result is taken; if that run
        is killed, the case is done here. Without waiting its outcome is that it runs elsewhere.
    draw : callable, optional
        Draws the pictures that cases ask for, as `fs_sclimbic.qc.case_picture.encode_case_picture` does.

    Yields
    ------
    Outcome
        In the order of the cases, but for those that are waited for.

    Raises
    ------
    ModelError
        If the model cannot be loaded.
    """
    shared = first_shared(run, options)
    runs = _side_by_side if run.threads != 1 and len(cases) > 1 else _one_by_one
    elsewhere: list[Outcome] = []
    with HeldCases(system_lock=system_lock) as held:
        steps = Steps(load_once(load), options, finders, tell, held, draw)
        with closing(runs(cases, steps, shared)) as course:
            for learned, outcome in course:
                shared = learned
                if waits and outcome.is_elsewhere:
                    elsewhere.append(outcome)
                else:
                    yield outcome
        for outcome in elsewhere:
            while outcome.is_elsewhere:
                tell(Notice("note", f"waiting: {outcome.message}", outcome.case.shown_name))
                wait_for_case(outcome.case, with_recon_all=run.wait_for_recon_all)
                ((shared, outcome),) = _one_by_one([outcome.case], steps, shared)
            yield outcome


def _one_by_one(cases: Sequence[Case], steps: Steps, shared: Shared) -> Generator[tuple[Shared, Outcome], None, None]:
    for case in cases:
        outcome, shared = run_case(case, steps, shared)
        yield shared, outcome


def _side_by_side(cases: Sequence[Case], steps: Steps, shared: Shared) -> Generator[tuple[Shared, Outcome], None, None]:
    ending: Future[Outcome] | None = None
    with ThreadPoolExecutor(1, "read") as reader, ThreadPoolExecutor(1, "write") as writer:
        opening = reader.submit(steps.open, cases[0], shared.run)
        try:
            for number in range(len(cases)):
                opened = opening.result()
                if number + 1 < len(cases):
                    opening = reader.submit(steps.open, cases[number + 1], shared.run)
                predicted, shared = steps.predict(opened, shared)
                del opened
                if ending is not None:
                    ended, ending = ending.result(), None  # an interrupt while it waits leaves it to the handler
                    yield shared, ended
                ending = writer.submit(steps.close, predicted, shared.run)
                del predicted
            if ending is not None:
                ended, ending = ending.result(), None
                yield shared, ended
        except (KeyboardInterrupt, ModelError):
            opening.cancel()
            if ending is not None:  # its files are written, so its row belongs into the tables
                yield shared, ending.result()
            raise
