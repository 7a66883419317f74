"""One voxel that is colder or hotter than all others stretches the range that the network sees."""

import numpy as np
import pytest

from fs_sclimbic.errors import ImageError
from fs_sclimbic.image.intensity import intensity_range
from fs_sclimbic.segmentation.intensity_check import check_content, intensity_warnings, profile_intensities

RNG = np.random.default_rng(3)


def head(dtype=np.float32):
    """A dark background and tissue up to 250, a few bright vessels up to 280: voxels as in a good head."""
    data = np.zeros((40, 44, 48))
    data[8:32, 8:36, 8:40] = RNG.normal(140, 25, (24, 28, 32)).clip(20, 250)
    data[20, 20, 10:30] = np.linspace(255, 280, 20)
    return data.astype(dtype)


def with_voxel(value, dtype=np.float32):
    data = head(dtype)
    data[0, 0, 0] = value
    return data


def warnings_of(data, percentile=None, low_percentile=None):
    profile = profile_intensities(data)
    intensities = intensity_range(data, percentile, low_percentile)
    check_content(profile, intensities)
    return intensity_warnings(
        profile, intensities, robust_top=percentile is not None, robust_bottom=low_percentile is not None
    )


@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.uint16])
def test_a_good_head_gives_no_warning(dtype):
    assert warnings_of(head(dtype)) == []


@pytest.mark.parametrize(("value", "dtype"), [(-50, np.int16), (-255, np.float32), (-600, np.int16)])
def test_a_cold_voxel_is_named_with_what_to_do(value, dtype):
    (warning,) = warnings_of(with_voxel(value, dtype))
    assert f"begin at {value}" in warning
    assert "--preset study" in warning
    assert warnings_of(with_voxel(value, dtype), 99.9, 0.1) == []
    assert len(warnings_of(with_voxel(value, dtype), 99.9)) == 1, "a robust top does not help"


def test_a_slightly_negative_voxel_is_none_of_it():
    assert warnings_of(with_voxel(-1)) == []


@pytest.mark.parametrize("value", [350, 500, 1000, 2000])
def test_a_hot_voxel_is_named_with_what_to_do(value):
    (warning,) = warnings_of(with_voxel(value))
    assert f"({value})" in warning
    assert "--preset study" in warning
    assert "--percentile 99.9" in warning
    assert warnings_of(with_voxel(value), 99.9) == []


def test_many_very_bright_voxels():
    data = head()
    data[30:32, 30:32, 20:24] = 700
    (warning,) = warnings_of(data)
    assert "99.9th percentile" in warning


def test_a_saturated_image():
    data = np.minimum(head(), 165)
    (warning,) = warnings_of(data)
    assert "saturated" in warning
    assert "165" in warning


def test_negative_voxels_that_are_many():
    """As where air was set to -1024, or numbers ran over: a percentile does not leave them out."""
    data = head()
    data[:4] = -1024
    for percentiles in [(None, None), (99.9, 0.1)]:
        (warning,) = warnings_of(data, *percentiles)
        assert "-1024" in warning
        assert "set them to 0" in warning


@pytest.mark.parametrize(
    ("value", "dtype"), [(-3500, np.int16), (-32767, np.int16), (5000, np.int16), (1e6, np.float32)]
)
def test_content_squeezed_into_nothing_is_refused_with_the_cause(value, dtype):
    with pytest.raises(ImageError, match="% of that range") as caught:
        warnings_of(with_voxel(value, dtype))
    assert f"{value:g}" in str(caught.value)
    assert "--preset study" in str(caught.value)
    assert warnings_of(with_voxel(value, dtype), 99.9, 0.1) == []


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 2, 2), (3, 40, 40)])
def test_small_images(shape):
    data = np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(shape)
    profile = profile_intensities(data)
    assert profile.brightest == data.max()
    assert profile.fifth_brightest <= profile.brightest


def test_the_fifth_brightest_voxel():
    data = RNG.permutation(20 * 21 * 22).reshape(20, 21, 22)
    assert profile_intensities(data).fifth_brightest == data.max() - 4
    data[3] = data.max()
    assert profile_intensities(data).fifth_brightest == data.max()
