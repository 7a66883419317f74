"""How to look at the cases of a run: the command that makes the pages of quality control."""

import shlex
from pathlib import Path

from ..bids.cases import SUBJECTS_FOLDER
from ..cases.case import DEFAULT_BASE
from ..cases.study_folder import StudyFolder
from .qc import PAGES_FOLDER, PROGRAM

PAGE = "index.html"


def pages_hint(study: StudyFolder) -> str:
    """How to look at the cases of a study.

    Parameters
    ----------
    study : StudyFolder

    Returns
    -------
    str
        Such as ``look at them: fs_sclimbic qc results``; pages that are there already are named, since they do not
        show the cases of this run yet.
    """
    source, words = _source_of(study)
    if study.base != DEFAULT_BASE:
        words = [*words, "--output-base", study.base]
    page = source / PAGES_FOLDER / PAGE
    update = f" (brings {page} up to date)" if page.is_file() else ""
    return f"look at them: {shlex.join([*PROGRAM.split(), *words])}{update}"


def _source_of(study: StudyFolder) -> tuple[Path, list[str]]:
    """The folder that holds the pages, and the words of the command that name the cases."""
    if not study.of_subjects:
        return study.folder, [str(study.folder)]
    derivatives = Path(*study.folder.parts[: -len(Path(SUBJECTS_FOLDER).parts)])
    if derivatives / SUBJECTS_FOLDER == study.folder:
        return derivatives, [str(derivatives)]
    return study.folder, ["--s", "--sd", str(study.folder)]
