import threading
import unicodedata
from pathlib import Path

import pytest

from fs_sclimbic.errors import TableError, UsageError
from fs_sclimbic.group.name_matching import NameRule
from fs_sclimbic.group.tables.stats_paths import (
    StatsFile,
    case_name,
    every_subject,
    input_files,
    notes_on_folders,
    side_by_side,
    subject_files,
)
from fs_sclimbic.group.tables.subject_lists import (
    Listed,
)


def names(listed):
    return [subject.name for subject in listed]


def test_files_of_subjects(tmp_path):
    files = subject_files([Listed("a/"), Listed("b")], tmp_path, "x.stats", "st")
    assert [(file.name, file.path) for file in files] == [
        ("a", tmp_path / "a/st/x.stats"),
        ("b", tmp_path / "b/st/x.stats"),
    ]
    with pytest.raises(UsageError, match="give --sd DIR or set SUBJECTS_DIR"):
        subject_files([Listed("a")], tmp_path / "none", "x.stats")
    with pytest.raises(UsageError, match="name of a subject is empty"):
        subject_files([Listed("")], tmp_path, "x.stats")


def test_subjects_twice_are_all_named(tmp_path):
    twice = [Listed(name, f"f:{line}") for line, name in enumerate("abcab", 1)]
    with pytest.raises(TableError) as error:
        subject_files(twice, tmp_path, "x.stats")
    assert str(error.value).splitlines() == [
        "subject 'a' is listed twice (f:1 and f:4); remove one, or allow it with --allow-repeated",
        "subject 'b' is listed twice (f:2 and f:5); remove one, or allow it with --allow-repeated",
    ]
    assert len(subject_files(twice, tmp_path, "x.stats", allow_repeated=True)) == 5


def test_every_subject(tmp_path):
    for name in ("s2", "s10", "s1", ".hidden", "other"):
        (tmp_path / name / "stats").mkdir(parents=True)
    for name in ("s2", "s10", ".hidden"):
        (tmp_path / name / "stats/x.stats").write_text("")
    (tmp_path / "s1" / "mri").mkdir()
    (tmp_path / "s1" / "mri/nu.mgz").write_text("")
    (tmp_path / "fsaverage/mri").mkdir(parents=True)
    (tmp_path / "a_file").write_text("")
    subjects, without = every_subject(tmp_path, "x.stats")
    assert names(subjects) == ["s10", "s2"]
    assert without == ("s1",)
    with pytest.raises(TableError, match=r"no subject has stats/y\.stats"):
        every_subject(tmp_path, "y.stats")
    with pytest.raises(UsageError, match="does not exist"):
        every_subject(tmp_path / "none", "x.stats")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("out/head.stats", "head"),
        ("out/head.sclimbic.stats", "head"),
        ("out/head.sclimbic.qa.stats", "head"),
        ("out/sub-1_T1w.nii.stats", "sub-1_T1w.nii"),
        ("subjects/bert/stats/sclimbic.stats", "bert"),
        ("subjects/bert/stats/sclimbic.qa.stats", "bert"),
        ("bert/sclimbic.stats", "bert"),
        ("stats.txt", "stats.txt"),
    ],
)
def test_case_names(path, name):
    assert case_name(Path(path)) == name


def test_inputs():
    paths = ["o/b.sclimbic.stats", "o/a.sclimbic.stats"]
    assert [file.name for file in input_files(paths)] == ["0", "1"]
    assert [file.name for file in input_files(paths, names_from_files=True)] == ["b", "a"]
    assert [file.path for file in input_files(paths)] == [Path(path) for path in paths]


def test_inputs_of_one_case():
    with pytest.raises(TableError, match=r"o/a\.stats and o/a\.qa\.stats: are of one case"):
        input_files(["o/a.stats", "o/b.stats", "o/a.qa.stats"])
    with pytest.raises(TableError, match=r"o/a\.stats and p/a\.stats: would both be row 'a'"):
        input_files(["o/a.stats", "p/a.stats"], names_from_files=True)
    assert len(input_files(["o/a.stats", "p/a.stats"])) == 2


def test_files_are_waited_for_side_by_side():
    four = threading.Barrier(4)
    waited = threading.local()

    def wait(number):
        if not hasattr(waited, "done"):
            waited.done = four.wait(timeout=10)  # broken, unless four threads are here
        return 2 * number

    assert side_by_side(wait, range(4 * 32)) == list(range(0, 256, 2))
    assert side_by_side(wait, []) == []


def test_a_folder_whose_name_has_other_bytes(tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "Müller") for form in ("NFC", "NFD"))
    (tmp_path / decomposed).mkdir()
    (file,) = subject_files([Listed(composed)], tmp_path, "a.stats")
    assert (file.name, file.path) == (composed, tmp_path / decomposed / "stats/a.stats")
    (tmp_path / composed).mkdir()
    (file,) = subject_files([Listed(composed)], tmp_path, "a.stats")
    assert file.path == tmp_path / composed / "stats/a.stats"


def test_folders_are_found_by_entities_and_it_is_told(tmp_path):
    for name in ("sub-01_ses-1", "sub-01_ses-2", "sub-02_ses-1", "fsaverage"):
        (tmp_path / name).mkdir()
    names = [Listed("sub-01"), Listed("02")]
    with pytest.raises(TableError, match="'sub-01' fits sub-01_ses-1 and sub-01_ses-2"):
        subject_files(names, tmp_path, "sclimbic.stats")
    files = subject_files(names, tmp_path, "sclimbic.stats", rule=NameRule(session="1"))
    assert files == (
        StatsFile("sub-01", tmp_path / "sub-01_ses-1/stats/sclimbic.stats"),
        StatsFile("02", tmp_path / "sub-02_ses-1/stats/sclimbic.stats"),
    )
    told = "2 subject(s) have folders of other names: sub-01 = sub-01_ses-1, 02 = sub-02_ses-1"
    assert notes_on_folders(files, tmp_path) == (told,)
    (exact,) = subject_files([Listed("02")], tmp_path, "sclimbic.stats", rule=NameRule(match="exact"))
    assert exact.path.parts[-3] == "02"
    assert notes_on_folders([exact], tmp_path) == ()
