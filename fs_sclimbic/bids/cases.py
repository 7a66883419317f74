"""Cases of a BIDS dataset: which files are read, and where their results lie among BIDS derivatives."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..cases.case import DEFAULT_BASE, SUBJECT_T1, Case, Outputs, Requests
from ..cases.case_picture import picture_file_of
from ..cases.subjects import subject_case
from ..errors import UsageError
from .entities import BidsName, format_entities
from .tree import T1Image

SUBJECTS_FOLDER = "sourcedata/sclimbic"
"""Of the stats, records and logs; the validator looks into no sourcedata."""
SEGMENTATION = "limbic"
RAW, RECON_ALL = "raw", "freesurfer"
"""The datasets that sources are named by, in BIDS URIs."""
NOT_IN_CASE_NAME = ("desc",)


@dataclass(frozen=True, kw_only=True)
class BidsCase:
    """A case, and what its sidecars say of where it comes from."""

    case: Case
    sources: tuple[str, ...]
    """BIDS URIs: the image first, then a transform that eTIV is taken from."""
    stem: Path
    """Of its files in anat/, up to ``_seg-limbic``."""


def case_entities(name: BidsName) -> dict[str, str]:
    """The entities of an image that its case has, too."""
    return {key: label for key, label in name.entities.items() if key not in NOT_IN_CASE_NAME}


def case_name(name: BidsName) -> str:
    """What the case of an image is called."""
    return format_entities(case_entities(name))


def image_cases(
    images: Sequence[T1Image], out: Path, requests: Requests, *, base: str = DEFAULT_BASE
) -> list[BidsCase]:
    """The cases of T1 images. A case is called by all entities of its image, whatever else the session holds.

    Parameters
    ----------
    images : sequence of T1Image
    out : Path
        Folder of the results.
    requests : Requests
    base : str
        Stands for ``sclimbic`` in the names of stats; another one stands as ``desc-`` in the names in anat/.

    Returns
    -------
    list of BidsCase
    """
    cases = []
    for image in images:
        entities, name = case_entities(image.name), case_name(image.name)
        stem, outputs = case_outputs(out, entities, requests, base=base)
        case = Case(name=name, t1=image.path, transforms=(), outputs=outputs, problem=image.problem)
        cases.append(BidsCase(case=case, sources=(f"bids:{RAW}:{image.source}",), stem=stem))
    return cases


def recon_all_cases(
    images: Sequence[T1Image], subjects_dir: Path, out: Path, requests: Requests, *, base: str = DEFAULT_BASE
) -> list[BidsCase]:
    """The cases of subjects of recon-all, whose nu.mgz and eTIV are used in place of the T1 images of a dataset.

    A session's subject is ``sub-01_ses-1``; where there is none, all sessions of a participant are one case, that of
    ``sub-01``. A participant without a subject is a case with a problem.

    Parameters
    ----------
    images : sequence of T1Image
        They say who is segmented, and of which sessions.
    subjects_dir : Path
    out : Path
        Folder of the results.
    requests : Requests
    base : str
        As for `image_cases`.

    Returns
    -------
    list of BidsCase

    Raises
    ------
    UsageError
        If the subjects directory does not exist.
    """
    if not subjects_dir.is_dir():
        raise UsageError(f"--subjects-dir {subjects_dir}: does not exist")
    wanted: dict[str, dict[str, str]] = {}
    for image in images:
        person, session = image.name.subset("sub"), image.name.subset("sub", "ses")
        is_there = "ses" in session and os.path.lexists(subjects_dir / format_entities(session))
        entities = session if is_there else person
        wanted.setdefault(format_entities(entities), entities)
    cases = []
    for name, entities in wanted.items():
        recon_all = subject_case(subjects_dir, name, requests)
        stem, outputs = case_outputs(out, entities, requests, base=base)
        case = replace(recon_all, outputs=outputs)
        sources: tuple[str, ...] = (f"bids:{RECON_ALL}:{name}/{SUBJECT_T1}",)
        used = next((path for path in case.transforms if os.path.isfile(path)), None)
        if used:
            sources += (f"bids:{RECON_ALL}:{name}/{used.relative_to(subjects_dir / name).as_posix()}",)
        cases.append(BidsCase(case=case, sources=sources, stem=stem))
    return cases


EVERYTHING = Requests(posteriors=True, volumes=True, qa_stats=True, etiv_from_image=True)


def case_outputs(
    out: Path, entities: Mapping[str, str], requests: Requests = EVERYTHING, *, base: str = DEFAULT_BASE
) -> tuple[Path, Outputs]:
    """Where the results of a case lie.

    Parameters
    ----------
    out : Path
        Folder of the derivatives.
    entities : mapping of str to str
        Of the case.
    requests : Requests
    base : str

    Returns
    -------
    Path
        Of the files in anat/, up to ``_dseg``.
    Outputs
    """
    name = format_entities(entities)
    folders = [f"{key}-{entities[key]}" for key in ("sub", "ses") if key in entities]
    described = {**entities, "seg": SEGMENTATION, **({} if base == DEFAULT_BASE else {"desc": base})}
    stem = "/".join((str(out), *folders, "anat", format_entities(described)))
    home = f"{out}/{SUBJECTS_FOLDER}/{name}"  # as text: Path's own ways take seconds for 10,000 people
    posteriors, qa_stats = Path(f"{stem}_probseg.nii.gz"), Path(f"{home}/stats/{base}.qa.stats")
    xfm, lta = (Path(f"{home}/mri/transforms/{base}.talairach.{ending}") for ending in ("xfm", "lta"))
    picture = picture_file_of(Path(f"{home}/mri/{base}.mgz"))
    return Path(stem), Outputs(
        segmentation=Path(f"{stem}_dseg.nii.gz"),
        record=Path(f"{home}/scripts/{base}.json"),
        posteriors=posteriors if requests.posteriors else None,
        stats=Path(f"{home}/stats/{base}.stats"),
        qa_stats=qa_stats if requests.qa_stats else None,
        xfm=xfm if requests.etiv_from_image else None,
        lta=lta if requests.etiv_from_image else None,
        log=Path(f"{home}/scripts/{base}.log"),
        picture=picture if requests.picture else None,
        optional=(posteriors, qa_stats, xfm, lta, picture),
    )


def record_file(home: Path, base: str = DEFAULT_BASE) -> Path:
    """The record of a case.

    Parameters
    ----------
    home : Path
        Its folder in `SUBJECTS_FOLDER`.
    base : str

    Returns
    -------
    Path
    """
    return home / "scripts" / f"{base}.json"
