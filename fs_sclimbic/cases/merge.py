"""Tables of a study from the records of its cases, whoever made them: parts, workers, or one run after the other."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..errors import TableError
from ..segmentation.flag import CaseVerdict
from ..segmentation.measure import SegStats
from ..segmentation.population import Norm, Population
from .flag_table import FLAGS, write_flags
from .images import images_in, stem_of
from .mixture import find_mixture
from .protection import N_READERS
from .record import Record
from .replaced_input import has_other_input, input_path
from .study_folder import StudyFolder
from .tables import CONFIDENCE, CONFIDENCES, VOLUMES, Z_SCORES, table_files, write_rows

Judged = Sequence[tuple[CaseVerdict, SegStats]]
Judge = Callable[[Sequence[tuple[str, Record]], Population], Judged]
"""Judges cases by their records; it is given the norms of volumes, too."""
QA_ENDING = ".qa.stats"


@dataclass(frozen=True, kw_only=True)
class StudyRecords:
    """The finished cases of a study."""

    study: StudyFolder
    records: tuple[tuple[str, Record], ...]
    """Names and records, sorted by name."""
    missing: tuple[str, ...]
    """Cases that were expected and have no result, and those whose image was replaced since."""
    replaced: tuple[str, ...]
    """Cases with a result of another image than the one that is there now; they have no row."""
    mixed: tuple[str, ...]
    """What differs among the records, a line each."""
    is_whole: bool
    """Whether all cases of the study were looked for."""

    def read_new(self, name: str) -> SegStats | None:
        """The numbers of a case that another run has done since the records were read; None if there are none."""
        if not self.is_whole or name in self.replaced or (record := self.study.read(name)) is None:
            return None
        return None if has_other_input(record, self.study.record_path(name)) else record.stats


def read_study(study: StudyFolder, expected: Sequence[str] | None = None, *, only: bool = False) -> StudyRecords:
    """Read the records of a study.

    Parameters
    ----------
    study : StudyFolder
    expected : sequence of str, optional
        The cases that should have results; their rows come in this order. By default, of a folder of results: all
        images of the folders that its images came from.
    only : bool
        Leave out finished cases that were not expected.

    Returns
    -------
    StudyRecords

    Raises
    ------
    TableError
        If no case has a result.
    UsageError
        If the folder cannot be listed.
    """
    names = [] if only else study.names()
    wanted = list(dict.fromkeys([*(expected or ()), *names]))
    with ThreadPoolExecutor(N_READERS) as pool:
        read = list(pool.map(study.read, wanted))
        done = [(name, record) for name, record in zip(wanted, read, strict=True) if record is not None]
        are_old = list(pool.map(lambda case: has_other_input(case[1], study.record_path(case[0])), done))
    records = tuple(case for case, is_old in zip(done, are_old, strict=True) if not is_old)
    replaced = tuple(name for (name, _), is_old in zip(done, are_old, strict=True) if is_old)
    if not done:
        raise TableError(
            f"{study.folder}: no case has a record of this tool (--output-base {study.base}); run it first"
        )
    if not records:
        raise TableError(f"{study.folder}: all images were replaced since they were segmented; run them again")
    there = {name for name, _ in records}
    if expected is None:
        expected = [] if study.of_subjects else _images_of([record for _, record in records])
    missing = tuple(name for name in dict.fromkeys((*expected, *replaced)) if name not in there)
    return StudyRecords(
        study=study,
        records=records,
        missing=missing,
        replaced=replaced,
        mixed=tuple(find_mixture(records)),
        is_whole=not only,
    )


def _images_of(records: Sequence[Record]) -> list[str]:
    """Names of all images in the folders that the images of these records came from."""
    folders = dict.fromkeys(path.parent for record in records if (path := input_path(record)))
    return [stem_of(image) for folder in folders if folder.is_dir() for image in images_in(folder)]


def population_of(record: Record) -> Population:
    """The norms that a record was made with."""
    norms = record.settings.get("population", {})
    return {name: Norm(*values) for name, values in norms.items()}


def write_study_tables(
    found: StudyRecords,
    *,
    warn: Callable[[str], None],
    note: Callable[[str], None],
    judge: Judge,
) -> Iterator[Path]:
    """Write the tables of a study: volumes, and those of quality if the cases have their QA stats.

    Parameters
    ----------
    found : StudyRecords
    warn, note : callable
        Are given each warning and each note, one line.
    judge : callable
        Gives the verdicts of the cases with their numbers.

    Yields
    ------
    Path
        The files written.

    Raises
    ------
    OSError
        If a table cannot be written.
    """
    rows = [(name, record.stats) for name, record in found.records]
    with_qa = any(file.endswith(QA_ENDING) for _, record in found.records for file in record.files)
    tables = [VOLUMES, *([Z_SCORES, CONFIDENCES, CONFIDENCE] if with_qa else [])]
    files = table_files(found.study.tables_start, "_", tables)
    population = population_of(found.records[0][1])
    yield from write_rows(files, rows, population, others=found.read_new, warn=warn, note=note)
    if with_qa:
        judged = judge(found.records, population)
        ((path, _),) = table_files(found.study.tables_start, "_", [FLAGS])
        write_flags(path, judged, others=lambda _: None, warn=warn)
        yield path
