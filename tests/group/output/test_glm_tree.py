import io
import os

import numpy as np
import pytest
import scipy.io

from fs_sclimbic.errors import DesignError, TableError
from fs_sclimbic.group.design.contrast import Contrast
from fs_sclimbic.group.design.matrix_files import format_matrix
from fs_sclimbic.group.fit.glm import fit_glm
from fs_sclimbic.group.fit.results import group_result
from fs_sclimbic.group.fit.study import StudyOptions, assemble
from fs_sclimbic.group.output.glm_tree import (
    LOG,
    TreeOptions,
    check_names,
    check_replaceable,
    format_table,
    tree_files,
    write_tree,
)
from fs_sclimbic.group.text_table import GroupTable
from fs_sclimbic.image.volume import read_volume
from tests.groups import AGES, CLASS_OF, STRUCTURES, SUBJECTS, make_model, make_table

X = np.column_stack([np.eye(2)[list(CLASS_OF)], AGES])
GROUP, AGE = Contrast("group", np.array([[1.0, -1, 0]])), Contrast("age", np.array([[0, 0, 1.0]]))
BOTH = Contrast("both.F", np.array([[1.0, -1, 0], [0, 0, 1]]))
NAMES = (*STRUCTURES, "eTIV")


def tree(contrasts=(GROUP, AGE, BOTH), options=TreeOptions(), values=None):  # noqa: B008
    values = make_table().values if values is None else values
    table = GroupTable("Measure:volume", SUBJECTS, NAMES, values)
    study = assemble(make_model(method="doss"), table, StudyOptions())
    fit = fit_glm(study.matrix, study.values)
    results = [group_result(fit, contrast, study.structures, study.family) for contrast in contrasts]
    files = tree_files(study, fit, results, seed=7, options=options)
    return fit, [result.test for result in results], files


def read(folder, name):
    volume = read_volume(folder / name, frames=True)
    assert volume.data.shape[:3] == (4, 1, 1)
    assert volume.data.dtype == np.dtype(">f4")
    np.testing.assert_array_equal(volume.grid.vox2ras, np.eye(4))
    return volume.data.reshape(4, -1).T.astype(float)


def test_which_files():
    everything = {
        "Xg.dat", "X.mat", "dof.dat", "beta.mgh", "rvar.mgh", "rstd.mgh",
        "sig.table.dat", "gamma.table.dat", "input.table.dat",
    }  # fmt: skip
    for name in ("group", "age", "both.F"):
        parts = ["C.dat", "efficiency.dat", "maxvox.dat", "gamma.mgh", "F.mgh", "sig.mgh", "z.mgh"]
        parts += ["gammavar.mgh", "cnr.mgh"] if name != "both.F" else []
        everything |= {f"{name}/{part}" for part in parts}
    assert set(tree()[2]) == everything
    more = set(tree(options=TreeOptions(suffix=".nii.gz", yhat=True, eres=True, cond=True))[2])
    assert more == {name.replace(".mgh", ".nii.gz") for name in everything} | {
        "yhat.nii.gz", "eres.nii.gz", "cond.nii.gz"
    }  # fmt: skip


@pytest.mark.parametrize("suffix", [".mgh", ".nii.gz"])
def test_images(tmp_path, suffix):
    fit, results, files = tree(options=TreeOptions(suffix=suffix, yhat=True, eres=True, cond=True))
    write_tree(tmp_path / "out", files)
    expected = {
        "beta": fit.beta,
        "rvar": fit.residual_variance[None],
        "rstd": np.sqrt(fit.residual_variance)[None],
        "yhat": X @ fit.beta,
        "eres": make_table().values - X @ fit.beta,
        "cond": np.full((1, 4), np.linalg.cond(X.T @ X)),
        "group/gamma": results[0].gamma,
        "group/gammavar": results[0].row_variance,
        "group/cnr": results[0].gamma / np.sqrt(fit.residual_variance),
        "group/F": results[0].f[None],
        "group/sig": results[0].sig[None],
        "group/z": results[0].z[None],
        "both.F/gamma": results[2].gamma,
        "both.F/sig": results[2].sig[None],
    }
    for name, values in expected.items():
        found = (
            read_volume(tmp_path / "out" / f"{name}{suffix}", frames=True).data.reshape(4, -1).T
            if suffix != ".mgh"
            else read(tmp_path / "out", name + suffix)
        )
        np.testing.assert_allclose(found, values, rtol=1e-6, atol=1e-4 * np.abs(values).mean(), err_msg=name)
    assert (results[0].sig < 0).any() or (results[1].sig < 0).any()


def test_mgh_version_one(tmp_path):
    header = np.frombuffer(tree()[2]["beta.mgh"][:28], ">i4")
    # version, four sizes, type 3 (float32), degrees of freedom
    assert header[:6].tolist() == [1, 4, 1, 1, 3, 3]


def test_matlab_matrix():
    content = tree()[2]["X.mat"]
    assert content[:20] == np.array([0, 12, 3, 0, 2], "<i4").tobytes()  # Matlab 4: double, rows, columns, real, name
    np.testing.assert_array_equal(scipy.io.loadmat(io.BytesIO(content))["X"], X)


GOLDEN = {
    "dof.dat": "9\n",
    "group/C.dat": "+1.00000 -1.00000 +0.00000 \n",
    "both.F/C.dat": "+1.00000 -1.00000 +0.00000 \n+0.00000 +0.00000 +1.00000 \n",
}


def test_text_files():
    fit, results, files = tree()
    text = {name: content.decode() for name, content in files.items() if name.endswith(".dat")}
    for name, expected in GOLDEN.items():
        assert text[name] == expected
    assert text["Xg.dat"].splitlines()[:2] == ["+1.00000 +0.00000 +31.00000 ", "+0.00000 +1.00000 +44.00000 "]
    table = text["gamma.table.dat"].splitlines()
    assert table[0] == "Measure:volume                    group age both.F "
    # Of a contrast of several rows the table holds the first, as the original's.
    gamma = [results[0].gamma[0, 1], results[1].gamma[0, 1], results[0].gamma[0, 1]]
    assert table[2] == "Right-A                           " + "".join(f"{value:7.3f} " for value in gamma)
    sig = text["sig.table.dat"].splitlines()
    assert sig[2] == "Right-A                           " + "".join(f"{r.sig[1]:7.3f} " for r in results)
    line = text["input.table.dat"].splitlines()[1]
    assert line == "sub-01                            " + "".join(f"{v:7.3f} " for v in make_table().values[0])
    assert text["age/efficiency.dat"] == f"{1 / fit.inverse[2, 2]:g}\n"
    top = int(np.argmax(np.abs(results[1].sig)))
    assert text["age/maxvox.dat"] == f"{results[1].sig[top]:e}  {results[1].f[top]:e}    {top} 0 0     7\n"


def test_signs_can_be_left_out_of_the_table():
    signed, unsigned = tree()[2], tree(options=TreeOptions(unsigned_sig=True))[2]
    assert b"-" in signed["sig.table.dat"].split(b"\n", 1)[1].replace(b"-A", b"")
    assert signed["sig.table.dat"].replace(b" -", b"  ") == unsigned["sig.table.dat"]
    assert signed["group/sig.mgh"] == unsigned["group/sig.mgh"]


def test_wide_names_and_numbers_push_out():
    text = format_table("m", ["c"], ["x" * 40], np.array([[123456789.0]]))
    assert text == "m                                 c \n" + "x" * 40 + " 123456789.000 \n"
    assert format_matrix(np.array([[-1e6, 0]])) == "-1000000.00000 +0.00000 \n"


def test_exact_fits_leave_finite_images(tmp_path):
    values = make_table().values
    values[:, 0] = 7
    _, _, files = tree(values=values)
    write_tree(tmp_path / "out", files)
    for name in ("rvar", "group/F", "group/sig", "group/z", "group/cnr", "group/gammavar"):
        assert np.isfinite(read(tmp_path / "out", f"{name}.mgh")).all()
    assert read(tmp_path / "out", "group/F.mgh")[0, 0] == 0
    assert read(tmp_path / "out", "rvar.mgh")[0, 0] == pytest.approx(1.18e-38, rel=0.01)


@pytest.mark.parametrize("names", [("a", "a"), ("Group", "group")])
def test_equal_names(names):
    with pytest.raises(DesignError, match="overwrite each other"):
        check_names([Contrast(name, np.eye(1)) for name in names])


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", ".hidden", "beta.mgh", "report.html", "MRI_glmfit.log"])
def test_names_that_are_no_folder(name):
    with pytest.raises(DesignError, match="cannot name a folder"):
        check_names([Contrast(name, np.eye(1))])


def test_an_earlier_fit_is_replaced_as_a_whole(tmp_path):
    out = tmp_path / "deep" / "out"
    write_tree(out, {**tree()[2], LOG: b"log"})
    assert check_replaceable(out) == ("age", "both.F", "group")
    write_tree(out, {**tree((AGE,))[2], LOG: b"log"})
    assert not (out / "group").exists()
    assert (out / "age/C.dat").exists()
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_folders_that_cannot_be_moved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TableError, match="is the current folder"):
        check_replaceable(".")
    with pytest.raises(TableError, match="is a mount point"):
        check_replaceable("/")


def test_an_empty_folder_is_taken(tmp_path):
    write_tree(tmp_path, tree()[2])
    assert (tmp_path / "beta.mgh").exists()


@pytest.mark.parametrize("stranger", ["notes.txt", "age/my_figure.pdf", "more/x.mgh"])
def test_other_files_are_not_removed(tmp_path, stranger):
    out = tmp_path / "out"
    write_tree(out, {**tree()[2], LOG: b"log", stranger: b"mine"})
    with pytest.raises(TableError, match=f"found {stranger.removesuffix('/x.mgh')}"):
        write_tree(out, tree()[2])
    assert (out / stranger).read_bytes() == b"mine"
    (kept,) = tmp_path.glob("sclimbic-results-*")
    assert (kept / "beta.mgh").exists(), "results are never lost"


def test_a_folder_without_a_log_is_no_fit(tmp_path):
    (tmp_path / "beta.mgh").write_bytes(b"")
    with pytest.raises(TableError, match=r"beta\.mgh; give a new --glmdir"):
        check_replaceable(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(TableError, match="must be a folder"):
        check_replaceable(tmp_path / "file")


def test_a_link_to_a_folder_stays_one(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_tree(tmp_path / "link", {LOG: b"x"})
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / LOG).exists()


def test_permissions_are_the_users(tmp_path):
    write_tree(tmp_path / "out", {LOG: b"x"})
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o777 & ~mask
