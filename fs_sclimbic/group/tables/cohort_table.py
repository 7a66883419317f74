"""The table of a cohort, in steps: who is listed, what their stats files hold, the table of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...bids.matching import is_of_session
from ...errors import TableError
from .column_choice import EVERY_STRUCTURE, Choice
from .measures import Measure, ReadOptions, StatsValues
from .stats_paths import StatsFile, every_subject, of_folder_mode
from .stats_table import BuiltTable, build_table
from .stats_values import read_many
from .subject_lists import Listed, read_fsgd_subjects, read_qdec_subjects, read_subjects_file

DEFAULT_STATS, DEFAULT_QA_STATS = "sclimbic.stats", "sclimbic.qa.stats"


def stats_name(measure: Measure) -> str:
    """The name of the stats file that holds a measure."""
    return DEFAULT_QA_STATS if measure.quality else DEFAULT_STATS


@dataclass(frozen=True, kw_only=True)
class SubjectSource:
    """Where the subjects of a table are named; the first field that is given counts."""

    every: bool = False
    """Every subject of the subjects directory that has the stats file."""
    fsgd: str | None = None
    """Its Input lines."""
    subjects_file: str | None = None
    """A text file, one subject a line."""
    qdec: str | None = None
    """Column fsid of a QDEC table."""
    qdec_long: str | None = None
    """``<fsid>.long.<fsid-base>`` of a QDEC table."""
    names: tuple[str, ...] = ()
    session: str | None = None
    """Of all subjects only those of this session of BIDS, without ``ses-``."""


@dataclass(frozen=True, kw_only=True)
class CohortValues:
    """What the stats files of a cohort hold."""

    measure: Measure
    files: tuple[StatsFile, ...]
    """Those that are there, one a row."""
    values: tuple[StatsValues, ...]
    """In the same order."""
    skipped: tuple[str, ...]
    """Names of cases without a stats file."""
    missing: tuple[str, ...]
    """Why, one line a case."""


def list_subjects(
    source: SubjectSource, subjects_dir: Path, *, stats: str, subdir: str = "stats", measure: str = "volume"
) -> tuple[tuple[Listed, ...], tuple[str, ...]]:
    """List the subjects of a table.

    Parameters
    ----------
    source : SubjectSource
    subjects_dir : Path
    stats : str
        Name of the stats file.
    subdir : str
        Folder of the stats file in a subject.
    measure : str
        Name of the measure, for advice.

    Returns
    -------
    subjects : tuple of Listed
    warnings : tuple of str
        Subjects that are not listed, and lines that are not read.

    Raises
    ------
    TableError
        If a list cannot be read, or is empty.
    """
    if source.every:
        subjects, without = every_subject(subjects_dir, stats, subdir, hint=of_folder_mode(measure))
        if source.session is not None:
            subjects = tuple(one for one in subjects if is_of_session(one.name, source.session))
            without = tuple(name for name in without if is_of_session(name, source.session))
            if not subjects:
                raise TableError(f"{subjects_dir}: no subject of session {source.session} has {subdir}/{stats}")
        warning = f"no {subdir}/{stats}, so not in the table: {', '.join(without)}"
        return subjects, (warning,) if without else ()
    if source.fsgd:
        return read_fsgd_subjects(source.fsgd)
    if source.subjects_file:
        return read_subjects_file(source.subjects_file), ()
    if source.qdec:
        return read_qdec_subjects(source.qdec), ()
    if source.qdec_long:
        return read_qdec_subjects(source.qdec_long, longitudinal=True), ()
    return tuple(Listed(name) for name in source.names), ()


def read_cohort(
    files: Sequence[StatsFile],
    measure: Measure,
    options: ReadOptions,
    *,
    in_subjects_dir: bool,
    skip_missing: bool = False,
) -> CohortValues:
    """Read the stats files of a cohort.

    Parameters
    ----------
    files : sequence of StatsFile
    measure : Measure
    options : ReadOptions
    in_subjects_dir : bool
        Whether the files are those of a subjects directory, for advice.
    skip_missing : bool
        Leave out cases without a stats file.

    Returns
    -------
    CohortValues

    Raises
    ------
    TableError
        If files are not stats files, or are missing and may not be skipped.
    """
    read, missing = read_many(files, measure, options)
    if missing and not skip_missing:
        hints = [of_folder_mode(measure.name)] if in_subjects_dir and len(missing) == len(files) else []
        advice = "give --stats, --subdir or --sd, segment the cases, or leave them out with --skip"
        count = f"{len(missing)} of {len(files)} stats files are not there:"
        raise TableError("\n".join([count, *missing, advice, *hints]))
    there = [(file, row) for file, row in zip(files, read, strict=True) if row is not None]
    return CohortValues(
        measure=measure,
        files=tuple(file for file, _ in there),
        values=tuple(row for _, row in there),
        skipped=tuple(file.name for file, row in zip(files, read, strict=True) if row is None),
        missing=tuple(missing),
    )


def who_is_left_out(cohort: CohortValues, *, in_subjects_dir: bool) -> tuple[str, ...]:
    """What to say about cases without a stats file.

    Parameters
    ----------
    cohort : CohortValues
    in_subjects_dir : bool
        Whether the files are those of a subjects directory, for advice.

    Returns
    -------
    tuple of str
        Empty if every case has its file.

    Raises
    ------
    TableError
        If no case is left.
    """
    missing, count = len(cohort.missing), len(cohort.missing) + len(cohort.files)
    if not missing:
        return ()
    if missing == count:
        hints = [of_folder_mode(cohort.measure.name)] if in_subjects_dir else []
        raise TableError("\n".join([f"all {count} stats files were skipped; nothing to make a table of", *hints]))
    names = ", ".join(cohort.skipped)
    return (f"{missing} of {count} rows left out; leave them out of the design too: {names}",)


def cohort_table(
    cohort: CohortValues, choice: Choice = EVERY_STRUCTURE, *, percent_of_etiv: bool = False, scale: float = 1.0
) -> BuiltTable:
    """Put the values of a cohort into one table.

    Parameters
    ----------
    cohort : CohortValues
    choice : Choice
    percent_of_etiv : bool
        Divide every column by eTIV and multiply by 100.
    scale : float
        Multiply every value, after the above.

    Returns
    -------
    BuiltTable

    Raises
    ------
    TableError
        See `build_table`.
    """
    return build_table(
        cohort.files, cohort.values, cohort.measure, choice, percent_of_etiv=percent_of_etiv, scale=scale
    )
