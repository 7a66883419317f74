import io

import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st

from fs_sclimbic.group.design.matlab_files import read_matlab

MATRIX = np.array([[1, 0, 31.5], [0, 1, -2e-3]])


def saved(matrices, **options):
    content = io.BytesIO()
    scipy.io.savemat(content, matrices, **options)
    return content.getvalue()


WAYS = ({"format": "4"}, {"format": "5"}, {"format": "5", "do_compression": True})


@pytest.mark.parametrize("options", WAYS)
@pytest.mark.parametrize("dtype", ["f8", "f4", "i4", "i2", "u2", "u1", "i8", "i1", "u4", "?"])
def test_matrices_are_those_of_scipy(options, dtype):
    matrix = np.arange(12).reshape(3, 4).astype(dtype)
    if options["format"] == "4" and dtype in ("i8", "i1", "u4", "?"):
        pytest.skip("version 4 has no such numbers")
    content = saved({"X": matrix, "another": MATRIX}, **options)
    ours, theirs = read_matlab(content), scipy.io.loadmat(io.BytesIO(content))
    assert list(ours) == ["X", "another"]
    for name, found in ours.items():
        np.testing.assert_array_equal(found, theirs[name])
        assert found.dtype == np.float64


@pytest.mark.parametrize("options", WAYS)
@given(rows=st.integers(1, 30), columns=st.integers(1, 9), seed=st.integers(0, 999))
def test_any_size(options, rows, columns, seed):
    matrix = np.random.default_rng(seed).normal(0, 1e3, (rows, columns))
    found = read_matlab(saved({"a_long_name_of_a_matrix": matrix}, **options))
    np.testing.assert_array_equal(found["a_long_name_of_a_matrix"], matrix)


@pytest.mark.parametrize(
    "value",
    [
        "text",
        MATRIX + 1j,
        {"a": 1.0},
        np.array([[1, "a"]], object),
        scipy.sparse.csc_matrix(MATRIX),
        np.ones((2, 2, 2)),
    ],
    ids=["text", "complex", "structure", "cell", "sparse", "three axes"],
)
def test_other_variables_are_named_and_not_read(value):
    assert read_matlab(saved({"v": value, "X": MATRIX}))["v"] is None
    np.testing.assert_array_equal(read_matlab(saved({"v": value, "X": MATRIX}))["X"], MATRIX)


def test_the_other_byte_order():
    head = np.array([1000, 2, 3, 0, 2], ">i4").tobytes() + b"X\0"
    np.testing.assert_array_equal(read_matlab(head + MATRIX.T.astype(">f8").tobytes())["X"], MATRIX)


@pytest.mark.parametrize("options", WAYS)
def test_a_file_that_is_cut_off_is_never_read(options):
    whole = saved({"X": MATRIX}, **options)
    for length in range(1, len(whole)):
        try:
            found = read_matlab(whole[:length])
        except ValueError:
            continue
        assert not found, length  # a header alone


def test_sizes_are_not_believed():
    with pytest.raises(ValueError, match="longer than its file"):
        read_matlab(np.array([0, 10**9, 10**9, 0, 2], "<i4").tobytes() + b"X\0" + b"\0" * 80)
    with pytest.raises(ValueError, match="another version"):
        read_matlab(b" " * 124 + b"\x00\x02IM" + b"\0" * 80)
