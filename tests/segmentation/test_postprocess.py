import numpy as np

from fs_sclimbic.image.box import Box
from fs_sclimbic.image.volume import Grid, Volume
from fs_sclimbic.segmentation.measure import winning_channels
from fs_sclimbic.segmentation.postprocess import bounding_box, box_without_islands, clean_posteriors


def softmax_of(labels, count, sure=0.9):
    posteriors = np.full((*labels.shape, count), (1 - sure) / (count - 1), np.float32)
    np.put_along_axis(posteriors, labels[..., None], sure, axis=-1)
    return posteriors


def cleaned(posteriors):
    return clean_posteriors(posteriors, winning_channels(posteriors))


def test_crop_confine_and_renormalise():
    labels = np.zeros((20, 20, 20), int)
    labels[8:11, 9:12, 4] = 1
    labels[12, 12, 5] = 2
    grid = Grid((20, 20, 20), np.eye(4))
    found = cleaned(Volume(softmax_of(labels, 3), grid))
    assert found.box == Box((6, 7, 2), (15, 15, 8))
    clean = found.posteriors
    assert clean.data.shape[:3] == (5 + 4, 4 + 4, 2 + 4)
    assert np.allclose(clean.grid.vox2ras[:3, 3], [6, 7, 2])
    assert np.allclose(clean.data.sum(-1), 1)
    assert np.array_equal(clean.data.argmax(-1), labels[6:15, 7:15, 2:8])
    # One voxel (6 neighbours) beyond structure 2 its posterior stays; diagonal or further away it is gone.
    centre = np.array([12, 12, 5]) - [6, 7, 2]
    assert clean.data[tuple(centre + [1, 0, 0])][2] > 0
    assert clean.data[tuple(centre + [1, 1, 0])][2] == 0
    assert clean.data[tuple(centre - [2, 0, 0])][2] == 0
    # What was taken away went to the background.
    assert np.isclose(clean.data[tuple(centre + [1, 1, 0])][0], 1)


def test_input_is_left_alone():
    labels = np.zeros((9, 9, 9), int)
    labels[4, 4, 4] = 1
    posteriors = softmax_of(labels, 2)
    kept = posteriors.copy()
    cleaned(Volume(posteriors, Grid((9, 9, 9), np.eye(4))))
    assert np.array_equal(posteriors, kept)


def test_nothing_found():
    assert cleaned(Volume(softmax_of(np.zeros((5, 5, 5), int), 3), Grid((5, 5, 5), np.eye(4)))) is None


def test_box_stops_at_the_edge():
    mask = np.zeros((10, 10, 10), bool)
    mask[0, 5, 9] = True
    assert bounding_box(mask) == Box((0, 3, 7), (3, 8, 10))
    assert bounding_box(mask[:, ::-1], margin=0) == Box((0, 4, 9), (1, 5, 10))
    assert bounding_box(np.zeros((3, 3, 3), bool)) is None


def test_a_box_without_islands():
    winner = np.zeros((40, 40, 40), int)
    winner[10:20, 10:20, 10:20] = 1
    winner[10:20, 10:20, 25:35] = 1  # the other side
    winner[30:34, 12:16, 12:16] = 3
    winner[0:3, 0:3, 0:3] = 1
    assert box_without_islands(winner) == Box((10, 10, 10), (34, 20, 35))
    assert box_without_islands(np.zeros((4, 4, 4), int)) is None
    dust = np.zeros((40, 40, 40), int)
    dust[::3, ::3, ::3] = 2
    assert box_without_islands(dust) is None
