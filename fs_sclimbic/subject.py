"""Cases: where the files of one image or one recon-all subject are read and written."""

import fnmatch
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from .errors import SclimbicError, UsageError
from .volume import image_suffix

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
    log: Path | None = None
    """A log of this case alone; text is added to it."""

    def products(self) -> tuple[Path, ...]:
        """All files that exist when the case is done, the record included."""
        paths = (getattr(self, item.name) for item in fields(self) if item.name != "log")
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


@dataclass(frozen=True)
class Requests:
    """Which files a user asks for beside the segmentation."""

    posteriors: bool = False
    volumes: bool = False
    qa_stats: bool = False


def subject_case(
    subjects_dir: Path,
    name: str,
    requests: Requests,
    *,
    base: str = DEFAULT_BASE,
    transform: str | None = None,
    etiv: bool = True,
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
    etiv : bool
        Whether eTIV is wanted.
    log : str, optional
        Name of the log in ``scripts/``; by default ``<base>.log``.
    """
    home = subjects_dir / name
    mri, stats, scripts = home / "mri", home / "stats", home / "scripts"
    outputs = Outputs(
        segmentation=mri / f"{base}.mgz",
        record=scripts / f"{base}.json",
        posteriors=mri / f"{base}.posteriors.mgz" if requests.posteriors else None,
        stats=stats / f"{base}.stats",
        qa_stats=stats / f"{base}.qa.stats" if requests.qa_stats else None,
        log=scripts / (log or f"{base}.log") if home.is_dir() else None,
    )
    transforms = tuple(home / path for path in ((transform,) if transform else SUBJECT_TRANSFORMS)) if etiv else ()
    t1, problem = home / SUBJECT_T1, None
    if not home.is_dir():
        problem = f"{home}: subject does not exist in this SUBJECTS_DIR"
    elif not t1.is_file():
        problem = f"{t1}: does not exist; run recon-all -autorecon1 -autorecon2 (nu.mgz) first"
    return Case(name, t1, transforms, outputs, problem)


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
    there = sorted(path.parents[1].name for path in subjects_dir.glob(f"*/{SUBJECT_T1}"))
    if not names:
        if not there:
            raise UsageError(
                f"{subjects_dir}: no subject with {SUBJECT_T1} found; give --sd DIR or run recon-all first"
            )
        return there
    found: list[str] = []
    for name in (name.rstrip("/") for name in names):
        found += fnmatch.filter(there, name) or [name] if any(sign in name for sign in "*?[") else [name]
    return list(dict.fromkeys(found))


def image_case(
    image: Path, segmentation: Path, requests: Requests, *, base: str = DEFAULT_BASE, transform: Path | None = None
) -> Case:
    """The case of one image file with a named output file; the other outputs lie beside it."""
    suffix = _suffix_of_output(segmentation)
    stem = segmentation.name.removesuffix(suffix)
    return Case(
        stem,
        image,
        (transform,) if transform else (),
        _image_outputs(segmentation.parent / stem, suffix, requests, base, segmentation.parent / f"{stem}.ctab"),
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
    ours = (f".{base}", f".{base}.posteriors")
    images = sorted(
        path
        for path in folder.iterdir()
        if image_suffix(path)
        and not path.name.startswith(".")
        and not (folder.resolve() == output.resolve() and _stem(path).endswith(ours))
    )
    if not images:
        raise UsageError(f"{folder}: no image found; expected files that end in .mgz, .mgh, .nii or .nii.gz")
    times = Counter(_stem(path) for path in images)
    cases = []
    for image in images:
        name, suffix = _stem(image), _suffix_of_output(image)
        twins = [path.name for path in images if _stem(path) == name]
        outputs = _image_outputs(output / f"{name}.{base}", suffix, requests, base, output / f"{base}.ctab")
        transforms = (folder / f"{name}{transform_suffix}",) if transform_suffix else ()
        problem = (
            f"{image}: case name '{name}' is shared by {' and '.join(twins)}; rename one" if times[name] > 1 else None
        )
        cases.append(Case(name, image, transforms, outputs, problem))
    return cases


def _image_outputs(start: Path, suffix: str, requests: Requests, base: str, ctab: Path) -> Outputs:
    def beside(ending: str) -> Path:
        return start.with_name(start.name + ending)

    record = beside(".json") if start.name.endswith(f".{base}") else beside(f".{base}.json")
    return Outputs(
        segmentation=beside(suffix),
        record=record,
        ctab=ctab if suffix.lower().startswith(".nii") else None,
        posteriors=beside(f".posteriors{suffix}") if requests.posteriors else None,
        stats=beside(".stats") if requests.volumes else None,
        qa_stats=beside(".qa.stats") if requests.qa_stats else None,
    )


def _suffix_of_output(path: Path) -> str:
    suffix = image_suffix(path)
    if suffix is None:
        raise SclimbicError(f"{path}: expected an image that ends in .mgz, .mgh, .nii or .nii.gz")
    return suffix


def _stem(path: Path) -> str:
    return path.name.removesuffix(image_suffix(path) or "")
