"""The small picture shows each structure in its colour, left on the left."""

import numpy as np

from fs_sclimbic.image.grid import Volume
from fs_sclimbic.qc.pages.case_images import cut_case_images
from fs_sclimbic.qc.pages.thumbnail import THUMBNAIL_PIXELS, draw_thumbnail
from tests.heads import FOUR, labelled_head


def test_left_is_left_and_front_is_up():
    t1, truth = labelled_head(3)
    pixels = draw_thumbnail(cut_case_images(t1, truth, None, FOUR)).pixels.astype(int)
    assert pixels.shape == (THUMBNAIL_PIXELS, 3 * THUMBNAIL_PIXELS, 3)
    axial = pixels[:, 2 * THUMBNAIL_PIXELS :]
    red, green = axial[..., 0] - axial[..., 1] > 60, axial[..., 1] - axial[..., 0] > 60
    left, right, rod = (np.argwhere(mask) for mask in (red, green, axial[..., 2] - axial[..., 0] > 60))
    assert left[:, 1].max() < right[:, 1].min()  # columns of the left and the right ball
    assert left[:, 0].mean() < rod[:, 0].mean()  # the balls lie in front of the rod


def test_without_labels():
    t1, truth = labelled_head(3)
    pixels = draw_thumbnail(cut_case_images(t1, Volume(0 * truth.data, truth.grid), None, FOUR)).pixels
    assert pixels.max() > 100
    assert (np.ptp(pixels.astype(int), axis=2) == 0).all()  # gray
