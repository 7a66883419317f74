"""The cases that share their tables and their weights: those of a folder of results, or of a SUBJECTS_DIR."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..files.folders import list_folder
from ..image.volume import image_suffix
from .case import DEFAULT_BASE
from .record import Record, read_record
from .study_weights import weights_file

RECORD_ENDING = f".{DEFAULT_BASE}.json"


@dataclass(frozen=True, kw_only=True)
class StudyFolder:
    """Where the cases of a study lie, and what their files are called."""

    folder: Path
    """The folder of results, or the SUBJECTS_DIR; the tables lie in it."""
    base: str = DEFAULT_BASE
    """Stands for ``sclimbic`` in the names of the results."""
    of_subjects: bool = False
    """Whether it is a SUBJECTS_DIR."""

    @property
    def tables_start(self) -> Path:
        """What the names of its tables begin with."""
        return self.folder / self.base

    @property
    def weights_file(self) -> Path:
        """The file that names the weights of the study."""
        return weights_file(self.tables_start)

    def record_path(self, name: str) -> Path:
        """The record of a case."""
        if self.of_subjects:
            return self.folder / name / "scripts" / f"{self.base}.json"
        return self.folder / f"{name}{self._ending}"

    @property
    def _ending(self) -> str:
        """Of the names of records in a folder of results."""
        return RECORD_ENDING if self.base == DEFAULT_BASE else f".{self.base}{RECORD_ENDING}"

    def read(self, name: str) -> Record | None:
        """The record of a case of this study; None if it has none, or its segmentation is not there any more."""
        record = read_record(self.record_path(name))
        return record if record is not None and self._has_segmentation(name, record) else None

    def _has_segmentation(self, name: str, record: Record) -> bool:
        if self.of_subjects:
            image = f"mri/{self.base}.mgz" if f"{self.base}.mgz" in record.files else f"stats/{self.base}.stats"
            return os.path.isfile(self.folder / name / image)  # a BIDS dataset has its images elsewhere
        stem = f"{name}.{self.base}"
        images = (file for file in record.files if file.removesuffix(image_suffix(file) or "") == stem)
        return any(image_suffix(file) and os.path.isfile(self.folder / file) for file in images)

    def names(self) -> list[str]:
        """Cases that may have results here, sorted; `read` says which of them have.

        Returns
        -------
        list of str

        Raises
        ------
        UsageError
            If the folder does not exist, or cannot be listed.
        """
        there = list_folder(self.folder, "subjects directory" if self.of_subjects else "folder of results")
        if self.of_subjects:
            return [name for name in there if not name.startswith(".")]
        return [name.removesuffix(self._ending) for name in there if name.endswith(self._ending)]

    def records(self, without: frozenset[str] = frozenset()) -> Iterator[tuple[str, Record]]:
        """The records of this study.

        Parameters
        ----------
        without : frozenset of str
            Cases that are left out.

        Yields
        ------
        (str, Record)
            Sorted by the names of the cases; nothing if the folder is not there yet.
        """
        for name in self.names() if self.folder.is_dir() else ():
            if name not in without and (record := self.read(name)) is not None:
                yield name, record
