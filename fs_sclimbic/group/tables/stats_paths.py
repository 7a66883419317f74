"""Where the stats files of a table lie, and which row each of them becomes."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ...cases.case import SUBJECT_T1
from ...errors import TableError, UsageError
from ..name_matching import DEFAULT_RULE, NameRule, find_names
from ..text_files import listed, raise_problems
from .subject_lists import Listed

STATS_ENDINGS = (".qa.stats", ".stats")
BASE_NAME = "sclimbic"
N_READERS, FILES_PER_TURN = 16, 32
"""Threads that wait for a network file system at the same time, and files that each takes at once."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class StatsFile:
    """One stats file and the row that it becomes."""

    name: str
    path: Path


def subject_files(
    subjects: Sequence[Listed],
    subjects_dir: Path,
    stats: str,
    subdir: str = "stats",
    *,
    allow_repeated: bool = False,
    rule: NameRule = DEFAULT_RULE,
) -> tuple[StatsFile, ...]:
    """The stats files ``SUBJECTS_DIR/<subject>/<subdir>/<stats>``.

    Parameters
    ----------
    subjects : sequence of Listed
    subjects_dir : Path
    stats : str
        Name of the stats file.
    subdir : str
        Its folder in a subject.
    allow_repeated : bool
        Let a subject be listed twice.
    rule : NameRule
        How the folder of a subject is found.

    Returns
    -------
    tuple of StatsFile
        In the order of the subjects, by the names in the list; whether they exist is not looked at.

    Raises
    ------
    UsageError
        If the subjects directory does not exist.
    TableError
        If a subject is listed twice, or it is in doubt whose folder one is; all that are, one a line.
    """
    _check_subjects_dir(subjects_dir)
    named = [Listed(subject.name.rstrip("/"), subject.origin) for subject in subjects]
    if not all(subject.name for subject in named):
        raise UsageError("the name of a subject is empty")
    first: dict[str, Listed] = {}
    problems = []
    for subject in named:
        if subject.name in first and not allow_repeated:
            places = " and ".join(place for place in (first[subject.name].origin, subject.origin) if place)
            problems.append(
                f"subject '{subject.name}' is listed twice{f' ({places})' if places else ''}; "
                "remove one, or allow it with --allow-repeated"
            )
        first.setdefault(subject.name, subject)
    raise_problems(problems)
    folders = _folders(subjects_dir, [subject.name for subject in named], rule)
    return tuple(StatsFile(subject.name, subjects_dir / folders[subject.name] / subdir / stats) for subject in named)


def _folders(subjects_dir: Path, names: Sequence[str], rule: NameRule) -> dict[str, str]:
    """Folders of subjects; a name may be written with other bytes on disk, or have more entities of BIDS there."""
    if rule.session is None and all((subjects_dir / name).exists() for name in names):
        return {name: name for name in names}
    sought = find_names(names, [entry.name for entry in os.scandir(subjects_dir)], rule, str(subjects_dir))
    raise_problems(sought.problems)
    return {name: sought.found.get(name, name) for name in names}


def notes_on_folders(files: Sequence[StatsFile], subjects_dir: Path) -> tuple[str, ...]:
    """Say which subjects were found in folders of other names.

    Parameters
    ----------
    files : sequence of StatsFile
        As from `subject_files`.
    subjects_dir : Path

    Returns
    -------
    tuple of str
        A line, or nothing.
    """
    others = [file for file in files if not file.path.is_relative_to(subjects_dir / file.name)]
    pairs = [f"{file.name} = {file.path.relative_to(subjects_dir).parts[0]}" for file in others]
    return (f"{len(pairs)} subject(s) have folders of other names: {listed(pairs)}",) if pairs else ()


def of_folder_mode(measure: str) -> str:
    """What to do when no subject has its stats file, since the results may be those of a folder of images."""
    quality = measure in ("confidence", "z")
    hint = (
        f"results of a folder of images are taken by --inputs OUT/*.sclimbic.{'qa.' if quality else ''}stats "
        "--names-from-files"
    )
    return hint + ("; OUT/sclimbic_volumes_all.csv is such a table already" if measure == "volume" else "")


def every_subject(
    subjects_dir: Path, stats: str, subdir: str = "stats", *, hint: str = ""
) -> tuple[tuple[Listed, ...], tuple[str, ...]]:
    """Every subject of a subjects directory that has the stats file, sorted.

    Parameters
    ----------
    subjects_dir : Path
    stats : str
        Name of the stats file.
    subdir : str
        Its folder in a subject.
    hint : str
        Advice for the message where no subject has the file.

    Returns
    -------
    subjects : tuple of Listed
    without : tuple of str
        Subjects of recon-all (folders with ``mri/nu.mgz``) that lack the file.
    """
    _check_subjects_dir(subjects_dir)
    homes = sorted(path for path in subjects_dir.iterdir() if not path.name.startswith("."))
    has_stats = side_by_side(lambda home: (home / subdir / stats).is_file(), homes)
    found = [Listed(home.name) for home, has in zip(homes, has_stats, strict=True) if has]
    others = [home for home, has in zip(homes, has_stats, strict=True) if not has]
    without = [home.name for home, has in zip(others, side_by_side(_has_t1, others), strict=True) if has]
    if not found:
        raise TableError(
            f"{subjects_dir}: no subject has {subdir}/{stats}; run mri_sclimbic_seg first, or give --stats or --sd"
            + (f"\n{hint}" if hint else "")
        )
    return tuple(found), tuple(without)


def _has_t1(home: Path) -> bool:
    return (home / SUBJECT_T1).is_file()  # fsaverage has none


def side_by_side(action: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Run an action that waits for files on each item, in threads; results in the order of the items.

    Parameters
    ----------
    action : callable
        Waits for files; called in threads.
    items : sequence

    Returns
    -------
    list
        Results in the order of the items.
    """
    turns = [items[start : start + FILES_PER_TURN] for start in range(0, len(items), FILES_PER_TURN)]
    with ThreadPoolExecutor(N_READERS) as pool:
        return [result for some in pool.map(lambda turn: [action(item) for item in turn], turns) for result in some]


def _check_subjects_dir(subjects_dir: Path) -> None:
    if not subjects_dir.is_dir():
        raise UsageError(f"{subjects_dir}: subjects directory does not exist; give --sd DIR or set SUBJECTS_DIR")


def input_files(
    paths: Sequence[str], *, names_from_files: bool = False, subdir: str = "stats"
) -> tuple[StatsFile, ...]:
    """Stats files named one by one.

    Parameters
    ----------
    paths : sequence of str
    names_from_files : bool
        Name the rows by the files (see `case_name`), not 0, 1, 2 ... as asegstats2table does.
    subdir : str
        Folder of the stats files inside a subject.

    Returns
    -------
    tuple of StatsFile
        In the order of the paths.

    Raises
    ------
    TableError
        If two rows would be of one case: the same file, its .stats and .qa.stats, or two files of one name.
    """
    files = [Path(path) for path in paths]
    keys = [str(file.with_name(_without_ending(file.name))) for file in files]
    names = [case_name(file, subdir) for file in files]
    problems = [
        f"{' and '.join(str(file) for file, other in zip(files, keys, strict=True) if other == key)}: "
        "are of one case; give one of them (*.sclimbic.stats leaves out the .qa.stats)"
        for key, count in Counter(keys).items()
        if count > 1
    ]
    if names_from_files and not problems:
        problems = [
            f"{' and '.join(str(file) for file, other in zip(files, names, strict=True) if other == name)}: "
            f"would both be row '{name}'; leave out one, or --names-from-files"
            for name, count in Counter(names).items()
            if count > 1
        ]
    raise_problems(problems)
    return tuple(
        StatsFile(name if names_from_files else str(number), file)
        for number, (name, file) in enumerate(zip(names, files, strict=True))
    )


def case_name(path: Path, subdir: str = "stats") -> str:
    """The case that a stats file is of.

    Parameters
    ----------
    path : Path
    subdir : str
        Folder of the stats files inside a subject.

    Returns
    -------
    str

    Examples
    --------
    >>> case_name(Path("out/head.sclimbic.stats")), case_name(Path("out/head.qa.stats"))
    ('head', 'head')
    >>> case_name(Path("subjects/bert/stats/sclimbic.stats"))
    'bert'
    """
    name = _without_ending(path.name)
    if name != BASE_NAME:
        return name.removesuffix(f".{BASE_NAME}")
    home = path.absolute().parent
    return (home.parent if home.name == Path(subdir).name else home).name or name


def _without_ending(name: str) -> str:
    return next((name.removesuffix(ending) for ending in STATS_ENDINGS if name.endswith(ending)), name)
