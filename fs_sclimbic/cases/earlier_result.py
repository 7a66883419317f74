"""What an earlier run left of a case, beside what this run would make of it."""

from dataclasses import dataclass

from ..errors import SclimbicError
from ..files.system import now
from ..segmentation.flag import Flag
from ..segmentation.measure import SegStats
from ..segmentation.options import Options
from ..segmentation.population import Population
from .case import Case
from .freesurfer_marks import touch_older_mark
from .head_size import HeadSize, read_head_size
from .inputs import InputFile, input_files, newest_change_ns, states_of
from .outputs import touch_older
from .protection import ADVICE, ADVICE_OF_IMAGE, describe_differences, find_difference, weights_of_run
from .record import Record, Settings, changed_files, is_done, made_at, read_record, recorded_flags
from .run import Run
from .settings import hash_inputs, settings_of

FLAGS_OF_NUMBERS = "flags of the numbers alone: an earlier version made this result"


@dataclass(frozen=True, eq=False, kw_only=True)
class EarlierResult:
    """What is known of a case before its image is read."""

    record: Record | None
    """What an earlier run left."""
    settings: Settings
    """Those of this run, as far as they are known."""
    head: HeadSize
    inputs: tuple[InputFile, ...]
    is_done: bool
    """Whether the record holds what this run would make."""
    warnings: tuple[str, ...] = ()
    """Results that somebody changed since."""

    @property
    def stats(self) -> SegStats | None:
        """The numbers of the earlier run."""
        return self.record.stats if self.record else None

    @property
    def notes(self) -> tuple[str, ...]:
        """That an earlier version wrote no flags, if so."""
        return (FLAGS_OF_NUMBERS,) if self.record is not None and self.record.flags is None else ()

    def flags(self, population: Population) -> tuple[Flag, ...]:
        """The flags of the earlier run; those that its numbers give if it wrote none."""
        return () if self.record is None else recorded_flags(self.record, population)


def look_at_case(case: Case, options: Options, run: Run) -> EarlierResult:
    """Look at the inputs of a case, and at what an earlier run made of them.

    Parameters
    ----------
    case : Case
    options : Options
    run : Run

    Returns
    -------
    EarlierResult

    Raises
    ------
    SclimbicError
        If an input cannot be read, or there is a result of other weights or settings that may not be replaced.
    """
    states = states_of(case)
    head = read_head_size(case, without_etiv=options.without_etiv)
    hashes = hash_inputs(case, head.transform)
    inputs = input_files(states, hashes.by_path(case, head.transform))
    settings = settings_of(hashes, run, options)
    products, record = case.outputs.products(), read_record(case.outputs.record)
    # Of two runs with --redo side by side, one does the case. A time that is still to come is another machine's clock.
    is_wanted_again = options.redo and (record is None or not run.started < made_at(record) <= now())
    done = record is not None and not is_wanted_again and is_done(record, settings, products)
    warnings: tuple[str, ...] = ()
    if record is not None and done:
        warnings = tuple(
            f"{path}: is not what was written here and is left as it is; --redo makes it again"
            for path in changed_files(record, products)
        )
        if not warnings:
            touch_older(case.outputs, newest_change_ns(inputs))
            touch_older_mark(case, newest_change_ns(inputs))
    elif record is not None and not options.redo and (other := find_difference(case, record, run, options)):
        advice = ADVICE if case.scripts else ADVICE_OF_IMAGE
        raise SclimbicError(
            f"{case.outputs.segmentation}: {describe_differences([other], 1, weights_of_run(run))}; {advice}"
        )
    return EarlierResult(record=record, settings=settings, head=head, inputs=inputs, is_done=done, warnings=warnings)
