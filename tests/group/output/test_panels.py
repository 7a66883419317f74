import numpy as np
import pytest

from fs_sclimbic.group.design.contrast import Contrast
from fs_sclimbic.group.design.design_summary import notes_at_zero
from fs_sclimbic.group.design.model import Model
from fs_sclimbic.group.fit.study import COVARIATE
from fs_sclimbic.group.output.panels import choose_panel
from fs_sclimbic.group.output.study_summary import fitted_design
from tests.groups import AGES, CLASS_OF, analysed, make_model

OF = np.array(CLASS_OF)


def check_lines_and_points(study, fit, panel):
    """What every panel keeps: a point lies as far from its fit as in the data."""
    for i in range(len(study.structures)):
        shown = fit.values[:, i] - panel.shift @ fit.beta[:, i]
        fitted = (fit.design - panel.shift) @ fit.beta[:, i]
        np.testing.assert_allclose(shown - fitted, fit.residuals[:, i], atol=1e-6 * np.abs(fit.values[:, i]).max())


def test_slopes_are_lines_of_each_class():
    study, fit, result = analysed("Patient:Age-Control:Age")
    panel = choose_panel(study, fit, result)
    assert (panel.kind, panel.x_label, panel.note) == ("slope", "Age", "")
    np.testing.assert_array_equal(panel.x, AGES)
    assert not panel.shift.any()  # one variable: values as they are
    for c, at, rows in panel.lines:
        beta = np.polyfit(AGES[c == OF], study.values[c == OF, 0], 1)
        np.testing.assert_allclose(rows @ fit.beta[:, 0], np.polyval(beta, at))
        assert (at.min(), at.max()) == (AGES[c == OF].min(), AGES[c == OF].max())
    check_lines_and_points(study, fit, panel)


def test_groups_compared_at_zero_show_the_lines_to_there():
    study, fit, result = analysed("Patient-Control")
    panel = choose_panel(study, fit, result)
    assert (panel.kind, panel.note) == ("slope", "the contrast is tested where Age = 0")
    ends = [rows[np.flatnonzero(at == 0)[0]] @ fit.beta for _, at, rows in panel.lines]
    np.testing.assert_allclose(ends[1] - ends[0], result.test.gamma[0])


@pytest.mark.parametrize("changes", [{"method": "doss"}, {"demean": True}, {"method": "doss", "demean": True}])
def test_groups_are_adjusted_to_the_mean(changes):
    study, fit, result = analysed(model=make_model(**changes))
    panel = choose_panel(study, fit, result)
    assert (panel.kind, panel.note) == ("groups", "values adjusted to the mean of Age")
    # The lines lie as far apart as the contrast says, and are the means of the points.
    means = [(rows @ fit.beta)[0] for _, _, rows in panel.lines]
    np.testing.assert_allclose(means[1] - means[0], result.test.gamma[0])
    shown = fit.values - panel.shift @ fit.beta
    for c in (0, 1):
        np.testing.assert_allclose(shown[c == OF].mean(0), means[c])
    check_lines_and_points(study, fit, panel)


def test_groups_without_variables_are_the_data():
    model = make_model(variables=(), values=np.zeros((12, 0)))
    study, fit, result = analysed(model=model)
    panel = choose_panel(study, fit, result)
    assert (panel.kind, panel.note) == ("groups", "")
    assert not panel.shift.any()


@pytest.mark.parametrize("method", ["dods", "doss"])
def test_two_variables(method):
    rng = np.random.default_rng(0)
    values = np.column_stack([AGES, rng.normal(27, 4, 12)])
    model = make_model(variables=("Age", "BMI"), values=values, method=method)
    text = "Patient:BMI" if method == "dods" else "BMI"
    study, fit, result = analysed(text, model, etiv=COVARIATE)
    panel = choose_panel(study, fit, result)
    assert (panel.kind, panel.x_label, panel.note) == ("slope", "BMI", "values adjusted to the mean of Age, eTIV")
    rows = fit.design - panel.shift
    np.testing.assert_allclose(rows[:, -1], 0)  # eTIV at its mean
    age = rows[:, 2:4].sum(1) if method == "dods" else rows[:, 2]
    np.testing.assert_allclose(age, AGES.mean())
    check_lines_and_points(study, fit, panel)
    study, fit, result = analysed("Patient-Control", model)
    panel = choose_panel(study, fit, result)
    assert panel.kind == "groups"
    assert ("the contrast is tested where Age = 0 and BMI = 0" in panel.note) == (method == "dods")


@pytest.mark.parametrize("kind", ["X", "eTIV"])
def test_added_variable_plots_have_the_slope_of_the_contrast(kind):
    if kind == "X":
        matrix = np.column_stack([np.ones(12), AGES, OF])
        model, text, options = Model(columns=("X1", "X2", "X3"), matrix=matrix, source="x"), "X2", {}
    else:
        model, text, options = None, "eTIV", {"etiv": COVARIATE}
    study, fit, result = analysed(text, model, **options)
    panel = choose_panel(study, fit, result)
    assert panel.kind == "added"
    shown = fit.values - panel.shift @ fit.beta
    for i in range(shown.shape[1]):
        slope = (panel.x @ shown[:, i]) / (panel.x @ panel.x)
        assert slope == pytest.approx(result.test.gamma[0, i])
    ((_, at, rows),) = panel.lines
    np.testing.assert_allclose(rows @ fit.beta, at[:, None] * result.test.gamma[0])
    check_lines_and_points(study, fit, panel)


def test_several_rows_of_classes_and_slopes_show_the_slopes():
    study, fit, result = analysed("both = Patient-Control ; Patient:Age-Control:Age")
    assert choose_panel(study, fit, result).kind == "slope"
    model = Model(columns=("X1", "X2"), matrix=np.column_stack([np.ones(12), AGES]), source="x")
    study, fit, result = analysed(Contrast("F", np.eye(2)), model)
    assert choose_panel(study, fit, result).kind == "fitted"


@pytest.mark.parametrize(
    ("text", "changes", "is_so"),
    [
        ("Patient-Control", {}, True),
        ("Patient-Control", {"demean": True}, False),
        ("Patient-Control", {"method": "doss"}, False),  # parallel lines
        ("Patient", {"method": "doss"}, True),
        ("Patient", {}, True),
        ("Patient", {"variables": (), "values": np.zeros((12, 0))}, False),
    ],
)
def test_where_the_contrast_is_tested(text, changes, is_so):
    study, fit, result = analysed(text, make_model(**changes))
    panel = choose_panel(study, fit, result)
    assert ("tested where Age = 0" in panel.note) == is_so
    assert bool(notes_at_zero(fitted_design(study), [result.contrast])) == is_so
    if is_so:  # the lines reach the value that is tested
        ends = np.array([rows[np.flatnonzero(at == 0)[0]] @ fit.beta for _, at, rows in panel.lines])
        np.testing.assert_allclose(result.contrast.matrix[0, :2] @ ends, result.test.gamma[0])
