"""Run cases as the command does, with what a test gives instead of the costly parts."""

from contextlib import contextmanager

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.case_lock import lock_path
from fs_sclimbic.cases.cohort import run_cohort
from fs_sclimbic.cases.images import image_case
from fs_sclimbic.cases.pipeline import HeadFinders
from fs_sclimbic.files.owner_lock import take_lock
from fs_sclimbic.image.volume import write_volume
from fs_sclimbic.segmentation.options import Options

VOLUMES_ONLY = Requests(volumes=True)


def no_head(_):
    """A search that finds no head."""
    return None


def never(*_):
    """Stands for what must not be called."""
    raise AssertionError("was called for nothing")


def run_one(case, load, run, options=None, **finders):
    """The outcome of one case: a cohort of one.

    Parameters
    ----------
    case : Case
    load : callable
        Gives the predictor.
    run : Run
    options : Options, optional
    finders : callable
        ``register`` and ``locate`` of `HeadFinders`; by default registering is an error.
    """
    finders = HeadFinders(**{"register": never, **finders})
    (outcome,) = run_cohort([case], load, options or Options(), run, finders=finders)
    return outcome


def cases_of(folder, head, count, requests=VOLUMES_ONLY):
    """Cases of one head under many names, as images without a transform."""
    for number in range(count):
        write_volume(head, folder / f"head{number}.nii.gz")
    return [
        image_case(folder / f"head{number}.nii.gz", folder / f"seg{number}.mgz", requests) for number in range(count)
    ]


@contextmanager
def hold_case(case):
    """Hold a case as another run does."""
    lock = take_lock(lock_path(case))
    try:
        yield lock
    finally:
        lock.release()
