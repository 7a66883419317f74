"""The whole head shows every labelled voxel, and the average brain where a transform puts it."""

import numpy as np
import pytest

from fs_sclimbic.image.volume import Volume
from fs_sclimbic.qc.canvas import Canvas
from fs_sclimbic.qc.head_picture import BRAIN_COLOR, GAP_PIXELS, HEAD_PIXELS, draw_head_views
from tests.heads import RAS2MNI, whole_head

RED = (255, 0, 0)


@pytest.fixture(scope="module")
def head():
    return whole_head(noise=0, bias=0)


def views(head, labels, ras2mni) -> list[np.ndarray]:
    canvas = Canvas(HEAD_PIXELS, 3 * (HEAD_PIXELS + GAP_PIXELS))
    middle = np.linalg.inv(RAS2MNI @ labels.grid.vox2ras)[:3, 3]
    draw_head_views(canvas, 0, head, labels, {5: RED}, (0, 1500), middle, ras2mni)
    pixels = canvas.picture().pixels
    return [pixels[:, i * (HEAD_PIXELS + GAP_PIXELS) :][:, :HEAD_PIXELS] for i in range(3)]


def brain_box(view) -> np.ndarray:
    """First and last row and column of the average brain's outline."""
    where = np.argwhere((view == BRAIN_COLOR).all(-1))
    return np.array([where.min(0), where.max(0)])


def no_labels(head) -> Volume:
    return Volume(np.zeros(head.data.shape, np.int32), head.grid)


def test_the_average_brain_is_where_the_transform_puts_it(head):
    plain, shifted, large = (
        views(None, no_labels(head), matrix)
        for matrix in (RAS2MNI, RAS2MNI + np.outer([0, 0, 15, 0], [0, 0, 0, 1]), np.diag([0.8, 0.8, 0.8, 1]) @ RAS2MNI)
    )
    for view in plain:
        assert 100 < np.ptp(brain_box(view), axis=0).max() < 200
    moved = brain_box(shifted[0]) - brain_box(plain[0])
    assert 10 < moved[:, 0].mean() < 18  # rows: the brain lies lower in the head
    assert (np.ptp(brain_box(large[1]), axis=0) > 1.15 * np.ptp(brain_box(plain[1]), axis=0)).all()


def test_without_a_transform_no_brain_is_drawn(head):
    assert not any((view == BRAIN_COLOR).all(-1).any() for view in views(None, no_labels(head), None))


def test_a_voxel_far_from_the_slices_is_seen(head):
    labels = no_labels(head)
    labels.data[20:24, 30:34, 60:64] = 5
    for view in views(head, labels, None):
        assert 40 < (view == RED).all(-1).sum() < 100
