"""The interpolation that is loaded alone is the one of the whole library."""

import numpy as np
import pytest
from surfa.image.interp import interpolate as of_the_library

from fs_sclimbic.image.interpolation import interpolate


@pytest.mark.parametrize("method", ["linear", "nearest"])
def test_it_gives_the_same_bits(method):
    rng = np.random.default_rng(1)
    image = rng.random((9, 8, 7, 2), np.float32)
    affine = np.array([[0.8, 0.1, 0, 0.5], [-0.1, 0.9, 0.05, 0], [0, 0, 1.1, -0.4], [0, 0, 0, 1]])
    found, expected = (one(image, (10, 9, 8), method, affine=affine, fill=0) for one in (interpolate, of_the_library))
    assert np.array_equal(found, expected)
    assert found.any()
