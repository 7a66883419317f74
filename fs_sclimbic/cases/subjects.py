"""Cases of recon-all subjects: which files of a SUBJECTS_DIR are read and written."""

import fnmatch
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from ..errors import UsageError, describe_unreadable
from ..files.content import ContentError, find_problem, read_small_file
from ..files.folders import list_folder
from .case import DEFAULT_BASE, SUBJECT_T1, SUBJECT_TRANSFORMS, Case, Outputs, Requests
from .case_picture import picture_file_of

LOST_FOUND = "lost+found"
"""A folder of root's in each disk's top folder: no subject, and nobody may look into it."""


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

    Returns
    -------
    Case
        With a problem if the subject does not exist, cannot be looked into, lacks its T1, or the output would
        overwrite another program's.
    """
    home = subjects_dir / name
    mri, stats, scripts = home / "mri", home / "stats", home / "scripts"
    posteriors, qa_stats = mri / f"{base}.posteriors.mgz", stats / f"{base}.qa.stats"
    # Never talairach.xfm itself: that one is recon-all's.
    xfm, lta = (mri / "transforms" / f"{base}.talairach.{ending}" for ending in ("xfm", "lta"))
    picture = picture_file_of(mri / f"{base}.mgz")
    outputs = Outputs(
        segmentation=mri / f"{base}.mgz",
        record=scripts / f"{base}.json",
        posteriors=posteriors if requests.posteriors else None,
        stats=stats / f"{base}.stats",
        qa_stats=qa_stats if requests.qa_stats else None,
        xfm=xfm if requests.etiv_from_image else None,
        lta=lta if requests.etiv_from_image else None,
        picture=picture if requests.picture else None,
        optional=(posteriors, qa_stats, xfm, lta, picture),
        log=scripts / (log or f"{base}.log") if os.path.isdir(home) and os.access(home, os.X_OK) else None,
    )
    given = (transform,) if transform else SUBJECT_TRANSFORMS
    transforms = () if requests.etiv_from_image else tuple(home / path for path in given)
    problem = _subject_problem(home, outputs, base)
    return Case(
        name=name, t1=home / SUBJECT_T1, transforms=transforms, outputs=outputs, scripts=scripts, problem=problem
    )


def _subject_problem(home: Path, outputs: Outputs, base: str) -> str | None:
    try:
        return _find_subject_problem(home, outputs, base)
    except OSError as error:  # another user's folder, or a mount that is gone: it costs this subject alone
        return f"{error.filename or home}: {describe_unreadable(error)}"


def _find_subject_problem(home: Path, outputs: Outputs, base: str) -> str | None:
    if not stat.S_ISDIR(_mode_of(home)):
        what = "no subject matches this pattern" if is_pattern(home.name) else "subject does not exist"
        return f"{home}: {what} in {home.parent}"
    t1, target = home / SUBJECT_T1, outputs.segmentation
    if not stat.S_ISREG(_mode_of(t1)):
        if os.path.lexists(t1):
            return find_problem(t1, "image")
        return f"{t1}: does not exist; run recon-all as far as nu.mgz first"
    # --output-base nu, aseg or T1 would overwrite a file of recon-all.
    if base != DEFAULT_BASE and _mode_of(target) and not _mode_of(outputs.record) and not _is_ours(outputs.stats):
        return f"{target}: exists and was not made by this tool; give another --output-base, or remove it"
    return None


def _mode_of(path: Path) -> int:
    """Kind and permissions of what is at a path, as in `os.stat`; 0 where nothing is.

    Raises OSError where that cannot be known; `Path.is_file` hides some such errors, and which ones depends on Python.
    """
    try:
        return os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return 0


def _is_ours(stats: Path | None) -> bool:
    """Whether a stats file is that of an earlier run, also of the published tool."""
    return (
        stats is not None
        and stat.S_ISREG(_mode_of(stats))
        and "# Created by mri_sclimbic_seg" in stats.read_text(errors="replace")
    )


def is_pattern(name: str) -> bool:
    """Whether a subject is named by a pattern."""
    return any(sign in name for sign in "*?[")


def find_subjects(subjects_dir: Path, names: Sequence[str]) -> list[str]:
    """Find the subjects to run; those that are not named one by one are sorted.

    Parameters
    ----------
    subjects_dir : Path
    names : sequence of str
        Subjects, or patterns such as ``*.long.*`` that match folders with an ``mri/nu.mgz``.
        Empty: every folder with an ``mri/nu.mgz``. A folder that cannot be looked into counts as a subject. A trailing
        slash is removed. A pattern without a match, a name without a folder, and a folder that cannot be looked into
        are kept: they fail as cases, with a reason. A folder of the very name is preferred to what the name matches as
        a pattern.

    Returns
    -------
    list of str

    Raises
    ------
    UsageError
        If the subjects directory does not exist, cannot be listed or has no subject, or a name lies outside it.
    """
    if not subjects_dir.is_dir():
        raise UsageError(f"{subjects_dir}: subjects directory does not exist; give --sd DIR or set SUBJECTS_DIR")
    if not names:
        there = _list_subjects(subjects_dir)
        if not there:
            raise UsageError(
                f"{subjects_dir}: no subject with {SUBJECT_T1} found; give --sd DIR or run recon-all first"
            )
        return there
    inside = [_inside(subjects_dir, given) for given in names]
    # A folder of the very name may be called a[1].
    patterns = {name for name in inside if is_pattern(name) and not os.path.isdir(subjects_dir / name)}
    there = _list_subjects(subjects_dir) if patterns else []
    found: list[str] = []
    for name in inside:
        found += (fnmatch.filter(there, name) or [name]) if name in patterns else [name]
    return list(dict.fromkeys(found))


def read_names(path: str | os.PathLike[str]) -> list[str]:
    """Subjects of a text file, one a line; blank lines, and lines that begin with ``#``, are left out.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    list of str

    Raises
    ------
    UsageError
        If the file cannot be read, or names no subject.
    """
    try:
        text = read_small_file(path, noun="list of subjects").decode("utf-8-sig", "surrogateescape")
    except ContentError as error:
        raise UsageError(f"{path}: {error}") from error
    lines = (line.strip() for line in text.splitlines())
    names = [line for line in lines if line and not line.startswith("#")]
    if not names:
        raise UsageError(f"{path}: names no subject; expected one a line")
    return names


def _list_subjects(subjects_dir: Path) -> list[str]:
    """Names of all folders with a T1, or that cannot be looked into, sorted."""
    return [
        name
        for name in list_folder(subjects_dir, "subjects directory")
        if not name.startswith(".") and name != LOST_FOUND and _may_be_subject(subjects_dir / name)
    ]


def _may_be_subject(home: Path) -> bool:
    try:
        return _mode_of(home / SUBJECT_T1) != 0
    except OSError:  # if it is a subject, leaving it out would go unnoticed
        return True


def _inside(subjects_dir: Path, given: str) -> str:
    """A subject's name inside the subjects directory; a path to the subject is accepted too."""
    name = os.path.relpath(given, os.path.abspath(subjects_dir)) if os.path.isabs(given) else os.path.normpath(given)
    if not given or name == "." or name.startswith(".."):
        raise UsageError(f"--s '{given}': expected the name of a subject in {subjects_dir}")
    return name
