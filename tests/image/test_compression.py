"""Whatever the values are, gzip gives the file back."""

import gzip
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fs_sclimbic.errors import ImageError
from fs_sclimbic.image.compression import StoredImage, gzip_image, storable_values
from fs_sclimbic.image.grid import Grid, Volume

SHAPES = hnp.array_shapes(min_dims=3, max_dims=4, max_side=5)


@given(
    hnp.arrays(np.int16, SHAPES, elements=st.sampled_from([0, 0, 0, 1, -5, 870])),
    st.binary(max_size=40),
    st.binary(max_size=40),
    st.sampled_from("<>"),
)
def test_the_compressed_file_is_the_file(data, header, footer, order):
    stored = StoredImage(header=header, data=data, dtype=np.dtype("i2").newbyteorder(order), footer=footer)
    assert gzip.decompress(gzip_image(stored)) == stored.to_bytes()
    assert stored.to_bytes() == header + data.astype(f"{order}i2").tobytes("F") + footer


def test_a_label_image_becomes_much_smaller():
    data = np.zeros((100, 100, 100), np.int16)
    data[40:60, 40:60, 40:60] = np.random.default_rng(1).integers(0, 900, (20, 20, 20))
    stored = StoredImage(header=b"h" * 348, data=data, dtype=data.dtype)
    packed = gzip_image(stored)
    assert len(packed) < 1.3 * len(gzip.compress(stored.to_bytes(), 4))
    assert zlib.decompress(packed, 31) == stored.to_bytes()
    assert packed[4:8] == b"\0\0\0\0", "no time stamp"


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ([0, 870], np.int16),
        ([-32768, 32767], np.int16),
        ([0, 32768], np.int32),
        ([True, False], np.int16),
        (np.array([0.5, 2.0]), np.float32),
    ],
)
def test_the_smallest_type_that_holds_the_values(values, kept):
    data = np.resize(values, (2, 2, 2))
    found = storable_values(Volume(data, Grid((2, 2, 2), np.eye(4))), "x.nii", [np.int16, np.int32])
    assert found.dtype == kept
    assert np.array_equal(found, data)


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 1j])
def test_values_that_do_not_fit_are_an_error_with_the_file_name(value):
    volume = Volume(np.full((2, 2, 2), value), Grid((2, 2, 2), np.eye(4)))
    with pytest.raises(ImageError, match=r"^x\.nii: values"):
        storable_values(volume, "x.nii", [np.int16, np.int32])
