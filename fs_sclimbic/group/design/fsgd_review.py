"""A review of an FSGD: the file, its design and contrasts, and whether its subjects are in other places."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path

from ...errors import DesignError, TableError, UsageError
from ..name_matching import DEFAULT_RULE, NameRule, find_names
from ..text_files import read_text
from ..text_table import read_group_table
from .compared_at import comparison_doubts
from .contrast import Contrast, check_contrast, named_contrast, read_contrast
from .design import Design
from .design_summary import (
    describe_contrast,
    describe_matrix,
    describe_subjects,
    design_problems,
    notes_at_zero,
    tested_at,
)
from .fsgd import read_fsgd
from .odd_variables import class_doubts, impossible_values, variable_doubts
from .people import REPETITION_ADVICE, repetition_problem

MAX_LISTED = 10


@dataclass(frozen=True, kw_only=True)
class ReviewOptions:
    """How an FSGD is read, and what it is compared with."""

    method: str | None = None
    """``dods``, ``doss`` or ``none``."""
    allow_repeated: bool = False
    """Let a subject stand on several Input lines."""
    rescale: bool = False
    """Divide the variables by their standard deviation."""
    contrast_files: tuple[tuple[str, str | None], ...] = ()
    """Matrix files, each with a file of null values or None."""
    contrasts: tuple[str, ...] = ()
    """Contrasts by the names of the columns."""
    table: str | None = None
    """A table that must hold every subject."""
    subjects_dir: str | None = None
    """A subjects directory that must hold every subject."""
    stats: str = "sclimbic.stats"
    """Name of the stats file in a subject."""
    names: NameRule = DEFAULT_RULE
    """How subjects are found in the table and the subjects directory."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FsgdReview:
    """An FSGD in words."""

    design: Design
    lines: tuple[str, ...]
    """Subjects, classes, columns and contrasts."""
    notices: tuple[str, ...]
    """What looks odd but may be meant."""
    problems: tuple[str, ...]
    """What keeps it from being fitted; empty for a sound one."""


def review_fsgd(path: str | PathLike[str], options: ReviewOptions) -> FsgdReview:
    """Read an FSGD, and say everything about it.

    Parameters
    ----------
    path : path-like
    options : ReviewOptions

    Returns
    -------
    FsgdReview

    Raises
    ------
    DesignError
        If it cannot be read.
    UsageError
        If the subjects directory does not exist.
    """
    design, warnings = read_fsgd(path, options.method, allow_repeated=options.allow_repeated, rescale=options.rescale)
    notices = [*warnings, *_blank_lines(path)]
    lines = [f"{path}: {len(design.subjects)} subjects", f"Method {_method(design, options.method)}"]
    lines += [*describe_subjects(design), *describe_matrix(design)]
    problems = [f"{path}: {text}" for text in (*design_problems(design), *impossible_values(design))]
    notices += [f"{path}: {text}" for text in (*class_doubts(design), *variable_doubts(design))]
    repeated = repetition_problem(design.subjects, design.matrix)
    if repeated and not options.allow_repeated and len(set(design.subjects)) == len(design.subjects):
        problems.append(f"{path}: {repeated}; {REPETITION_ADVICE}")
    contrasts, wrong = _contrasts(path, design, options)
    problems += wrong
    for contrast in contrasts:
        lines += describe_contrast(contrast, design.columns)
    elsewhere = [contrast for contrast in contrasts if not tested_at(design, contrast)]
    notices += [*notes_at_zero(design, contrasts), *comparison_doubts(design, elsewhere)]
    if options.table:
        more, wrong = _against_table(options.table, design, options.names)
        notices, problems = [*notices, *more], [*problems, *wrong]
    if options.subjects_dir:
        problems += _against_subjects_dir(Path(options.subjects_dir), options.stats, design, options.names)
    return FsgdReview(design=design, lines=tuple(lines), notices=tuple(notices), problems=tuple(problems))


def _method(design: Design, asked: str | None) -> str:
    """The method, who chose it and what it means."""
    if design.method_in_file:
        why = f"the file's {design.method.upper()} tag, which goes before the command line"
    else:
        why = "asked for" if asked and asked.lower() != "none" else "the default"
    meaning = {"dods": "its own offset and slope", "doss": "its own offset, and one slope for all"}[design.method]
    return f"{design.method} ({why}): each class has {meaning}"


def _blank_lines(path: str | PathLike[str]) -> list[str]:
    lines = read_text(Path(path)).removesuffix("\n").split("\n")
    blank = [number for number, line in enumerate(lines, 1) if not line.strip()]
    return [f"{path}:{blank[0]}: blank line(s), which stop asegstats2table --fsgd, not us"] if blank else []


def _contrasts(path: str | PathLike[str], design: Design, options: ReviewOptions) -> tuple[list[Contrast], list[str]]:
    """All contrasts that fit, and what is wrong with the others."""
    matrix, other = design.matrix, design.other_columns
    found: list[Contrast] = []
    problems: list[str] = []

    def tagged(contrast: Contrast) -> Contrast:
        check_contrast(contrast, design.columns, f"{path}: contrast '{contrast.name}'", matrix)
        return contrast

    def read(file: str, gamma0: str | None) -> Contrast:
        return read_contrast(file, design.columns, gamma0, design_matrix=matrix, other_columns=other)

    asked: list[Callable[[], Contrast]] = [
        *(partial(tagged, contrast) for contrast in design.contrasts),
        *(partial(read, *words) for words in options.contrast_files),
        *(
            partial(named_contrast, text, design.columns, design_matrix=matrix, other_columns=other)
            for text in options.contrasts
        ),
    ]
    for make in asked:
        try:
            found.append(make())
        except DesignError as error:
            problems += str(error).split("\n")
    names = [contrast.name for contrast in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems += [f"two contrasts are called '{name}'; their results would overwrite each other" for name in twice]
    return found, problems


def _against_table(path: str, design: Design, rule: NameRule) -> tuple[list[str], list[str]]:
    """Notices and problems of a table's rows."""
    try:
        rows = read_group_table(path).subjects
    except TableError as error:
        return [], str(error).split("\n")
    sought = find_names(design.subjects, rows, rule, path)
    found = sought.found
    if sought.problems:
        return [], list(sought.problems)
    if not found:
        return [], [
            f"{path}: holds no subject of the FSGD; names must be the same: '{rows[0]}' there, "
            f"'{design.subjects[0]}' here"
        ]
    problems = [f"{path}: no row of subject '{name}'" for name in design.subjects if name not in found]
    notices = list(sought.notices)
    wanted = set(found.values())
    others = [name for name in rows if name not in wanted]
    if others:
        notices.append(f"{path}: {len(others)} subject(s) are not in the FSGD: {', '.join(others[:MAX_LISTED])}")
    if not problems and tuple(name for name in rows if name in wanted) != tuple(found.values()):
        notices.append(
            f"{path}: subjects stand in another order than in the FSGD; we match by name, mri_glmfit by order alone"
        )
    return notices, problems


def _against_subjects_dir(folder: Path, stats: str, design: Design, rule: NameRule) -> list[str]:
    """Subjects without a folder or without a stats file."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: subjects directory does not exist; give --sd DIR")
    problems: list[str] = []
    sought = find_names(design.subjects, [entry.name for entry in folder.iterdir()], rule, str(folder))
    problems += sought.problems
    found = sought.found
    for name in dict.fromkeys(design.subjects):
        file = folder / found.get(name, name) / "stats" / stats
        if not file.parent.parent.is_dir():
            problems.append(f"{folder / name}: subject does not exist")
        elif not file.is_file():
            problems.append(f"{file}: does not exist; segment the subject first, or give --stats")
    return problems
