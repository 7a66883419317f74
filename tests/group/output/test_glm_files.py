import io

import numpy as np
import pytest
import scipy.io

from fs_sclimbic.errors import DesignError
from fs_sclimbic.group.design.contrast import Contrast
from fs_sclimbic.group.design.fsgd import read_fsgd
from fs_sclimbic.group.design.matrix_files import read_design_matrix, read_frames, read_weights
from fs_sclimbic.group.output.glm_files import LogFacts, format_log, format_y_fsgd
from tests.groups import SUBJECTS, make_design


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


def test_y_fsgd():
    contrasts = (
        Contrast("g", np.array([[1.0, -1, 0, 0]])),
        Contrast("s", np.array([[0, 0, 0.5, 0.5]])),
        Contrast("F", np.array([[1.0, -1, 0, 0], [0, 0, 0.5, 0.5]])),
    )
    design = make_design(contrasts=contrasts, contrast_rows=(("F", ("g", "s")),))
    text = format_y_fsgd(design, "/data/t.dat", "prog", 5, subjects_dir="/subjects")
    lines = text.splitlines()
    assert lines[:21] == [
        "GroupDescriptorFile 1",
        "Title  small study",
        "",
        "MeasurementName external",
        "Tessellation volume",
        "PlotFile /data/t.dat",
        "DesignMatFile X.mat dods",
        "dods",
        "DeMeanFlag 0",
        "ReScaleFlag 0",
        "ResidualFWHM -1.000000",
        "LogY 0",
        "Class Control plus blue",
        "Class Patient",
        "Variables Age ",
        "Contrast g 1 -1 0 0 ",
        "Contrast s 0 0 0.5 0.5 ",
        "FContrast F g s ",
        "Input sub-01 Control 31 ",
        "Input sub-02 Patient 44 ",
        "Input sub-03 Control 52 ",
    ]
    assert lines[-3:] == ["Creator          prog", "SUBJECTS_DIR     /subjects", "SynthSeed        5"]


def test_y_fsgd_is_read_again_as_the_same_design(tmp_path):
    design = make_design(demean=True, method="doss", rescale=True)
    lines = format_y_fsgd(design, "/t", "p", 1, logarithm=True).splitlines()
    (tmp_path / "y.fsgd").write_text("\n".join(line for line in lines if not line.startswith("DesignMatFile")) + "\n")
    again, _ = read_fsgd(tmp_path / "y.fsgd")
    assert (again.subjects, again.classes, again.method, again.demean, again.log_y) == (
        SUBJECTS, design.classes, "doss", True, 1,
    )  # fmt: skip
    np.testing.assert_allclose(again.matrix, design.matrix)


def test_y_fsgd_without_variables():
    design = make_design(variables=(), values=np.zeros((12, 0)), title="")
    lines = format_y_fsgd(design, "/t", "p", 1).splitlines()
    assert lines[1] == "MeasurementName external"
    assert "DeMeanFlag -1" in lines
    assert not [line for line in lines if line.startswith("Variables")]


def test_log():
    text = format_log(
        LogFacts("p", ["p", "--C", "a b.mtx"], "/t.dat", "out", "g.fsgd", None, "w", notes=["note"], n_structures=14)
    )
    lines = text.splitlines()
    assert lines[0] == ""
    assert lines[3] == "cmdline p --C 'a b.mtx' "
    for line in ("y    /t.dat", "FSGD g.fsgd", "glmdir out", "wgFile w", "SearchSpace 14.000000", "logyflag 0", "note"):
        assert line in lines
    assert not [line for line in lines if line.startswith("X    ")]
