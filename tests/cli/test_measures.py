"""The numbers of a case as people read them on the screen."""

from fs_sclimbic.cli.measures import measure_lines
from fs_sclimbic.image.labels import Structure
from fs_sclimbic.segmentation.measure import SegStats, StructureStats

ROWS = (
    StructureStats(Structure(26, "Left-Nucleus-Accumbens", (0, 0, 0, 0)), 640, 647.4866, 0.927, 0),
    StructureStats(Structure(843, "Left-MammillaryBody", (0, 0, 0, 0)), 0, 0.0, 0.0, 0),
)


def test_numbers_stand_below_their_names():
    assert measure_lines(SegStats(ROWS, 1.0, 1516268.012883)) == [
        "  SegId  StructName              NVoxels  Volume_mm3  Confidence",
        "     26  Left-Nucleus-Accumbens      640       647.5        0.93",
        "    843  Left-MammillaryBody           0         0.0        0.00",
        "  eTIV 1516268 mm^3",
    ]


def test_without_etiv_there_is_no_such_line():
    assert len(measure_lines(SegStats(ROWS, 1.0))) == 3
