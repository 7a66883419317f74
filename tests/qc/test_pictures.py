"""Pictures show each structure in its colour, on the side that the marks say, however the image is stored."""

import numpy as np
import pytest

from fs_sclimbic.image.conform import shift_grid
from fs_sclimbic.image.labels import ColorTable, Structure
from fs_sclimbic.image.volume import Grid, Volume
from fs_sclimbic.qc.pictures import draw_case, find_window, lighten
from fs_sclimbic.segmentation.measure import SegStats, StructureStats
from tests.conftest import CENTER, LEFT_BALL, RIGHT_BALL, TWO_BALLS, grid_about, synthetic_head
from tests.heads import FOUR, labelled_head

LEFT, RIGHT = TWO_BALLS.foreground
OBLIQUE = np.linalg.qr(np.eye(3) + [[0, 0.2, -0.1], [-0.2, 0, 0.15], [0.1, -0.15, 0]])[0]
OBLIQUE = OBLIQUE * np.sign(np.diag(OBLIQUE))
AXES = {"RAS": np.eye(3), "LIA": [[-1, 0, 0], [0, 0, 1], [0, -1, 0]], "LPS": np.diag([-1, -1, 1]), "oblique": OBLIQUE}
SIZES = {"RAS": (1, 1, 1.5), "LIA": (0.7, 0.7, 0.7), "LPS": (2, 2, 2), "oblique": (1, 1, 3)}


def head_with_balls(axes, sizes):
    """A head and the labels of its two balls, on a grid with given axes."""
    t1 = synthetic_head(grid_about(CENTER, np.rint(60 / np.array(sizes)).astype(int), axes, sizes))
    ras = np.moveaxis(np.indices(t1.grid.shape), 0, -1) @ t1.grid.vox2ras[:3, :3].T + t1.grid.vox2ras[:3, 3]
    labels = np.zeros(t1.grid.shape, np.int32)
    labels[np.linalg.norm(ras - LEFT_BALL, axis=-1) < 6.5] = LEFT.index
    labels[np.linalg.norm(ras - RIGHT_BALL, axis=-1) < 6.5] = RIGHT.index
    return t1, Volume(labels, t1.grid)


def where(picture, color) -> np.ndarray:
    """Rows and columns of the pixels of a colour."""
    return np.argwhere((picture.pixels == color).all(-1))


def tile(picture, number) -> np.ndarray:
    """One slice of the first group: coronal, axial, sagittal left, sagittal right."""
    tops = [56, 56 + 172, 56 + 172 + 220, 56 + 2 * 172 + 220]
    return picture.pixels[tops[number] : tops[number] + (216 if number == 1 else 168), :216]


@pytest.mark.parametrize("name", AXES)
def test_left_is_left_at_one_scale_however_the_image_is_stored(name):
    picture = draw_case(*head_with_balls(AXES[name], SIZES[name]), TWO_BALLS)
    for number in (0, 1):
        columns = [
            np.nonzero((tile(picture, number) == lighten(structure.rgba[:3])).all(-1))[1] for structure in (LEFT, RIGHT)
        ]
        assert columns[0].max() < columns[1].min()
        # 14 mm from ball to ball, 3 pixels a mm.
        assert abs(columns[1].mean() - columns[0].mean() - 42) < 8
    for number, structure in ((2, LEFT), (3, RIGHT)):
        # 13 mm wide, up to one voxel.
        columns = np.nonzero((tile(picture, number) == lighten(structure.rgba[:3])).all(-1))[1]
        assert abs(np.ptp(columns) + 1 - 39) <= 3.5 * max(SIZES[name])


def test_outlines_leave_the_t1_visible_and_labels_alone_are_filled():
    t1, labels = head_with_balls(np.eye(3), (1, 1, 1))
    over, alone = draw_case(t1, labels, TWO_BALLS), draw_case(None, labels, TWO_BALLS)
    color = lighten(LEFT.rgba[:3])
    filled, outlined = ((tile(picture, 2) == color).all(-1).sum() for picture in (alone, over))
    assert abs(filled - np.pi * 19.5**2) < 120
    assert outlined < filled / 4
    assert len(np.unique(tile(over, 2)[..., 0])) > 20


def test_labels_on_another_grid_are_brought_to_that_of_the_t1():
    t1, labels = head_with_balls(np.eye(3), (1, 1, 1))
    _, turned = head_with_balls(AXES["LIA"], (1, 1, 1))
    cropped = Volume(labels.data[5:55], shift_grid(labels.grid, (5, 0, 0), (50, 60, 60)))
    expected = draw_case(t1, labels, TWO_BALLS).pixels
    for other in (turned, cropped):
        differs = (draw_case(t1, other, TWO_BALLS).pixels != expected).any(-1)
        assert differs.mean() < 0.002


def test_the_window_is_that_of_the_field_without_hot_voxels():
    t1, labels = labelled_head(3)
    hot = t1.data.copy()
    hot[2, 2, 2] = 1e6
    middle = (np.array(t1.data.shape) - 1) / 2
    windows = [find_window(Volume(data, t1.grid), middle) for data in (t1.data, hot)]
    assert windows[0] == pytest.approx(windows[1], rel=0.01)
    assert windows[0][1] < 2 * np.percentile(t1.data, 99)
    assert (
        np.array_equal(*(draw_case(Volume(data, t1.grid), labels, FOUR).pixels[60:600] for data in (t1.data, hot)))
        or windows[0] != windows[1]
    )


@pytest.mark.parametrize("value", [0.0, 5.0, np.nan])
def test_a_blank_field_has_a_window(value):
    blank = Volume(np.full((9, 9, 9), value, np.float32), Grid((9, 9, 9), np.eye(4)))
    black, white = find_window(blank, np.full(3, 4.0))
    assert white > black
    assert find_window(None, np.zeros(3)) == (0, 1)
    assert find_window(blank, np.full(3, -500.0)) == (0, 1)


def test_an_empty_segmentation_is_drawn_and_says_what_is_lost():
    t1, truth = labelled_head(3)
    picture = draw_case(t1, Volume(0 * truth.data, truth.grid), FOUR, title="sub-01")
    assert picture.description.startswith("sub-01: outlines of 0 of 4 structures")
    assert "lost: Left-Ball, Right-Ball, Rod, Box" in picture.description


def test_volumes_stand_in_the_list():
    t1, truth = labelled_head(3)
    stats = SegStats(tuple(StructureStats(s, 10, 123.4, 0.9, 0) for s in FOUR.foreground), 1.0)
    plain, listed = draw_case(t1, truth, FOUR), draw_case(t1, truth, FOUR, stats=stats)
    differs = np.argwhere((plain.pixels != listed.pixels).any(-1))
    assert len(differs) > 50
    assert differs[:, 0].min() > 56 + 3 * 172 + 220  # in the list alone, below the slices


def test_many_structures_stand_in_bands():
    many = ColorTable(
        (Structure(0, "Unknown", (0, 0, 0, 0)), *(Structure(i, f"S{i}", (9 * i, 250, 90, 0)) for i in range(1, 21)))
    )
    data = np.zeros((60, 60, 60), np.int32)
    for number in range(1, 21):
        data[20:26, 2 * number : 2 * number + 2, 30:36] = number
    labels = Volume(data, Grid(data.shape, np.eye(4)))
    picture = draw_case(None, labels, many)
    assert all(len(where(picture, lighten(structure.rgba[:3]))) > 100 for structure in many.foreground)
    assert picture.pixels.shape[0] > 3 * 700


def test_dark_colours_are_lightened():
    assert lighten((234, 197, 102)) == (234, 197, 102)
    assert np.dot(lighten((0, 0, 60)), (0.299, 0.587, 0.114)) == pytest.approx(110, abs=2)
    assert lighten((255, 255, 255)) == (255, 255, 255)
