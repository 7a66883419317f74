"""Find the finished cases of a folder of results, or of a SUBJECTS_DIR; made by this tool or by FreeSurfer's own."""

import fnmatch
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from ..cases.case import DEFAULT_BASE, SUBJECT_T1, SUBJECT_TRANSFORMS
from ..cases.record import Record, read_record
from ..cases.subjects import LOST_FOUND, is_pattern
from ..errors import UsageError
from ..files.folders import list_folder
from ..image.volume import IMAGE_SUFFIXES, image_suffix
from .finished_case import FinishedCase
from .judge_cohort import judge_cohort
from .read_case import CaseFiles, provenance_of, read_finished_case

RECORD_ENDING = f".{DEFAULT_BASE}.json"
POSTERIORS_ENDING = ".posteriors"
N_IMAGE_READERS = 4
"""Threads that read cases; each holds two images."""
ReadCase = Callable[[CaseFiles], FinishedCase]
OTHER_T1S = ("mri/T1.mgz", "mri/orig.mgz", "mri/norm.mgz")
"""Of a recon-all subject, on the same grid as its T1: shown where that one is no longer there."""


def find_finished_cases(
    results_folder: str | os.PathLike[str],
    images_folder: str | os.PathLike[str] | None = None,
    base: str = DEFAULT_BASE,
    *,
    read: ReadCase = read_finished_case,
) -> list[FinishedCase]:
    """Find the finished cases of a folder of results: of a run on an image, or on a folder of images.

    Parameters
    ----------
    results_folder : path-like
        What was given to ``--o``, or the folder that the output lies in. Cases with a record are found by it; the
        published tool leaves none, and its cases are found by their names, ``<case>.<base>.mgz`` or ``.nii.gz``.
    images_folder : path-like, optional
        Where the images lie that were segmented, if the records do not say or the images were moved.
    base : str
        Stands for ``sclimbic`` in the names of results without a record.
    read : callable
        Reads a case from its files; several threads call it.

    Returns
    -------
    list of FinishedCase
        Sorted by name. A case whose files cannot be read has a problem, and none of its numbers.

    Raises
    ------
    UsageError
        If the folder does not exist, cannot be listed, or holds no result.
    """
    folder = Path(results_folder)
    names = list_folder(folder, "folder of results")
    images = Path(images_folder) if images_folder is not None else None
    found = {files.segmentation: files for files in _with_record(folder, names, images)}
    for files in _without_record(folder, names, images, base):
        found.setdefault(files.segmentation, files)
    if not found:
        raise UsageError(
            f"{folder}: no result found; expected segmentations with their records (<case>{RECORD_ENDING}), or files "
            f"<case>.{base}.mgz or .nii.gz"
        )
    return read_cases(sorted(_named_apart(list(found.values())), key=lambda files: files.name), read)


def find_finished_subjects(
    subjects_dir: str | os.PathLike[str],
    names: Sequence[str] = (),
    base: str = DEFAULT_BASE,
    *,
    read: ReadCase = read_finished_case,
) -> list[FinishedCase]:
    """Find the finished subjects of a SUBJECTS_DIR.

    Parameters
    ----------
    subjects_dir : path-like
    names : sequence of str
        Subjects, or patterns of names such as ``*.long.*``. Empty: every subject with a ``mri/<base>.mgz``.
    base : str
        Stands for ``sclimbic`` in the names of the results.
    read : callable
        Reads a case from its files; several threads call it.

    Returns
    -------
    list of FinishedCase
        In the order of the names, those of a pattern sorted. A subject that is named and has no segmentation, or whose
        files cannot be read, has a problem.

    Raises
    ------
    UsageError
        If the directory does not exist, cannot be listed, or has no finished subject.
    """
    home = Path(subjects_dir)
    there = [
        name
        for name in list_folder(home, "subjects directory")
        if not name.startswith(".") and name != LOST_FOUND and os.path.lexists(home / name / "mri" / f"{base}.mgz")
    ]
    wanted: list[str] = []
    for name in names:
        given = Path(name).name if os.path.isabs(name) else os.path.normpath(name)
        as_pattern = is_pattern(given) and not (home / given).is_dir()
        wanted += (fnmatch.filter(there, given) or [given]) if as_pattern else [given]
    if not names and not there:
        raise UsageError(f"{home}: no subject with mri/{base}.mgz found; segment them first (mri_sclimbic_seg --s)")
    return read_cases([_subject_files(home, name, base) for name in dict.fromkeys(wanted or there)], read)


def read_cases(files: Sequence[CaseFiles], read: ReadCase = read_finished_case) -> list[FinishedCase]:
    """Read cases side by side, as most of the time goes into files and their compression; and judge them as a cohort.

    Parameters
    ----------
    files : sequence of CaseFiles
    read : callable
        Reads a case from its files; several threads call it.

    Returns
    -------
    list of FinishedCase
        In the order of the files.
    """
    with ThreadPoolExecutor(N_IMAGE_READERS) as pool:
        return judge_cohort(list(pool.map(read, files)))


def _subject_files(home: Path, name: str, base: str) -> CaseFiles:
    subject = home / name
    mri = subject / "mri"
    transforms = (mri / "transforms" / f"{base}.talairach.xfm", *(subject / path for path in SUBJECT_TRANSFORMS))
    return CaseFiles(
        name=name,
        segmentation=mri / f"{base}.mgz",
        t1=_first_file((subject / SUBJECT_T1, *(subject / path for path in OTHER_T1S))),
        posteriors=_first_file((mri / f"{base}.posteriors.mgz",)),
        stats_file=_first_file((subject / "stats" / f"{base}.stats",)),
        record_file=_first_file((subject / "scripts" / f"{base}.json",)),
        transform=_first_file(transforms),
    )


def _named_apart(cases: Sequence[CaseFiles]) -> list[CaseFiles]:
    """Cases of one name, such as T1 of many single images, by the names of their results."""
    count = Counter(files.name for files in cases)
    return [replace(files, name=_result_name(files)) if count[files.name] > 1 else files for files in cases]


def _result_name(files: CaseFiles) -> str:
    if files.record_file is not None:
        return files.record_file.name.removesuffix(RECORD_ENDING)
    return files.segmentation.name.removesuffix(image_suffix(files.segmentation) or "")


def _with_record(folder: Path, names: Sequence[str], images: Path | None) -> Iterator[CaseFiles]:
    """The cases of a folder that left a record."""
    there = set(names)
    for name in names:
        record = read_record(folder / name) if name.endswith(RECORD_ENDING) else None
        segmentation = _segmentation_of(record, there) if record else None
        if record is None or segmentation is None:
            continue
        stem = segmentation.removesuffix(image_suffix(segmentation) or "")
        said = provenance_of(record.provenance)
        case = said.get("subjectname", name.removesuffix(RECORD_ENDING))
        transform = said.get("TransformFile")
        yield CaseFiles(
            name=case,
            segmentation=folder / segmentation,
            t1=_find_image(Path(said["InputFile"]) if "InputFile" in said else None, case, folder, images),
            posteriors=_beside(folder, stem, POSTERIORS_ENDING, there),
            stats_file=folder / f"{stem}.stats" if f"{stem}.stats" in there else None,
            record_file=folder / name,
            transform=_first_file(
                (folder / f"{stem}.talairach.xfm", *([Path(transform)] if transform is not None else []))
            ),
        )


def _segmentation_of(record: Record, there: set[str]) -> str | None:
    """The segmentation among the files of a record."""
    images = [(name, image_suffix(name)) for name in record.files]
    return next(
        (
            name
            for name, suffix in images
            if suffix and not name.removesuffix(suffix).endswith(POSTERIORS_ENDING) and name in there
        ),
        None,
    )


def _without_record(folder: Path, names: Sequence[str], images: Path | None, base: str) -> Iterator[CaseFiles]:
    """The cases that the published tool made, or whose record is lost."""
    there = set(names)
    for name in names:
        suffix = image_suffix(name)
        stem = name.removesuffix(suffix) if suffix else ""
        case = stem.removesuffix(f".{base}")
        if name.startswith(".") or not case or case == stem:
            continue
        yield CaseFiles(
            name=case,
            segmentation=folder / name,
            t1=_find_image(None, case, folder, images),
            posteriors=_beside(folder, stem, POSTERIORS_ENDING, there),
            stats_file=folder / f"{stem}.stats" if f"{stem}.stats" in there else None,
            ctab=_first_file((folder / f"{stem}.ctab", folder / f"{base}.ctab")),
        )


def _beside(folder: Path, stem: str, ending: str, there: set[str]) -> Path | None:
    return next(
        (folder / f"{stem}{ending}{suffix}" for suffix in IMAGE_SUFFIXES if f"{stem}{ending}{suffix}" in there), None
    )


def _find_image(given: Path | None, case: str, folder: Path, images: Path | None) -> Path | None:
    """The image that was segmented: where the record says, in the folder of images, or beside the results."""
    names = [*([given.name] if given else []), *(f"{case}{suffix}" for suffix in IMAGE_SUFFIXES)]
    folders = [images] if images else [folder]
    first = [] if images or given is None else [given]
    return _first_file([*first, *(place / name for place in folders for name in names)])


def _first_file(paths: Sequence[Path]) -> Path | None:
    return next((path for path in paths if os.path.isfile(path)), None)
