import numpy as np
import pytest

from fs_sclimbic.group.design.model import fsgd_model, matrix_model, mean_model
from tests.groups import AGES, SUBJECTS, fsgd_text, make_design


@pytest.fixture
def fsgd(tmp_path):
    (tmp_path / "g.fsgd").write_text(fsgd_text())
    return str(tmp_path / "g.fsgd")


def test_an_fsgd(fsgd):
    model = fsgd_model(fsgd, method="doss")
    np.testing.assert_array_equal(model.matrix, make_design(method="doss").matrix)
    assert (model.subjects, model.columns) == (SUBJECTS, ("Control", "Patient", "Age"))
    assert model.description == f"{fsgd}, method doss (as asked for): one slope for all classes"
    assert fsgd_model(fsgd, method="none").description.endswith("dods (by default): each class has its own slope")
    rescaled = fsgd_model(fsgd, method="doss", rescale=True).matrix[:, 2]
    np.testing.assert_allclose(rescaled, AGES / AGES.std())


def test_the_tag_of_the_file_wins_and_a_warning_says_so(fsgd, tmp_path):
    (tmp_path / "g.fsgd").write_text(fsgd_text("DOSS\n"))
    model = fsgd_model(fsgd, method="dods")
    assert model.design.method == "doss"
    assert [notice.severity for notice in model.notices] == ["warning"]
    assert "the tag DOSS is used" in model.notices[0].text


def test_the_mean_alone(fsgd):
    model = fsgd_model(fsgd, one_sample=True)
    assert (model.columns, model.matrix.tolist(), model.subjects) == (("Mean",), [[1]] * 12, SUBJECTS)
    model = mean_model(5)
    assert (model.matrix.shape, model.subjects) == ((5, 1), None)


def test_a_matrix(tmp_path):
    (tmp_path / "x").write_text("1 2\n3 4\n")
    model = matrix_model(str(tmp_path / "x"))
    assert (model.columns, model.matrix.tolist(), model.subjects) == (("X1", "X2"), [[1, 2], [3, 4]], None)
