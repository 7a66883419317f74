"""Shapes and geometries that can be those of a head scan, and those that cannot."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from fs_sclimbic.files.content import ContentError
from fs_sclimbic.image.grid import Grid
from fs_sclimbic.image.header import ImageHeader, check_geometry, check_shape, format_mm

REAL = np.dtype("<f4")


@given(
    st.tuples(*[st.floats(0.11, 9.9)] * 3),
    st.tuples(*[st.floats(-180, 180)] * 3),
    st.tuples(*[st.floats(-500, 500)] * 3),
    st.tuples(*[st.booleans()] * 3),
)
def test_any_orientation_size_and_place_passes(sizes, degrees, shift, flips):
    vox2ras = np.eye(4)
    vox2ras[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix() * np.where(flips, -1, 1) * sizes
    vox2ras[:3, 3] = shift
    check_geometry(vox2ras, np.array(sizes))


def matrix(linear, shift=(0, 0, 0)):
    vox2ras = np.eye(4)
    vox2ras[:3, :3], vox2ras[:3, 3] = linear, shift
    return vox2ras


@pytest.mark.parametrize(
    ("vox2ras", "sizes", "word"),
    [
        (matrix(np.zeros((3, 3))), (1, 1, 1), "singular"),
        (matrix(np.ones((3, 3))), (1, 1, 1), "singular"),
        (matrix(np.eye(3), (0, np.nan, 0)), (1, 1, 1), "singular"),
        (matrix(np.eye(3)), (1, np.nan, 1), "contradicts itself"),
        (matrix(np.eye(3)), (1, 1.02, 1), "contradicts itself: voxel size 1 x 1.02 x 1 mm, but 1 x 1 x 1 mm"),
        (matrix(0.001 * np.eye(3)), (0.001,) * 3, "unit must be mm"),
        (matrix(1000 * np.eye(3)), (1000,) * 3, "unit must be mm"),
        (matrix(np.diag([1, 1, 11.0])), (1, 1, 11), "unit must be mm"),
        (matrix(np.eye(3), (0, 2e6, 0)), (1, 1, 1), "2e+06 mm from the scanner's centre"),
        (matrix(1e300 * np.eye(3)), (1e300,) * 3, "singular|unit"),
    ],
)
def test_what_no_head_scan_has(vox2ras, sizes, word):
    with pytest.raises(ContentError) as error:
        check_geometry(vox2ras, np.array(sizes, float))
    assert any(part in str(error.value) for part in word.split("|"))


def test_sizes_that_differ_by_rounding_agree():
    check_geometry(matrix(np.eye(3)), np.array([1.009, 0.991, 1]))


@pytest.mark.parametrize(
    ("shape", "dtype", "frames", "word"),
    [
        ((7, 8), REAL, False, "3-D"),
        ((7, 0, 9), REAL, False, "3-D"),
        ((7, 8, 9, 2), REAL, False, "found 2"),
        ((7, 8, 9, 1, 3), REAL, True, "found 3"),
        ((7, 8, 9), np.dtype("c8"), False, "complex"),
        ((7, 8, 9), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]), False, "colours"),
    ],
)
def test_shapes_of_no_single_image(shape, dtype, frames, word):
    with pytest.raises(ContentError, match=word):
        check_shape(shape, dtype, frames=frames)


@pytest.mark.parametrize(("shape", "frames"), [((7, 8, 9), False), ((7, 8, 9, 1), False), ((7, 8, 9, 2), True)])
def test_shapes_of_an_image(shape, frames):
    check_shape(shape, REAL, frames=frames)


def test_the_size_of_values_never_overflows():
    header = ImageHeader(shape=(32767,) * 4, dtype=REAL, offset=352, grid=Grid((2, 2, 2), np.eye(4)))
    assert header.value_bytes == 4 * 32767**4


def test_sizes_as_text():
    assert format_mm((0.859375, 1, 1.20000005)) == "0.8594 x 1 x 1.2"
