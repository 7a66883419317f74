import io

import numpy as np
import pytest
import scipy.io

from fs_sclimbic.errors import DesignError
from fs_sclimbic.group.design.matrix_files import read_design_matrix, read_frames, read_weights


def matlab(**matrices):
    content = io.BytesIO()
    version = matrices.pop("version", "4")
    scipy.io.savemat(content, matrices, format=version)
    return content.getvalue()


MATRIX = np.array([[1, 0, 31.5], [0, 1, -2e-3], [1, 0, 7]])


@pytest.mark.parametrize(
    "content",
    [
        b"1 0 31.5\n0 1 -2e-3\n1 0 7\n",
        b"+1.00000 +0.00000 31.5 \r\n0\t1 -.002\r\n 1 0 7.",
        matlab(X=MATRIX),
        matlab(X=MATRIX, version="5"),
        matlab(other=MATRIX),
        matlab(X=MATRIX, other=np.eye(2), version="5"),
    ],
)
def test_design_matrices(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    np.testing.assert_allclose(read_design_matrix(tmp_path / "x"), MATRIX, rtol=1e-15)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1 0\n1 0 0\n", r"x:2: expected 2 numbers as in the first row, found 3"),
        (b"1 0\nNaN 1\n", r"x:2: .*NaN"),
        (b"1,0\n", r"x:1: "),
        (b"", r"x:1: the design matrix file is empty"),
        (b"\0junk" * 40, "expected text or a Matlab file"),
        (b"\0junk", "expected text or a Matlab file"),
        (matlab(A=MATRIX, B=MATRIX), "expected one matrix, or one named X, found A, B"),
        (matlab(X=np.array([[1.0, np.nan]])), "no finite numbers"),
        (matlab(X="text", version="5"), "expected one matrix"),
    ],
)
def test_bad_design_matrices(tmp_path, content, message):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(DesignError, match=message):
        read_design_matrix(tmp_path / "x")
    with pytest.raises(DesignError, match="cannot be read"):
        read_design_matrix(tmp_path / "none")


def test_weights(tmp_path):
    path = tmp_path / "w"
    path.write_text("1\n0.5\n2e1\n\n")
    assert read_weights(path, 3).tolist() == [1, 0.5, 20]
    with pytest.raises(DesignError, match="expected 4 weights, one for each row of the design, found 3"):
        read_weights(path, 4)
    path.write_text("1\n0\n1 2\n-3\n")
    with pytest.raises(DesignError, match=r"w:2: .*found '0'.*\n.*w:3: .*'1 2'.*\n.*w:4: .*'-3'"):
        read_weights(path, 4)


def test_frames(tmp_path):
    path = tmp_path / "f"
    path.write_text("3 4\n0\n")
    assert read_frames(path) == (3, 4, 0)
    path.write_text("3\n-1\n1.5 x\n")
    with pytest.raises(DesignError, match=r"f:2: .*'-1'\n.*f:3: .*'1.5'\n.*f:3: .*'x'"):
        read_frames(path)
    path.write_text("\n")
    with pytest.raises(DesignError, match="names no row"):
        read_frames(path)
