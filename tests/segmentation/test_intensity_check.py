"""One voxel that is colder or hotter than all others stretches the range that the network sees."""

import re

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


def standardised(data):
    """z scores over all voxels."""
    return (data - data.mean()) / data.std()


def standardised_in_the_brain(data):
    """z scores over the voxels that are not 0, which stay 0."""
    brain = data[data != 0]
    return np.where(data != 0, (data - brain.mean()) / brain.std(), 0).astype(np.float32)


@pytest.mark.parametrize("noise", [0, 3], ids=["clean air", "noisy air"])
@pytest.mark.parametrize(
    "move",
    [standardised, lambda data: data - data.mean(), lambda data: data - 100, lambda data: 1e-3 * data - 4],
    ids=["z scores", "mean-centred", "less 100", "scaled"],
)
def test_intensities_that_are_moved_as_a_whole_give_no_warning(move, noise):
    """The range moves with them, and the network sees the same."""
    data = head()
    data += np.abs(RNG.normal(0, noise, data.shape)) if noise else 0
    assert warnings_of(move(data)) == []
    spoiled = data.copy()
    spoiled[0, 0, 0] = -50
    (warning,) = warnings_of(move(spoiled))
    assert "intensities begin at" in warning
    spoiled = data.copy()
    spoiled[0, 0, 0] = 500
    (warning,) = warnings_of(move(spoiled))
    assert "the brightest voxel" in warning
    (warning,) = warnings_of(move(np.minimum(data, 165)))
    assert "saturated" in warning


def test_z_scores_in_the_brain_are_told_as_such():
    """The air, 0, is as bright as the brain."""
    for percentiles in [(None, None), (99.9, 0.1)]:
        (warning,) = warnings_of(standardised_in_the_brain(head()), *percentiles)
        assert "the background, 0, lies amid" in warning
        assert "-thr" not in warning


def test_few_dark_voxels_below_a_background_of_0_are_no_padding():
    """Noise and dark tissue of z scores in the brain: raised to 0, they would be lost."""
    data = head()
    data[:6] = np.where(RNG.random((6, 44, 48)) < 0.8, 1, 0)  # air that a mask left
    assert not [warning for warning in warnings_of(standardised_in_the_brain(data)) if "-max" in warning]


def padded(data, value):
    spoiled = data.copy()
    spoiled[:4] = value
    return spoiled


@pytest.mark.parametrize("noise", [0, 3], ids=["clean air", "noisy air"])
@pytest.mark.parametrize("value", [-30, -255, -1024])
def test_negative_padding_is_found_and_the_advice_repairs_it(value, noise):
    """A percentile does not leave it out: too many voxels have its value."""
    data = head()
    data += np.abs(RNG.normal(0, noise, data.shape)) if noise else 0
    spoiled = padded(data, value)
    for percentiles in [(None, None), (99.9, 0.1)]:
        (warning,) = warnings_of(spoiled, *percentiles)
        assert f"of {value}, lie far below the air" in warning
    assert_same_tissue(with_advice(spoiled, warning), data)


def test_padding_with_blurred_edges_is_found():
    """As where the padded image was turned."""
    spoiled = padded(head(), -1024)
    spoiled[4, :10] = -500
    (warning,) = warnings_of(spoiled)
    assert "of -1024, lie far below the air" in warning
    assert "before it was padded" in warning, "no number separates air from padding"


def test_padding_that_squeezes_the_head_into_nothing_is_refused():
    data = head(np.int16)
    for percentiles in [(None, None), (99.9, 0.1)]:
        with pytest.raises(ImageError, match="% of that range") as caught:
            warnings_of(padded(data, -32768), *percentiles)
    assert_same_tissue(with_advice(padded(data, -32768), str(caught.value)), data)


def test_ringing_is_found_and_the_advice_repairs_it():
    """Voxels below the air, as a sharp interpolation or filter leaves them at edges; few of them are deep."""
    data = head()
    spoiled = data.copy()
    ring = RNG.random(data.shape) < 0.05
    ring &= data == 0
    spoiled[ring] = -RNG.exponential(2.5, int(ring.sum()))
    (warning,) = warnings_of(spoiled)
    assert "intensities begin at" in warning
    assert "--preset study" in warning
    assert warnings_of(spoiled, 99.9, 0.1) == []
    assert_same_tissue(np.maximum(spoiled, np.percentile(spoiled, 0.1)), data, max_off=0.04)


def with_advice(data, message):
    """The image after `fslmaths IN -max NUMBER OUT`, as the message says."""
    return np.maximum(data, float(re.search(r"fslmaths IN -max (\S+) OUT", message).group(1)))


def assert_same_tissue(repaired, data, max_off=0.02):
    """No warning any more, and the network sees the tissue as in the image without the fault."""
    assert warnings_of(repaired) == []
    tissue = data > 50
    scaled, expected = (intensity_range(some).scale(some)[tissue] for some in (repaired, data))
    np.testing.assert_allclose(scaled, expected, atol=max_off)


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
