import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols

from fs_sclimbic.group.design.design import Design, GroupClass
from fs_sclimbic.group.design.model import Model
from fs_sclimbic.group.fit.adjusted_means import MeanRows, adjusted_means, class_rows, level_rows
from fs_sclimbic.group.fit.glm import fit_glm
from fs_sclimbic.group.fit.study import COVARIATE, StudyOptions, assemble
from fs_sclimbic.group.text_table import GroupTable

N = 40
RNG = np.random.default_rng(8)
CLASS_OF = RNG.permutation(np.arange(N) % 3)
AGE = RNG.uniform(20, 80, N)
SIZE = RNG.normal(1.5e6, 1e5, N)
VOLUMES = 400 + 20 * CLASS_OF[:, None] - AGE[:, None] + SIZE[:, None] / 5e3 + RNG.normal(0, 30, (N, 2))
NAMES = tuple(f"s{i}" for i in range(N))
DATA = pd.DataFrame({"y": VOLUMES[:, 0], "c": np.array(list("ABC"))[CLASS_OF], "age": AGE, "size": SIZE})


def study(method, etiv="raw", demean=False):
    classes = tuple(GroupClass(name) for name in "ABC")
    design = Design("", NAMES, classes, tuple(CLASS_OF.tolist()), ("Age",), AGE[:, None], method, demean)
    model = Model(
        columns=design.columns, matrix=design.matrix, subjects=NAMES, source="g", description="", design=design
    )
    table = GroupTable("Measure:volume", NAMES, ("X", "Y", "eTIV"), np.column_stack([VOLUMES, SIZE]))
    return assemble(model, table, StudyOptions(etiv=etiv))


def by_statsmodels(formula):
    at = pd.DataFrame({"c": list("ABC"), "age": AGE.mean(), "size": SIZE.mean()})
    return ols(formula, DATA).fit().get_prediction(at).summary_frame()


@pytest.mark.parametrize("demean", [False, True])
@pytest.mark.parametrize(
    ("method", "etiv", "formula"),
    [
        ("doss", "raw", "y ~ C(c) + age"),
        ("dods", "raw", "y ~ C(c) * age"),
        ("doss", COVARIATE, "y ~ C(c) + age + size"),
        ("dods", COVARIATE, "y ~ C(c) * age + size"),
    ],
)
def test_as_statsmodels(method, etiv, formula, demean):
    made = study(method, etiv, demean)
    found = adjusted_means(fit_glm(made.matrix, made.values), class_rows(made))
    expected = by_statsmodels(formula)
    np.testing.assert_allclose(found.mean[:, 0], expected["mean"], rtol=1e-9)
    np.testing.assert_allclose(found.standard_error[:, 0], expected["mean_se"], rtol=1e-7)
    np.testing.assert_allclose(found.low[:, 0], expected["mean_ci_lower"], rtol=1e-8)
    np.testing.assert_allclose(found.high[:, 0], expected["mean_ci_upper"], rtol=1e-8)
    assert class_rows(made).at.startswith(f"at Age {AGE.mean():.4g}")


def test_geometric_and_robust():
    made = study("doss")
    fit = fit_glm(made.matrix, np.log(made.values))
    plain, geometric = (adjusted_means(fit, class_rows(made), logarithm=logarithm) for logarithm in (False, True))
    np.testing.assert_allclose(geometric.high, np.exp(plain.high))
    assert np.isnan(geometric.standard_error).all()
    robust = adjusted_means(fit, class_rows(made), robust=True)
    assert np.array_equal(robust.mean, plain.mean)
    assert not np.allclose(robust.low, plain.low)


def test_levels_of_a_formula():
    found = level_rows(("group[P]", "group[C]"), np.arange(6.0).reshape(2, 3), 4)
    assert found.names == ("group[P]", "group[C]")
    assert found.rows.tolist() == [[0, 1, 2, 0], [3, 4, 5, 0]]
    assert level_rows((), np.zeros((0, 3)), 3) is None


def test_without_degrees_of_freedom():
    fit = fit_glm(np.eye(2), np.array([[1.0], [2.0]]), allow_zero_dof=True)
    found = adjusted_means(fit, MeanRows(names=("a", "b"), rows=np.eye(2), at=""))
    assert found.mean.ravel().tolist() == [1, 2]
    assert np.isnan([found.standard_error, found.low, found.high]).all()
