"""The steps of one case on disk: read, predict, write. An error becomes the case's outcome."""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from ..errors import ModelError, SclimbicError, describe_memory_error, naming
from ..files.owner_lock import HeldElsewhereError, OwnedLock
from ..image.volume import read_volume
from ..registration.head_search import locate_head
from ..registration.talairach import register
from ..segmentation.flag import Flag
from ..segmentation.local_prediction import LocalPrediction, Predictor
from ..segmentation.measure import SegStats
from ..segmentation.options import Options
from ..segmentation.segment import LocateHead, Prepared, Segmentation, finish, predict, prepare
from .case import Case
from .case_lock import HeldCases, remove_left_lock
from .case_picture import DrawPicture, PictureContent, draw_picture, transform_to_show
from .earlier_result import EarlierResult, look_at_case
from .freesurfer_marks import leave_marks
from .head_size import HeadSize, Register, compute_head_size
from .inputs import InputFile, check_unchanged
from .outputs import CaseResult, check_names, check_writable, write_outputs
from .recon_all import find_recon_all
from .record import Record, Settings, changed_settings, read_record, stale_files
from .run import Run
from .settings import prior_setting

Step = TypeVar("Step")
Status = Literal["done", "skipped", "failed"]


@dataclass(frozen=True)
class HeadFinders:
    """How a head is found in an image."""

    locate: LocateHead = locate_head
    """Quickly, to a few mm: where the network's box lies."""
    register: Register = register
    """Exactly: the transform to MNI305 that eTIV is computed from."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one case ended."""

    case: Case
    status: Status
    seconds: float
    """Work on this case, without waiting for others."""
    message: str = ""
    """Why it failed, in one line."""
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """How it was done, for the log."""
    flags: tuple[Flag, ...] = ()
    """What looks wrong about the results."""
    stats: SegStats | None = None
    """The numbers of a done or skipped case."""
    details: str = ""
    """Traceback of an error that is not the user's."""

    @property
    def is_elsewhere(self) -> bool:
        """Whether the case was left to another run, or to recon-all, that works on it; the message says to which."""
        return self.status == "skipped" and self.stats is None and bool(self.message)


@dataclass(frozen=True, eq=False, kw_only=True)
class OpenCase:
    """A case whose inputs are read."""

    case: Case
    settings: Settings
    """As far as they were known when the case was opened."""
    record: Record | None
    """What an earlier run left."""
    head: HeadSize
    lock: OwnedLock | None
    """Keeps other runs from this case."""
    prepared: Prepared
    inputs: tuple[InputFile, ...]
    """The image, and the transform if one was read."""
    seconds: float
    notes: tuple[str, ...] = ()
    """How the image was read, where that departs from its name or format."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PredictedCase:
    """A case on which the network has run."""

    opened: OpenCase
    prediction: LocalPrediction
    run: Run
    """The run with the engine that was used, and with the prior by which the prediction was cropped."""
    seconds: float
    notes: tuple[str, ...] = ()
    """Further lines for the log."""


def open_case(case: Case, options: Options, run: Run, finders: HeadFinders, held: HeldCases) -> OpenCase | Outcome:
    """Read the inputs of a case, unless it is done, or another run works on it.

    Parameters
    ----------
    case : Case
    options : Options
    run : Run
    finders : HeadFinders
    held : HeldCases
        Gets the lock of the case.

    Returns
    -------
    OpenCase or Outcome
        The outcome, if the case is done already or cannot be run.
    """

    def action(seconds: Callable[[], float]) -> OpenCase | Outcome:
        if case.problem:
            return Outcome(case=case, status="failed", seconds=seconds(), message=case.problem)
        if recon_all := find_recon_all(case.scripts):
            if recon_all.may_run and run.wait_for_recon_all:
                return Outcome(case=case, status="skipped", seconds=seconds(), message=recon_all.text)
            advice = "; --wait-for-recon-all waits for it" if recon_all.may_run else ""
            return Outcome(case=case, status="failed", seconds=seconds(), message=f"{recon_all.text}{advice}")
        found = look_at_case(case, options, run)
        if found.is_done:
            remove_left_lock(case)
            return _skipped(case, seconds(), found, options)
        check_names(case)
        check_writable(case)
        lock = held.take(case)
        if read_record(case.outputs.record) != found.record:  # another run did it between the look and the lock
            found = look_at_case(case, options, run)
            if found.is_done:
                return _skipped(case, seconds(), found, options)
        t1, head = read_volume(case.t1), found.head
        check_unchanged(found.inputs)
        with naming(case.t1):
            if case.etiv_from_image:
                head = compute_head_size(case, t1, finders.register)
            prepared = prepare(t1, run.spec, options, head.ras2mni, finders.locate)
        return OpenCase(
            case=case,
            settings=found.settings,
            record=found.record,
            head=head,
            lock=lock,
            prepared=prepared,
            inputs=found.inputs,
            seconds=seconds(),
            notes=tuple(f"{case.t1}: {note}" for note in t1.notes),
        )

    return _outcome_of_errors(case, action)


def predict_case(
    opened: OpenCase, load: Callable[[], Predictor], options: Options, run: Run
) -> PredictedCase | Outcome:
    """Run the network on an open case.

    Parameters
    ----------
    opened : OpenCase
    load : callable
        Gives the model; called when the inputs are read, so that it is not loaded for files that are no images.
    options : Options
    run : Run

    Returns
    -------
    PredictedCase or Outcome
        The outcome, if the case fails.

    Raises
    ------
    ModelError
        If the model cannot be loaded: then no other case can be run either.
    """

    def action(seconds: Callable[[], float]) -> PredictedCase:
        predictor = load()
        with naming(opened.case.t1):
            prediction = predict(opened.prepared, predictor, run.spec.prior, options)
        # The engine may be another than the one asked for, if that one does not work here.
        used = replace(run, engine=getattr(predictor, "engine", run.engine))
        return PredictedCase(opened=opened, prediction=prediction, run=used, seconds=seconds())

    return _outcome_of_errors(opened.case, action, opened.seconds)


def close_case(predicted: PredictedCase, options: Options, draw: DrawPicture | None = None) -> Outcome:
    """Measure a case and write its results.

    Parameters
    ----------
    predicted : PredictedCase
    options : Options
    draw : callable, optional
        Draws the picture of the case, if one is asked for.

    Returns
    -------
    Outcome
    """
    opened, run = predicted.opened, predicted.run
    case, record = opened.case, opened.record
    # The prior may have been learned after the case was opened; the prediction was cropped by it.
    settings = {**opened.settings, **prior_setting(run.spec.prior, options)}

    def action(seconds: Callable[[], float]) -> Outcome:
        with naming(case.t1):
            result = finish(opened.prepared, predicted.prediction, run.spec, options, opened.head.etiv_mm3)
        picture, picture_warnings = None, list[str]()
        if case.outputs.picture is not None and draw is not None:
            picture, picture_warnings = draw_picture(draw, lambda: _content_of(opened, result), case.outputs.picture)
        drawn = None if picture is None else case.outputs.picture
        current = (*case.outputs.products(), opened.head.transform, drawn)
        optional = [path for path in case.outputs.optional if path not in current]
        stale = tuple(
            f"{path} is of an earlier run with other settings" for path in stale_files(record, settings, optional)
        )
        warnings = result.warnings + opened.head.warnings + stale
        flags = result.flags + opened.head.flags
        check_unchanged(opened.inputs)
        if opened.lock:
            opened.lock.check()
        is_foreign = record is None and case.outputs.segmentation.is_file()
        picture_warnings += write_outputs(
            CaseResult(
                case=case,
                head=opened.head,
                segmentation=result,
                settings=settings,
                warnings=warnings,
                flags=flags,
                options=options,
                run=run,
                picture=picture,
            )
        )
        leave_marks(case, run)
        otherwise = changed_settings(record, settings) if record is not None else []
        if otherwise:
            warnings = (
                *warnings,
                f"replaced an earlier result, made with other {', '.join(otherwise)}; tables that were not written now "
                "still hold its numbers",
            )
        return Outcome(
            case=case,
            status="done",
            seconds=opened.seconds + predicted.seconds + seconds(),
            warnings=(*warnings, *picture_warnings),
            flags=flags,
            notes=(
                *(opened.notes + result.notes + predicted.notes),
                *([f"wrote {drawn}"] if drawn and not picture_warnings else []),
                *(["replaced a segmentation without a record of this tool"] if is_foreign else []),
            ),
            stats=result.stats,
        )

    return _outcome_of_errors(case, action, opened.seconds + predicted.seconds)


def _skipped(case: Case, seconds: float, found: EarlierResult, options: Options) -> Outcome:
    flags = found.flags(options.population)
    return Outcome(
        case=case, status="skipped", seconds=seconds, warnings=found.warnings, notes=found.notes, flags=flags,
        stats=found.stats,
    )  # fmt: skip


def _content_of(opened: OpenCase, result: Segmentation) -> PictureContent:
    return PictureContent(
        title=opened.case.name,
        t1=opened.prepared.image,
        labels=result.labels,
        colors=result.colors,
        stats=result.stats,
        ras2mni=transform_to_show(opened.head),
    )


def _outcome_of_errors(
    case: Case, action: Callable[[Callable[[], float]], Step], seconds_before: float = 0.0
) -> Step | Outcome:
    """Do one step of a case; an error in it becomes the case's outcome.

    The step is given a function that says how long it has taken; the steps before it took ``seconds_before``.
    """
    start = time.monotonic()

    def failed(message: str, details: str = "") -> Outcome:
        seconds = seconds_before + time.monotonic() - start
        return Outcome(case=case, status="failed", seconds=seconds, message=message, details=details)

    try:
        return action(lambda: time.monotonic() - start)
    except ModelError:
        raise
    except HeldElsewhereError as error:
        message, seconds = f"running elsewhere: {error}", seconds_before + time.monotonic() - start
        return Outcome(case=case, status="skipped", seconds=seconds, message=message)
    except SclimbicError as error:
        return failed(str(error))
    except OSError as error:
        return failed(f"{error.filename or case.t1}: {error.strerror or error}", traceback.format_exc())
    except MemoryError as error:
        return failed(f"{case.t1}: {describe_memory_error(error)}", traceback.format_exc())
    except Exception as error:  # a fault of ours must not cost the other cases
        summary = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        return failed(f"{case.t1}: unexpected {summary}", traceback.format_exc())
