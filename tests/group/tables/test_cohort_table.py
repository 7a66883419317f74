from pathlib import Path

import pytest

from fs_sclimbic.errors import TableError
from fs_sclimbic.group.tables.cohort_table import (
    SubjectSource,
    cohort_table,
    list_subjects,
    read_cohort,
    stats_name,
    who_is_left_out,
)
from fs_sclimbic.group.tables.column_choice import Choice
from fs_sclimbic.group.tables.measures import ETIV, MEASURES, STRICT, ReadOptions
from fs_sclimbic.group.tables.stats_paths import StatsFile

STATS = "# Measure EstimatedTotalIntraCranialVol, eTIV, x, 1000, mm^3\n1 26 5 {} Left-A\n2 58 6 6.5 Right-A\n"
VOLUME = MEASURES["volume"]


@pytest.fixture
def subjects_dir(tmp_path):
    """Two subjects with stats, and one without."""
    for name, volume in (("bert", 5.5), ("ernie", 7.5)):
        (tmp_path / name / "stats").mkdir(parents=True)
        (tmp_path / name / "stats/sclimbic.stats").write_text(STATS.format(volume))
    (tmp_path / "kermit/mri").mkdir(parents=True)
    (tmp_path / "kermit/mri/nu.mgz").write_text("")
    return tmp_path


def files(folder, *names):
    return [StatsFile(name, folder / name / "stats/sclimbic.stats") for name in names]


def test_sources_of_subjects(subjects_dir):
    (subjects_dir / "s.txt").write_text("ernie\nbert\n")
    (subjects_dir / "q.dat").write_text("fsid fsid-base\nbert x\n")
    (subjects_dir / "g.fsgd").write_text("GroupDescriptorFile 1\nInptu kermit A\nInput bert A\n")

    def names(**source):
        subjects, warnings = list_subjects(SubjectSource(**source), subjects_dir, stats=stats_name(VOLUME))
        return [one.name for one in subjects], list(warnings)

    missing = "no stats/sclimbic.stats, so not in the table: kermit"
    assert names(every=True) == (["bert", "ernie"], [missing])
    assert names(subjects_file=str(subjects_dir / "s.txt")) == (["ernie", "bert"], [])
    assert names(qdec=str(subjects_dir / "q.dat")) == (["bert"], [])
    assert names(qdec_long=str(subjects_dir / "q.dat")) == (["bert.long.x"], [])
    assert names(names=("ernie",)) == (["ernie"], [])
    found, warnings = names(fsgd=str(subjects_dir / "g.fsgd"))
    assert found == ["bert"]
    assert "'Inptu' is no FSGD tag" in warnings[0]


def test_from_files_to_a_table(subjects_dir):
    cohort = read_cohort(files(subjects_dir, "ernie", "bert"), VOLUME, STRICT, in_subjects_dir=True)
    assert who_is_left_out(cohort, in_subjects_dir=True) == ()
    table = cohort_table(cohort, Choice(without=frozenset((58,))), scale=2).table
    assert (table.subjects, table.columns) == (("ernie", "bert"), ("Left-A", ETIV[1]))
    assert table.values.tolist() == [[15, 2000], [11, 2000]]
    no_etiv = read_cohort(files(subjects_dir, "bert"), VOLUME, ReadOptions(with_etiv=False), in_subjects_dir=True)
    assert cohort_table(no_etiv).table.columns == ("Left-A", "Right-A")


def test_missing_files_are_refused_or_left_out(subjects_dir):
    three = files(subjects_dir, "bert", "kermit", "ghost")
    with pytest.raises(TableError, match=r"2 of 3 stats files are not there:\n.*kermit.*\n.*ghost.*\ngive --stats"):
        read_cohort(three, VOLUME, STRICT, in_subjects_dir=True)
    cohort = read_cohort(three, VOLUME, STRICT, in_subjects_dir=True, skip_missing=True)
    assert cohort.skipped == ("kermit", "ghost")
    assert [file.name for file in cohort.files] == ["bert"]
    (warning,) = who_is_left_out(cohort, in_subjects_dir=True)
    assert warning == "2 of 3 rows left out; leave them out of the design too: kermit, ghost"
    nobody = read_cohort(three[1:], VOLUME, STRICT, in_subjects_dir=True, skip_missing=True)
    with pytest.raises(TableError, match=r"all 2 stats files were skipped.*\nresults of a folder of images"):
        who_is_left_out(nobody, in_subjects_dir=True)


@pytest.mark.parametrize(("measure", "name"), [("volume", "sclimbic.stats"), ("z", "sclimbic.qa.stats")])
def test_the_file_that_holds_a_measure(measure, name):
    assert stats_name(MEASURES[measure]) == name
    assert Path(name).suffix == ".stats"
