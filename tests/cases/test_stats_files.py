import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_sclimbic.cases.stats_files import format_qa_stats, format_stats, read_stats
from fs_sclimbic.errors import TableError
from fs_sclimbic.image.labels import Structure
from fs_sclimbic.segmentation.flag import Flag
from fs_sclimbic.segmentation.measure import SegStats, StructureStats
from fs_sclimbic.segmentation.population import Norm

BLACK = (0, 0, 0, 0)
GOLDEN = """\
# Subcortical Limbic Volumetric Stats
# Created by mri_sclimbic_seg
# subjectname bert
# Measure EstimatedTotalIntraCranialVol, eTIV, Estimated Total Intracranial Volume, 1516268.012883, mm^3
# NRows 3
# NTableCols 5
# ColHeaders Index SegId NVoxels Volume_mm3 StructName
1        26   640    647.4866    Left-Nucleus-Accumbens
2       853     0      0.0000    Mid-AntCom
3       869 12345  12345.6789    Left-SeptalNuc
"""
STATS = SegStats(
    (
        StructureStats(Structure(26, "Left-Nucleus-Accumbens", BLACK), 640, 647.48662, 0.9, 0),
        StructureStats(Structure(853, "Mid-AntCom", BLACK), 0, 0.0, 0.0, 0),
        StructureStats(Structure(869, "Left-SeptalNuc", BLACK), 12345, 12345.67891, 0.8, 3),
    ),
    1.0,
    1516268.0128831,
)


def test_golden_text():
    assert format_stats(STATS, ["subjectname bert"]) == GOLDEN


def test_provenance_cannot_break_the_table():
    text = format_stats(STATS, ["cmdline x\n\n1 2 3", ""])
    assert all(line.startswith("#") for line in text.splitlines()[:-3])
    assert "" not in text.splitlines()


def test_reader_of_asegstats2table():
    """Rows are the lines without '#', split at blanks: SegId, NVoxels, volume and name stand at 1 to 4."""
    rows = [line.split() for line in GOLDEN.splitlines() if "#" not in line]
    assert rows[0][1:5] == ["26", "640", "647.4866", "Left-Nucleus-Accumbens"]
    table = pd.read_csv(io.StringIO(GOLDEN), comment="#", sep=r"\s+", header=None)
    assert table.shape == (3, 5)
    assert table[2].tolist() == [640, 0, 12345]


rows = st.builds(
    StructureStats,
    st.builds(
        Structure,
        st.integers(1, 9_999_999),
        st.from_regex(r"[A-Za-z][A-Za-z0-9.+-]{0,50}", fullmatch=True),
        st.just(BLACK),
    ),
    st.integers(0, 99_999_999),
    st.floats(0, 1e9).map(lambda x: round(x, 4)),
    st.just(0.0),
    st.just(0),
)


@given(st.lists(rows, max_size=15), st.one_of(st.none(), st.floats(1e5, 1e7).map(lambda x: round(x, 6))))
def test_round_trip(tmp_path_factory, structures, etiv):
    path = tmp_path_factory.mktemp("s") / "x.stats"
    path.write_text(format_stats(SegStats(tuple(structures), 1.0, etiv)))
    back = read_stats(path)
    key = [(row.structure.index, row.structure.name, row.n_voxels, row.volume_mm3) for row in structures]
    assert [(row.structure.index, row.structure.name, row.n_voxels, row.volume_mm3) for row in back.structures] == key
    assert back.etiv_mm3 == etiv


@pytest.mark.parametrize("line", ["1 26 640", "1 26 x 5 Name", "just words"])
def test_bad_row_names_file_and_line(tmp_path, line):
    path = tmp_path / "bad.stats"
    path.write_text(f"# head\n{line}\n")
    with pytest.raises(TableError, match=r"bad\.stats:2"):
        read_stats(path)


def test_published_files_come_back_as_text(shared):
    """Reader and writer close the circle over every stats file that the original wrote."""
    files = sorted((shared / "reference").glob("seg*/**/*.stats"))
    assert len(files) > 15
    for file in files:
        assert format_stats(read_stats(file)) == file.read_text(), file


POPULATION = {"A": Norm(370, 125, 227)}


FLAGS = (
    Flag(kind="EMPTY", severity="bad", reason="longer b lost", structure="Longer-B"),
    Flag(kind="NOISE", severity="look", reason="noise is 12 % of the contrast"),
)


def qa_row(name="A", count=300, volume=370.0, confidence=0.85, detached=0):
    return StructureStats(Structure(26, name, (0, 0, 0, 0)), count, volume, confidence, detached)


def test_qa_stats_text():
    text = format_qa_stats(
        SegStats((qa_row(), qa_row("Longer-B", 0, 0.0, 0.0)), 1.0, 1e6), POPULATION, ["subjectname bert"], FLAGS
    )
    assert text.splitlines()[2:] == [
        "# subjectname bert",
        "# Verdict bad",
        "# Flag EMPTY bad longer b lost",
        "# Flag NOISE look noise is 12 % of the contrast",
        "# Measure EstimatedTotalIntraCranialVol, eTIV, Estimated Total Intracranial Volume, 1000000.000000, mm^3",
        "# NRows 2",
        "# NTableCols 9",
        "# ColHeaders Index SegId NVoxels Volume_mm3 StructName Confidence ZScore DetachedVoxels Flags",
        "1        26   300    370.0000    A          0.8500    0.0000      0  -",
        "2        26     0      0.0000    Longer-B   0.0000         -      0  EMPTY",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "1 26 5 nan A",
        "1 26 5 inf A",
        "1 26 -5 4.0 A",
        "1 26 5 -4.0 A",
        "1 26 5",
        "one 26 x 5.0 A",
        "# Measure EstimatedTotalIntraCranialVol, eTIV, Estimated Total Intracranial Volume, nan, mm^3",
        "# Measure EstimatedTotalIntraCranialVol, eTIV, Estimated Total Intracranial Volume, x, mm^3",
    ],
)
def test_what_is_no_number_is_an_error(tmp_path, line):
    (tmp_path / "x.stats").write_text(f"# Title\n{line}\n")
    with pytest.raises(TableError, match=r"x\.stats:2: expected"):
        read_stats(tmp_path / "x.stats")
