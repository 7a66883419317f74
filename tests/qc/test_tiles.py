"""Slices go through the middle of each structure, also where it has no voxel there."""

import numpy as np
import pytest

from fs_sclimbic.image.volume import Volume
from fs_sclimbic.qc.centres import Centre, StructureLocations, locate_structures
from fs_sclimbic.qc.slices import AXIAL, CORONAL, SAGITTAL, sample_labels
from fs_sclimbic.qc.tiles import TILE_COLUMNS, TILE_ROWS, choose_tiles, group_structures, sort_groups
from tests.conftest import ONE_BALL, grid_about
from tests.heads import FOUR, labelled_head


@pytest.fixture(scope="module")
def labels():
    return labelled_head(3, axes=np.eye(3))[1]


def test_sides_share_a_group():
    balls, rod, box = group_structures(FOUR)
    assert (balls.name, [structure.name for structure in balls.structures]) == ("Ball", ["Left-Ball", "Right-Ball"])
    assert [side for _, side in balls.sides] == ["left", "right"]
    assert (rod.name, box.name) == ("Rod", "Box")
    assert [side for _, side in rod.sides] == [""]


def test_each_structure_is_seen_in_all_planes(labels):
    locations = locate_structures(labels, FOUR)
    for group in group_structures(FOUR):
        tiles = choose_tiles(group, labels, locations)
        assert [tile.view.axis for tile in tiles if tile] == [CORONAL, AXIAL, *[SAGITTAL] * len(group.structures)]
        assert [tile.view.shape for tile in tiles if tile] == [(rows, TILE_COLUMNS) for rows in TILE_ROWS][
            : len(tiles)
        ][: 2 + len(group.structures)]
        for tile in tiles[:2]:
            seen = np.unique(sample_labels(labels, tile.view))
            assert set(seen) >= {structure.index for structure in group.structures}
        for tile, structure in zip(tiles[2:], group.structures, strict=False):
            assert structure.index in sample_labels(labels, tile.view)


def test_sagittal_slices_say_their_side_and_single_structures_do_not(labels):
    locations = locate_structures(labels, FOUR)
    balls, rod, _ = group_structures(FOUR)
    assert [tile.corner for tile in choose_tiles(balls, labels, locations)] == ["", "", "L", "R"]
    assert [tile.ends for tile in choose_tiles(balls, labels, locations)][1:3] == [("L", "R"), ("P", "A")]
    assert choose_tiles(rod, labels, locations)[2].corner == ""


def test_a_hollow_middle_is_passed_over():
    data = np.zeros((30, 30, 30), np.int32)
    data[10:13, 10:20, 10:20] = data[17:20, 10:20, 10:20] = 7
    labels = Volume(data, grid_about((0, 0, 0), data.shape, np.eye(3), (1, 1, 1)))
    (group,) = group_structures(ONE_BALL)
    tiles = choose_tiles(group, labels, locate_structures(labels, ONE_BALL))
    assert tiles[2].view.position_mm in (12, 17)
    assert tiles[3] is None


def test_a_lost_structure_has_slices_where_it_is_expected(labels):
    balls = group_structures(FOUR)[0]
    found = locate_structures(labels, FOUR)
    centres = {**found.centres, "Right-Ball": Centre(np.array([40.0, 30.0, 20.0]), is_found=False)}
    tiles = choose_tiles(balls, labels, StructureLocations(centres, found.middle))
    assert [tile.is_lost for tile in tiles] == [False, False, False, True]
    assert tiles[3].view.position_mm == 40
    unknown = choose_tiles(balls, labels, StructureLocations({}, found.middle))
    assert unknown == [None] * 4


def test_groups_stand_from_front_to_back(labels):
    names = [group.name for group in sort_groups(group_structures(FOUR), locate_structures(labels, FOUR))]
    assert names[-1] == "Rod"
    nothing = StructureLocations({}, np.zeros(3))
    assert [group.name for group in sort_groups(group_structures(FOUR), nothing)] == ["Ball", "Rod", "Box"]
