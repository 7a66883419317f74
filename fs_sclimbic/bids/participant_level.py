"""The participant level of a BIDS App: from a dataset and what is asked of it to cases."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

from ..cases.case import DEFAULT_BASE, Requests
from ..cases.case_log import outcome_lines, write_log
from ..cases.pipeline import Outcome
from ..cases.record import read_record
from .cases import RAW, RECON_ALL, BidsCase, image_cases, recon_all_cases
from .choice import ImageRequest, choose_images
from .dataset import DatasetInfo, check_output_folder, read_dataset_info
from .filters import NO_FILTER, ImageFilter
from .sidecars import write_sidecars
from .tree import find_t1_images

FMRIPREP_SUBJECTS = "sourcedata/freesurfer"
RAW_SUBJECTS = "derivatives/freesurfer"
NO_SUBJECTS_DIR = "none"
VOLUMES_AND_QA = Requests(volumes=True, qa_stats=True)


@dataclass(frozen=True, kw_only=True)
class DatasetRequest:
    """What is asked of a dataset."""

    dataset: Path
    out: Path
    participants: Collection[str] = ()
    """Labels, without ``sub-``; empty: everybody."""
    sessions: Collection[str] = ()
    """Labels, without ``ses-``; empty: all."""
    filter: ImageFilter = NO_FILTER
    subjects_dir: str | None = None
    """Of recon-all; ``none``: not to be used; None: that of fMRIPrep, if the dataset is one of its results."""
    lenient: bool = False
    """Go on without a proper dataset_description.json."""
    outputs: Requests = VOLUMES_AND_QA
    from_image: bool = False
    """Compute eTIV from the image, also for subjects of recon-all."""
    with_etiv: bool = True
    base: str = DEFAULT_BASE


@dataclass(frozen=True, kw_only=True)
class PlannedDataset:
    """The cases of a dataset."""

    info: DatasetInfo
    cases: tuple[BidsCase, ...]
    links: dict[str, Path]
    """Datasets that are read, by their words in BIDS URIs."""
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def plan_dataset(request: DatasetRequest) -> PlannedDataset:
    """Find the cases of a dataset; nothing is written.

    Parameters
    ----------
    request : DatasetRequest

    Returns
    -------
    PlannedDataset

    Raises
    ------
    UsageError
        If there is no such dataset, participant, session or image, or the output holds another dataset.
    """
    dataset, out = request.dataset, request.out
    info = read_dataset_info(dataset, lenient=request.lenient)
    check_output_folder(out, dataset, None if request.lenient else info)
    found = find_t1_images(dataset, request.participants)
    wanted = ImageRequest(sessions=frozenset(request.sessions), filter=request.filter, derived=info.is_derived)
    chosen = choose_images(found, wanted)
    subjects_dir, notes = _subjects_dir(request, info)
    if subjects_dir is None:
        outputs = replace(request.outputs, etiv_from_image=request.with_etiv)
        cases = image_cases(chosen.images, out, outputs, base=request.base)
        links = {RAW: dataset}
    else:
        outputs = replace(request.outputs, etiv_from_image=request.from_image)
        cases = recon_all_cases(chosen.images, subjects_dir, out, outputs, base=request.base)
        links = {RAW: dataset, RECON_ALL: subjects_dir}
    return PlannedDataset(
        info=info, cases=tuple(cases), links=links, notes=(*notes, *chosen.notes), warnings=chosen.warnings
    )


def _subjects_dir(request: DatasetRequest, info: DatasetInfo) -> tuple[Path | None, tuple[str, ...]]:
    """The SUBJECTS_DIR to use, and what is to be known about that."""
    given = request.subjects_dir
    if given:
        return (None, ()) if given == NO_SUBJECTS_DIR else (Path(given), ())
    of_fmriprep = request.dataset / FMRIPREP_SUBJECTS
    if info.is_derived and of_fmriprep.is_dir():
        text = f"nu.mgz and eTIV of recon-all in {of_fmriprep} are used; --subjects-dir none takes the T1w images"
        return of_fmriprep, (text,)
    of_raw = request.dataset / RAW_SUBJECTS
    if of_raw.is_dir():
        return None, (f"recon-all's results in {of_raw} are not used; --subjects-dir {of_raw} takes them",)
    return None, ()


def finisher(cases: Collection[BidsCase]) -> Callable[[Outcome], Outcome]:
    """Make the function that writes what belongs to a case beside its results.

    Parameters
    ----------
    cases : collection of BidsCase

    Returns
    -------
    callable
        Takes the outcome of one of the cases; returns it, or that the case failed since a sidecar cannot be written.
    """
    by_name = {bids_case.case.name: bids_case for bids_case in cases}

    def finish(outcome: Outcome) -> Outcome:
        log = outcome.case.outputs.log
        record = read_record(outcome.case.outputs.record) if outcome.stats is not None else None
        try:
            if record is not None:
                write_sidecars(by_name[outcome.case.name], record)
        except OSError as error:
            message = f"{error.filename}: sidecar cannot be written ({error.strerror})"
            outcome = replace(outcome, status="failed", message=message)
        if outcome.status == "failed" and log is not None and not log.parent.parent.is_dir():
            write_log(log, outcome_lines(outcome))  # the pipeline makes no folder for a case without results
        return outcome

    return finish
