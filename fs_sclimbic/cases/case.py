"""Cases: where the files of one image or one recon-all subject are read and written."""

import fnmatch
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import SclimbicError, UsageError
from ..image.volume import image_suffix
from .record import read_record

DEFAULT_BASE = "sclimbic"
DEFAULT_LOG = "mri_sclimbic.log"

SUBJECT_T1 = "mri/nu.mgz"
SUBJECT_TRANSFORMS = ("mri/transforms/talairach.xfm", "mri/transforms/talairach.xfm.lta")


@dataclass(frozen=True)
class Outputs:
    """Where the results of one case go; None where a file is not asked for."""

    segmentation: Path
    record: Path
    """Provenance and numbers as json, written last: what is recorded there is done."""
    ctab: Path | None = None
    posteriors: Path | None = None
    stats: Path | None = None
    qa_stats: Path | None = None
    xfm: Path | None = None
    lta: Path | None = None
    """The transform to MNI305 that was computed from the image, in both formats."""
    log: Path | None = None
    """A log of this case alone; text is added to it."""
    optional: tuple[Path, ...] = ()
    """All files that a user may ask for, also those not asked for this time."""

    def products(self) -> tuple[Path, ...]:
        """The files of results that are asked for; all are there when the case is done."""
        paths = (self.segmentation, self.ctab, self.posteriors, self.qa_stats, self.xfm, self.lta, self.stats)
        return tuple(path for path in paths if path is not None)


@dataclass(frozen=True)
class Case:
    """One image to segment."""

    name: str
    """Row name in the tables: the subject, or the image's name without its ending."""
    t1: Path
    transforms: tuple[Path, ...]
    """Candidates for the transform to MNI305, first choice first; empty where no eTIV is asked for."""
    outputs: Outputs
    problem: str | None = None
    """Why this case cannot be run, known before reading it."""

    @property
    def etiv_from_image(self) -> bool:
        """Whether the transform for eTIV is computed from the image, and written, instead of read."""
        return self.outputs.xfm is not None


@dataclass(frozen=True)
class Requests:
    """Which files a user asks for beside the segmentation."""

    posteriors: bool = False
    volumes: bool = False
    qa_stats: bool = False
    etiv_from_image: bool = False
    """Also asks for the transform that eTIV comes from."""


def subject_case(
    subjects_dir: Path,
    name: str,
    requests: Requests,
    *,
    base: str = DEFAULT_BASE,
    transform: str | None = None,
    log: str | None = None,
) -> Case:
    """The case of a recon-all subject.

    Parameters
    ----------
    subjects_dir : Path
    name : str
        Folder of the subject inside ``subjects_dir``.
    requests : Requests
        The volumes are always written in subject mode.
    base : str
        Stands for ``sclimbic`` in the names of the outputs.
    transform : str, optional
        Transform relative to the subject's folder; by default ``mri/transforms/talairach.xfm`` or
        ``talairach.xfm.lta``, whichever is there.
    log : str, optional
        Name of the log in ``scripts/``; by default ``<base>.log``.
    """
    home = subjects_dir / name
    mri, stats, scripts = home / "mri", home / "stats", home / "scripts"
    posteriors, qa_stats = mri / f"{base}.posteriors.mgz", stats / f"{base}.qa.stats"
    # Never talairach.xfm itself: that one is recon-all's.
    xfm, lta = (mri / "transforms" / f"{base}.talairach.{ending}" for ending in ("xfm", "lta"))
    outputs = Outputs(
        segmentation=mri / f"{base}.mgz",
        record=scripts / f"{base}.json",
        posteriors=posteriors if requests.posteriors else None,
        stats=stats / f"{base}.stats",
        qa_stats=qa_stats if requests.qa_stats else None,
        xfm=xfm if requests.etiv_from_image else None,
        lta=lta if requests.etiv_from_image else None,
        optional=(posteriors, qa_stats, xfm, lta),
        log=scripts / (log or f"{base}.log") if home.is_dir() else None,
    )
    given = (transform,) if transform else SUBJECT_TRANSFORMS
    transforms = () if requests.etiv_from_image else tuple(home / path for path in given)
    problem = _subject_problem(home, outputs, base)
    return Case(name, home / SUBJECT_T1, transforms, outputs, problem)


def _subject_problem(home: Path, outputs: Outputs, base: str) -> str | None:
    if not home.is_dir():
        what = "no subject matches this pattern" if is_pattern(home.name) else "subject does not exist"
        return f"{home}: {what} in SUBJECTS_DIR"
    if not (home / SUBJECT_T1).is_file():
        return f"{home / SUBJECT_T1}: does not exist; run recon-all as far as nu.mgz first"
    # --output-base nu, aseg or T1 would overwrite what recon-all made.
    target = outputs.segmentation
    if base != DEFAULT_BASE and target.exists() and not outputs.record.is_file() and not _is_ours(outputs.stats):
        return f"{target}: exists and was not made by this tool; give another --output-base, or remove it"
    return None


def _is_ours(stats: Path | None) -> bool:
    """Whether a stats file is that of an earlier run, also of the published tool."""
    return (
        stats is not None and stats.is_file() and "# Created by mri_sclimbic_seg" in stats.read_text(errors="replace")
    )


def is_pattern(name: str) -> bool:
    """Whether a subject is named by a pattern."""
    return any(sign in name for sign in "*?[")


def find_subjects(subjects_dir: Path, names: Sequence[str]) -> list[str]:
    """Subjects to run, sorted where they were not named one by one.

    Parameters
    ----------
    subjects_dir : Path
    names : sequence of str
        Subjects, or patterns such as ``*.long.*`` that match folders with an ``mri/nu.mgz``.
        Empty: every folder with an ``mri/nu.mgz``. A trailing slash is taken off. A pattern without a
        match and a name without a folder are kept: they fail as cases, with a reason.
    """
    if not subjects_dir.is_dir():
        raise UsageError(f"{subjects_dir}: subjects directory does not exist; give --sd DIR or set SUBJECTS_DIR")
    there = sorted(
        path.parents[1].name
        for path in subjects_dir.glob(f"*/{SUBJECT_T1}")
        if not path.parents[1].name.startswith(".")
    )
    if not names:
        if not there:
            raise UsageError(
                f"{subjects_dir}: no subject with {SUBJECT_T1} found; give --sd DIR or run recon-all first"
            )
        return there
    found: list[str] = []
    for given in names:
        name = _inside(subjects_dir, given)
        found += (fnmatch.filter(there, name) or [name]) if is_pattern(name) else [name]
    return list(dict.fromkeys(found))


def _inside(subjects_dir: Path, given: str) -> str:
    """A subject's name inside the subjects directory; a path to it is taken too."""
    name = os.path.relpath(given, os.path.abspath(subjects_dir)) if os.path.isabs(given) else os.path.normpath(given)
    if not given or name == "." or name.startswith(".."):
        raise UsageError(f"--s '{given}': expected the name of a subject in {subjects_dir}")
    return name


def image_case(image: Path, segmentation: Path, requests: Requests, *, transform: Path | None = None) -> Case:
    """The case of one image file with a named output file; the other outputs lie beside it."""
    suffix = _suffix_of_output(segmentation)
    stem = segmentation.name.removesuffix(suffix)
    return Case(
        stem,
        image,
        (transform,) if transform else (),
        _image_outputs(segmentation.parent / stem, suffix, requests, segmentation.parent / f"{stem}.ctab"),
        None if image.is_file() else f"{image}: image does not exist",
    )


def folder_cases(
    folder: Path, output: Path, requests: Requests, *, base: str = DEFAULT_BASE, transform_suffix: str | None = None
) -> list[Case]:
    """The cases of a folder of images, sorted by name.

    Two images that differ only in their ending would share one name in tables and outputs: both are
    returned with a problem. What this tool itself wrote into the folder is not taken for an image.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: folder does not exist")
    by_name: dict[str, list[Path]] = {}
    for image in _images_in(folder):
        by_name.setdefault(_stem(image), []).append(image)
    if not by_name:
        raise UsageError(f"{folder}: no image found; expected files that end in .mgz, .mgh, .nii or .nii.gz")
    cases = []
    for name, images in by_name.items():
        twins = " and ".join(image.name for image in images)
        for image in images:
            outputs = _image_outputs(
                output / f"{name}.{base}", _suffix_of_output(image), requests, output / f"{base}.ctab"
            )
            transforms = (folder / f"{name}{transform_suffix}",) if transform_suffix else ()
            problem = f"{image}: case name '{name}' is shared by {twins}; rename one" if len(images) > 1 else None
            cases.append(Case(name, image, transforms, outputs, problem))
    return cases


def _images_in(folder: Path) -> list[Path]:
    """Images of a folder by name, without hidden ones and without results that have their record beside them."""
    paths = sorted(folder.iterdir())  # once: a folder may hold thousands, over a network
    records = (read_record(path) for path in paths if path.name.endswith(f".{DEFAULT_BASE}.json"))
    results = {name for record in records if record for name in record.files}
    return [
        path
        for path in paths
        if image_suffix(path) and not path.name.startswith(".") and path.name not in results and not path.is_dir()
    ]


def _image_outputs(start: Path, suffix: str, requests: Requests, ctab: Path) -> Outputs:
    def beside(ending: str) -> Path:
        return start.with_name(start.name + ending)

    # From the segmentation's name alone: whoever writes that file finds its record.
    record = start.with_name(f"{start.name.removesuffix(f'.{DEFAULT_BASE}')}.{DEFAULT_BASE}.json")
    posteriors, stats, qa_stats = beside(f".posteriors{suffix}"), beside(".stats"), beside(".qa.stats")
    xfm, lta = beside(".talairach.xfm"), beside(".talairach.lta")
    return Outputs(
        segmentation=beside(suffix),
        record=record,
        ctab=ctab if suffix.lower().startswith(".nii") else None,
        posteriors=posteriors if requests.posteriors else None,
        stats=stats if requests.volumes else None,
        qa_stats=qa_stats if requests.qa_stats else None,
        xfm=xfm if requests.etiv_from_image else None,
        lta=lta if requests.etiv_from_image else None,
        optional=(posteriors, stats, qa_stats, xfm, lta),
    )


def _suffix_of_output(path: Path) -> str:
    suffix = image_suffix(path)
    if suffix is None:
        raise SclimbicError(f"{path}: expected an image that ends in .mgz, .mgh, .nii or .nii.gz")
    return suffix


def _stem(path: Path) -> str:
    return path.name.removesuffix(image_suffix(path) or "")
