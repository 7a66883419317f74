import numpy as np

from fs_sclimbic.group.design.contrast import Contrast
from fs_sclimbic.group.design.fsgd import read_fsgd
from fs_sclimbic.group.output.glm_files import LogFacts, format_log, format_y_fsgd
from tests.groups import AGES, SUBJECTS, make_design


def test_y_fsgd():
    contrasts = (
        Contrast("g", np.array([[1.0, -1, 0, 0]])),
        Contrast("s", np.array([[0, 0, 0.5, 0.5]])),
        Contrast("F", np.array([[1.0, -1, 0, 0], [0, 0, 0.5, 0.5]])),
    )
    design = make_design(contrasts=contrasts, contrast_rows=(("F", ("g", "s")),))
    text = format_y_fsgd(design, table="/data/t.dat", program="prog", seed=5, subjects_dir="/subjects")
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
    lines = format_y_fsgd(design, table="/t", program="p", seed=1, logarithm=True).splitlines()
    (tmp_path / "y.fsgd").write_text("\n".join(line for line in lines if not line.startswith("DesignMatFile")) + "\n")
    again, _ = read_fsgd(tmp_path / "y.fsgd")
    assert (again.subjects, again.classes, again.method, again.demean, again.log_y) == (
        SUBJECTS, design.classes, "doss", True, 1,
    )  # fmt: skip
    np.testing.assert_allclose(again.matrix, design.matrix)


def test_y_fsgd_without_variables():
    design = make_design(variables=(), values=np.zeros((12, 0)), title="")
    lines = format_y_fsgd(design, table="/t", program="p", seed=1).splitlines()
    assert lines[1] == "MeasurementName external"
    assert "DeMeanFlag -1" in lines
    assert not [line for line in lines if line.startswith("Variables")]


def test_log():
    text = format_log(
        LogFacts(
            program="p",
            command=["p", "--C", "a b.mtx"],
            table="/t.dat",
            glmdir="out",
            fsgd="g.fsgd",
            weights="w",
            notes=["note"],
            n_structures=14,
        )
    )
    lines = text.splitlines()
    assert lines[0] == ""
    assert lines[3] == "cmdline p --C 'a b.mtx' "
    for line in ("y    /t.dat", "FSGD g.fsgd", "glmdir out", "wgFile w", "SearchSpace 14.000000", "logyflag 0", "note"):
        assert line in lines
    assert not [line for line in lines if line.startswith("X    ")]


def test_large_numbers_keep_their_digits_in_y_fsgd(tmp_path):
    dates = 1.7e9 + AGES
    design = make_design(values=dates[:, None])
    lines = format_y_fsgd(design, table="/t", program="p", seed=1).splitlines()
    assert "Input sub-01 Control 1700000031 " in lines
    (tmp_path / "y.fsgd").write_text("\n".join(line for line in lines if not line.startswith("DesignMatFile")) + "\n")
    again, _ = read_fsgd(tmp_path / "y.fsgd")
    np.testing.assert_array_equal(again.values[:, 0], dates)
