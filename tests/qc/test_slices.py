"""Slices show the right voxels at the right scale, in upright and anisotropic images, and nothing outside them."""

import numpy as np
import pytest

from fs_sclimbic.image.volume import Volume
from fs_sclimbic.qc.slices import (
    AXIAL,
    CORONAL,
    SAGITTAL,
    View,
    label_box,
    outlines,
    sample_gray,
    sample_labels,
    take_slice,
    to_gray,
    voxel_index,
)
from tests.conftest import grid_about

SIZES_MM = (1.0, 2.0, 3.0)


@pytest.fixture(scope="module")
def volume():
    """Each voxel's value is its position in mm: 1 along x, 100 along y, 10000 along z."""
    grid = grid_about((0, 0, 0), (20, 14, 12), np.eye(3), SIZES_MM)
    values = np.moveaxis(np.indices(grid.shape), 0, -1) * np.array(SIZES_MM) @ [1, 100, 10000]
    return Volume(values.astype(np.float32), grid)


@pytest.mark.parametrize(
    ("axis", "position", "expected"),
    [
        (SAGITTAL, 5.2, lambda first, second: 5 + 100 * first + 10000 * second),
        (CORONAL, 6.9, lambda first, second: first + 600 + 10000 * second),
        (AXIAL, 6.0, lambda first, second: first + 100 * second + 60000),
    ],
)
def test_a_pixel_is_the_position_it_stands_for(volume, axis, position, expected):
    view = View(axis=axis, position_mm=position, center_mm=(9.5, 12.0), shape=(10, 8), mm_per_pixel=0.5)
    pixels = sample_gray(volume, view)
    assert pixels.shape == (10, 8)
    assert np.allclose(pixels, expected(view.columns_mm[None, :], view.rows_mm[:, None]), rtol=1e-5)
    # The top row is the highest position, the left column the lowest.
    assert view.rows_mm[0] > view.rows_mm[-1]
    assert view.columns_mm[0] < view.columns_mm[-1]
    assert view.columns_mm.mean() == 9.5


def test_labels_are_those_of_the_nearest_voxel(volume):
    labels = Volume(volume.data.astype(np.int32), volume.grid)
    view = View(axis=AXIAL, position_mm=0.0, center_mm=(4.0, 6.0), shape=(9, 9), mm_per_pixel=0.4)
    nearest = np.rint(view.columns_mm)[None, :] + 200 * np.floor(view.rows_mm / 2 + 0.5)[:, None]
    assert np.array_equal(sample_labels(labels, view), nearest)


def test_outside_the_image_is_zero(volume):
    ones = Volume(np.ones_like(volume.data), volume.grid)
    view = View(axis=CORONAL, position_mm=0.0, center_mm=(0.2, 0.3), shape=(40, 40), mm_per_pixel=1.0)
    for pixels in (sample_gray(ones, view), sample_labels(Volume(ones.data.astype(np.int32), ones.grid), view)):
        columns = (view.columns_mm >= -0.5) & (view.columns_mm <= 19.2)
        rows = (view.rows_mm >= -1.5) & (view.rows_mm <= 34.5)
        inside = rows[:, None] & columns[None, :]
        assert np.array_equal(pixels != 0, inside)
    beside = View(axis=CORONAL, position_mm=-5.0, center_mm=(0.0, 0.0), shape=(4, 4), mm_per_pixel=1.0)
    assert not sample_gray(ones, beside).any()
    assert take_slice(ones, CORONAL, voxel_index(ones, CORONAL, -5.0)) is None


def test_voxels_that_are_not_finite_are_black(volume):
    data = volume.data.copy()
    data[3, 3, 3] = np.nan
    view = View(axis=AXIAL, position_mm=9.0, center_mm=(3.0, 6.0), shape=(3, 3), mm_per_pixel=0.1)
    assert sample_gray(Volume(data, volume.grid), view)[1, 1] == 0


def test_one_slice_is_an_image_too():
    flat = Volume(np.full((1, 5, 5), 7, np.float32), grid_about((0, 0, 0), (1, 5, 5), np.eye(3), (1, 1, 1)))
    view = View(axis=CORONAL, position_mm=2.0, center_mm=(0.0, 2.0), shape=(3, 3), mm_per_pixel=0.25)
    assert (sample_gray(flat, view) == 7).all()


def test_grey_runs_from_black_to_white():
    gray = to_gray(np.array([[0, 10, 15, 20, 99]], np.float32), black=10, white=20)
    assert gray[0, :, 0].tolist() == [0, 0, 127, 255, 255]
    assert gray.shape == (1, 5, 3)


def test_outlines_are_the_outermost_pixels_of_each_label():
    labels = np.zeros((8, 10), np.int32)
    labels[1:6, 1:5], labels[1:6, 5:9] = 3, 4
    edge = outlines(labels)
    assert not edge[labels == 0].any()
    # Each label has its own line where two touch.
    assert edge[1:6, [1, 4, 5, 8]].all()
    assert not edge[2:5, [2, 3, 6, 7]].any()


def test_the_box_of_labels():
    labels = np.zeros((10, 12, 14), np.int32)
    assert label_box(labels) == (slice(0, 1),) * 3
    labels[2, 5, 13] = labels[4, 3, 13] = 7
    assert label_box(labels) == (slice(2, 5), slice(3, 6), slice(13, 14))
