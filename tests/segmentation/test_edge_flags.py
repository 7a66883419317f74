"""Structures at the edge of the image, or of the network's box, are flagged; a crop of the labels changes nothing."""

import numpy as np
import pytest

from fs_sclimbic.image.conform import shift_grid
from fs_sclimbic.image.labels import Structure
from fs_sclimbic.image.volume import Grid, Volume
from fs_sclimbic.segmentation.edge_flags import describe_several, edge_flags

FORNIX = Structure(821, "Left-Fornix", (0, 0, 0, 0))


def flags_of(start, shape=(100, 60, 50), size_mm=1.0, box_mm=None):
    """The flags of a block of 10 voxels along each axis."""
    grid = Grid(shape, np.diag([size_mm] * 3 + [1.0]))
    box = shift_grid(grid, start, (10, 10, 10))
    return edge_flags(Volume(np.full((10, 10, 10), 821), box), grid, (FORNIX,), box_mm)


@pytest.mark.parametrize(
    ("start", "size_mm", "severity"),
    [
        ((20, 20, 20), 1, None),
        ((4, 20, 20), 1, None),
        ((2, 20, 20), 1, "look"),
        ((0, 20, 20), 1, "bad"),
        ((20, 50, 20), 1, "bad"),
        ((20, 20, 38), 1, "look"),
        ((4, 20, 20), 0.5, "look"),
    ],
)
def test_edge_of_the_image(start, size_mm, severity):
    flags = flags_of(start, size_mm=size_mm)
    assert [(flag.kind, flag.severity) for flag in flags] == [("CUT", severity)] * (severity is not None)


@pytest.mark.parametrize(("x", "flagged"), [(30, False), (21, False), (17, True), (10, True)])
def test_edge_of_the_box(x, flagged):
    """The box of 80 mm about the centre begins at 10 mm along x; it holds the image along the other axes."""
    flags = flags_of((x, 20, 20), box_mm=80)
    assert [flag.kind for flag in flags] == ["CUT"] * flagged


def test_names():
    names = ["Left-Fornix", "Right-Fornix", "Mid-AntCom", "Left-SeptalNuc", "X"]
    assert describe_several(names) == "left fornix, right fornix, anterior commissure and 2 more"
    assert describe_several(names[:1]) == "left fornix"
