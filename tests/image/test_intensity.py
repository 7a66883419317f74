"""The range of intensities that the network sees."""

import numpy as np
import pytest

from fs_sclimbic.errors import ImageError
from fs_sclimbic.image.intensity import intensity_range

RNG = np.random.default_rng(1)


def test_intensities_become_0_to_1():
    data = np.array([-10, 0, 40, 90], np.int16).reshape(1, 1, 4)
    scaled = intensity_range(data).scale(data)
    assert np.allclose(scaled.ravel(), [0, 0.1, 0.5, 1])
    assert scaled.dtype == np.float32


def test_percentile_is_of_the_non_zero_voxels():
    data = np.zeros((10, 10, 10), np.float32)
    data.ravel()[:101] = np.arange(1, 102)
    scaled = intensity_range(data, 50).scale(data).ravel()
    assert scaled[50] == 1  # the value 51 is the median of 1 ... 101
    assert scaled[100] == 1  # above is cut
    assert scaled[24] == pytest.approx(25 / 51)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (np.zeros((3, 3, 3)), "blank"),
        (np.full((3, 3, 3), 7), "blank"),
        (np.array([[[1, np.nan, 3]]]), "1 of 3 voxels"),
        (np.array([[[1, np.inf, 3]]]), "infinite"),
        (np.array([[[-3e38, 0, 3e38]]]), "span too much"),
    ],
)
def test_images_without_a_head_are_refused(data, word):
    with pytest.raises(ImageError, match=word):
        intensity_range(data)


def test_low_percentile_ignores_cold_voxels():
    data = np.arange(1000, dtype=np.float32).reshape(10, 10, 10)
    data[0, 0, 0] = -5000
    assert intensity_range(data).bottom == -5000
    assert intensity_range(data, low_percentile=1).bottom == pytest.approx(10, abs=1)
    assert data[0, 0, 0] == -5000, "the image itself is not changed"


def test_low_percentile_leaves_a_dark_background_at_the_minimum():
    """An image without a cold voxel has the same range, whole heads and brains alike."""
    data = np.zeros((20, 20, 20), np.float32)
    data[5:15, 5:15, 5:15] = RNG.uniform(100, 200, (10, 10, 10))
    assert intensity_range(data, low_percentile=0.1) == intensity_range(data)
