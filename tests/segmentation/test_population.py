import pytest

from fs_sclimbic.cases.stats_files import format_qa_stats
from fs_sclimbic.errors import TableError
from fs_sclimbic.image.labels import Structure
from fs_sclimbic.segmentation.flags import flag_messages, flags
from fs_sclimbic.segmentation.measure import SegStats, StructureStats
from fs_sclimbic.segmentation.population import Norm, read_population, z_score

POPULATION = {"A": Norm(370, 125, 227)}


def row(name="A", count=300, volume=370.0, confidence=0.85, detached=0):
    return StructureStats(Structure(26, name, (0, 0, 0, 0)), count, volume, confidence, detached)


def test_shipped_population_is_the_published_one(shared):
    ours, published = read_population(), read_population(shared / "models/sclimbic.volstats.csv")
    assert {name: (norm.mean, norm.std) for name, norm in ours.items()} == {
        name: (norm.mean, norm.std) for name, norm in published.items()
    }


def test_shipped_population():
    population = read_population()
    assert len(population) == 13
    assert population["Left-Nucleus-Accumbens"] == Norm(369.6154, 124.8495, 227)
    assert population["Mid-AntCom"].minimum is None


def test_z_score():
    assert z_score(row(volume=495), POPULATION) == 1
    assert z_score(row("unknown"), POPULATION) is None


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (row(), ()),
        (row(count=0, volume=0, confidence=0), ("EMPTY",)),
        (row(volume=100), ("SMALL",)),
        (row(volume=114), ()),
        (row(volume=900), ("VOLUME",)),
        (row(confidence=0.5), ("CONFIDENCE",)),
        (row(detached=29), ()),
        (row(detached=30), ("DETACHED",)),
        (row(count=100, detached=19), ()),
        (row(count=100, detached=20), ("DETACHED",)),
        (row("unknown", volume=5), ()),
    ],
)
def test_flags(case, expected):
    assert flags(case, POPULATION, 1.0) == expected


def test_a_lost_accumbens_is_found_although_its_z_is_ordinary():
    lost = row("Left-Nucleus-Accumbens", 0, 0.0, 0.0)
    assert z_score(lost, read_population()) > -3
    assert flag_messages(SegStats((lost,), 1.0), read_population()) == [
        "EMPTY (no voxel found): Left-Nucleus-Accumbens"
    ]


def test_qa_stats_text():
    text = format_qa_stats(SegStats((row(), row("Longer-B", 0, 0.0, 0.0)), 1.0, 1e6), POPULATION, ["subjectname bert"])
    assert text.splitlines()[2:] == [
        "# subjectname bert",
        "# Measure EstimatedTotalIntraCranialVol, eTIV, Estimated Total Intracranial Volume, 1000000.000000, mm^3",
        "# NRows 2",
        "# NTableCols 9",
        "# ColHeaders Index SegId NVoxels Volume_mm3 StructName Confidence ZScore DetachedVoxels Flags",
        "1        26   300    370.0000    A          0.8500    0.0000      0  -",
        "2        26     0      0.0000    Longer-B   0.0000         -      0  EMPTY",
    ]


@pytest.mark.parametrize("line", ["A,1", "A,x,2", "A,1,0", "A,1,-2", "A,1,nan", "A,nan,1", "A,1,2\nA,1,2"])
def test_bad_population(tmp_path, line):
    path = tmp_path / "p.csv"
    path.write_text(f"name,mean,std\n{line}\n")
    with pytest.raises(TableError, match=r"p\.csv:[23]"):
        read_population(path)


def test_detached_is_judged_by_volume():
    coarse = row(count=27, detached=15)
    assert flags(coarse, {}, 8.0) == ("DETACHED",)
    assert flags(coarse, {}, 0.5) == ()


def test_population_columns_go_by_name(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("name,mean,std,n\nA,1,2,40\n")
    assert read_population(path) == {"A": Norm(1, 2)}
    path.write_text("name,mean,std,max,min\nA,1,2,9,0.5\n")
    assert read_population(path) == {"A": Norm(1, 2, 0.5)}
    path.write_text("A,1,2\n")
    with pytest.raises(TableError, match="expected a header"):
        read_population(path)
