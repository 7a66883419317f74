import pytest

from fs_sclimbic.image.labels import Structure
from fs_sclimbic.segmentation.flags import flag_messages, flags
from fs_sclimbic.segmentation.measure import SegStats, StructureStats
from fs_sclimbic.segmentation.population import Norm, read_population, z_score

POPULATION = {"A": Norm(370, 125, 227)}


def row(name="A", count=300, volume=370.0, confidence=0.85, detached=0):
    return StructureStats(Structure(26, name, (0, 0, 0, 0)), count, volume, confidence, detached)


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


def test_detached_is_judged_by_volume():
    coarse = row(count=27, detached=15)
    assert flags(coarse, {}, 8.0) == ("DETACHED",)
    assert flags(coarse, {}, 0.5) == ()
