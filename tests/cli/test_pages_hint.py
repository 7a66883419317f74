"""A run, a merge and the group level tell how to look at the cases."""

from pathlib import Path

import pytest

from fs_sclimbic.cases.study_folder import StudyFolder
from fs_sclimbic.cli.pages_hint import pages_hint


@pytest.mark.parametrize(
    ("study", "command"),
    [
        (StudyFolder(folder=Path("my results")), "fs_sclimbic qc 'my results'"),
        (StudyFolder(folder=Path("out"), base="entowm"), "fs_sclimbic qc out --output-base entowm"),
        (StudyFolder(folder=Path("/subjects"), of_subjects=True), "fs_sclimbic qc --s --sd /subjects"),
        (StudyFolder(folder=Path("d/sourcedata/sclimbic"), of_subjects=True), "fs_sclimbic qc d"),
    ],
)
def test_the_command_is_the_one_for_the_study(study, command):
    assert pages_hint(study) == f"look at them: {command}"


def test_pages_that_are_there_are_of_earlier_cases(tmp_path):
    page = tmp_path / "sclimbic_qc/index.html"
    page.parent.mkdir()
    page.touch()
    assert pages_hint(StudyFolder(folder=tmp_path)).endswith(f" (brings {page} up to date)")
