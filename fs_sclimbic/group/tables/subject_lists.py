"""Who is in a table: subjects or stats files, named one by one or listed in a file."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TypeVar

from ...errors import TableError, UsageError
from ..design.fsgd_tags import TAGS
from ..text_files import raise_problems, read_cells, read_text

STATS_ENDINGS = (".qa.stats", ".stats")
BASE = "sclimbic"
T1 = "mri/nu.mgz"
"""What a folder of SUBJECTS_DIR has that is a subject to segment; fsaverage has none."""
READERS, FILES_A_TURN = 16, 32
"""Threads that wait for a network's file system beside each other; each takes some files at once."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Listed:
    """One row that is asked for."""

    name: str
    """Name of the subject or case."""
    origin: str = ""
    """``file:line`` where it is listed; empty for the command line."""


@dataclass(frozen=True)
class StatsFile:
    """One stats file and the row that it becomes."""

    name: str
    path: Path


def read_subjects_file(path: str | PathLike[str]) -> tuple[Listed, ...]:
    """Subjects of a text file, one a line; blank lines and lines that begin with ``#`` are left out."""
    file = Path(path)
    lines = ((number, line.strip()) for number, line in enumerate(read_text(file).split("\n"), 1))
    return _some([Listed(line, f"{file}:{number}") for number, line in lines if line and line[0] != "#"], file)


def read_fsgd_subjects(path: str | PathLike[str]) -> tuple[tuple[Listed, ...], tuple[str, ...]]:
    """Subjects of the Input lines of an FSGD, in its order; nothing else of it is looked at.

    Returns
    -------
    subjects : tuple of Listed
    warnings : tuple of str
        Lines whose first word is no tag: a misspelt Input loses its subject.

    Raises
    ------
    TableError
        If there is no Input line, or one without a subject.
    """
    file = Path(path)
    found, warnings = [], []
    for number, line in enumerate(read_text(file).split("\n"), 1):
        words = line.split()
        tag = words[0].lower() if words else "#"
        if tag == "input":
            if len(words) < 2:
                raise TableError(f"{file}:{number}: expected 'Input SUBJECT CLASS VALUES', found '{line.strip()}'")
            found.append(Listed(words[1], f"{file}:{number}"))
        elif not tag.startswith("#") and tag not in TAGS:
            warnings.append(f"{file}:{number}: '{words[0]}' is no FSGD tag, the line is ignored: '{line.strip()[:80]}'")
    return _some(found, file, "a line 'Input SUBJECT CLASS VALUES'"), tuple(warnings)


def read_qdec_subjects(path: str | PathLike[str], *, longitudinal: bool = False) -> tuple[Listed, ...]:
    """Subjects of a QDEC table: its column ``fsid``, or ``<fsid>.long.<fsid-base>``.

    Raises
    ------
    TableError
        With file and line, if a column or a name is missing.
    """
    file = Path(path)
    rows = read_cells(file, comment="#")
    wanted = ("fsid", "fsid-base") if longitudinal else ("fsid",)
    if not rows:
        raise TableError(f"{file}: expected a header with a column 'fsid' and a row a subject, found nothing")
    header = rows[0]
    missing = [name for name in wanted if name not in header.cells]
    if missing:
        raise TableError(
            f"{file}:{header.line}: expected a header with a column '{missing[0]}', found '{' '.join(header.cells)}'"
        )
    listed, problems = [], []
    for row in rows[1:]:
        if len(row.cells) != len(header.cells):
            problems.append(
                f"{file}:{row.line}: expected {len(header.cells)} cells as in the header, found {len(row.cells)}"
            )
            continue
        names = [row.cells[header.cells.index(name)] for name in wanted]
        if not all(names):
            problems.append(f"{file}:{row.line}: the cell of '{wanted[names.index('')]}' is empty")
        listed.append(Listed(".long.".join(names), f"{file}:{row.line}"))
    raise_problems(problems)
    return _some(listed, file)


def read_segids(path: str | PathLike[str]) -> tuple[int, ...]:
    """SegIds of a text file, one a line; blank lines are left out."""
    file, found = Path(path), []
    for number, line in enumerate(read_text(file).split("\n"), 1):
        if line.strip() and not (line.strip().isascii() and line.strip().isdigit()):
            raise TableError(f"{file}:{number}: expected a SegId such as 26, found '{line.strip()[:40]}'")
        found += [int(line)] if line.strip() else []
    if not found:
        raise TableError(f"{file}: lists no SegId; expected one a line")
    return tuple(found)


def _some(listed: Sequence[Listed], file: Path, expected: str = "one a line") -> tuple[Listed, ...]:
    if not listed:
        raise TableError(f"{file}: lists no subject; expected {expected}")
    return tuple(listed)


def subject_files(
    subjects: Sequence[Listed], subjects_dir: Path, stats: str, subdir: str = "stats", *, allow_repeated: bool = False
) -> tuple[StatsFile, ...]:
    """The stats files ``SUBJECTS_DIR/<subject>/<subdir>/<stats>``.

    Raises
    ------
    UsageError
        If the subjects directory does not exist.
    TableError
        If a subject is listed twice; all that are, one a line.
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
    return tuple(StatsFile(subject.name, subjects_dir / subject.name / subdir / stats) for subject in named)


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
    return (home / T1).is_file()


def side_by_side(action: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """What an action that waits for files makes of each item, in the items' order."""
    turns = [items[start : start + FILES_A_TURN] for start in range(0, len(items), FILES_A_TURN)]
    with ThreadPoolExecutor(READERS) as pool:
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

    Examples
    --------
    >>> case_name(Path("out/head.sclimbic.stats")), case_name(Path("out/head.qa.stats"))
    ('head', 'head')
    >>> case_name(Path("subjects/bert/stats/sclimbic.stats"))
    'bert'
    """
    name = _without_ending(path.name)
    if name != BASE:
        return name.removesuffix(f".{BASE}")
    home = path.absolute().parent
    return (home.parent if home.name == Path(subdir).name else home).name or name


def _without_ending(name: str) -> str:
    return next((name.removesuffix(ending) for ending in STATS_ENDINGS if name.endswith(ending)), name)
