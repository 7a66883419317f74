import io
import itertools
import sys

import numpy as np
import pytest

from fs_sclimbic.errors import UsageError
from fs_sclimbic.group.design.contrast import Contrast, named_contrast
from fs_sclimbic.group.design.design import GroupClass
from fs_sclimbic.group.design.design_summary import notes_at_zero
from fs_sclimbic.group.design.model import Model
from fs_sclimbic.group.fit.glm import fit_glm
from fs_sclimbic.group.fit.results import group_result
from fs_sclimbic.group.fit.study import COVARIATE, SCALED, StudyOptions, assemble
from fs_sclimbic.group.output import plots as group_plots
from fs_sclimbic.group.output.panels import choose_panel
from fs_sclimbic.group.output.plots import forest_plot, marks, pyplot, standardised, structure_plots, value_label
from fs_sclimbic.group.output.study_summary import fitted_design
from fs_sclimbic.group.text_table import GroupTable
from tests.groups import AGES, CLASS_OF, STRUCTURES, SUBJECTS, make_design, make_model, make_table

OF = np.array(CLASS_OF)


def analysed(text="Patient-Control", model=None, weights=None, permutations=0, **options):
    study = assemble(model or make_model(), make_table(), StudyOptions(**options))
    fit = fit_glm(study.matrix, study.values, weights)
    contrast = text if isinstance(text, Contrast) else named_contrast(text, study.columns)
    return study, fit, group_result(fit, contrast, study.structures, study.family, permutations=permutations)


def picture(png):
    import matplotlib.image

    return matplotlib.image.imread(io.BytesIO(png))


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
        model, text, options = Model(("X1", "X2", "X3"), matrix, None, None, "x"), "X2", {}
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
    model = Model(("X1", "X2"), np.column_stack([np.ones(12), AGES]), None, None, "x")
    study, fit, result = analysed(Contrast("F", np.eye(2)), model)
    assert choose_panel(study, fit, result).kind == "fitted"


def test_standardised():
    study, fit, result = analysed("Patient-Control", make_model(method="doss"))
    middle, low, high, label = standardised(study, fit, result)
    np.testing.assert_allclose(middle[:3], result.cohen_d[:3])
    assert "standardised difference" in label
    assert ((low < middle) & (middle < high)).all()
    _, _, _, label = standardised(*analysed("Age", make_model(method="doss")))
    assert "for one unit of the contrast" in label
    weights = np.linspace(1, 2, 12)
    study, fit, result = analysed("Age", make_model(method="doss"), weights)
    middle, _, _, label = standardised(study, fit, result)
    np.testing.assert_allclose(middle, result.percent)
    assert "% of the mean" in label


def test_marks():
    _, _, result = analysed()
    object.__setattr__(result, "p_holm", np.array([0.04, 0.06, 0.2, np.nan]))
    object.__setattr__(result, "p_fdr", np.array([0.01, 0.04, 0.1, np.nan]))
    assert marks(result) == ["**", "*", "", ""]


@pytest.mark.parametrize(
    "text", ["Patient-Control", "Patient:Age-Control:Age", "F = Patient-Control ; Patient:Age-Control:Age"]
)
def test_figures(text):
    study, fit, result = analysed(text, permutations=20)
    forest = forest_plot(study, fit, result)
    pages = structure_plots(study, fit, result, "mm3")
    assert len(pages) == 1
    for png in (forest, *pages):
        pixels = picture(png)
        assert min(pixels.shape[:2]) > 150
        assert pixels[..., :3].std() > 0.05
    assert forest == forest_plot(study, fit, result)  # same data, same bytes


def test_the_figure_is_of_the_data(monkeypatch):
    """Points and lines that reach matplotlib are those of the panel."""
    study, fit, result = analysed("Patient:Age-Control:Age")
    seen = []
    monkeypatch.setattr(group_plots, "_png", lambda figure: seen.append(figure) or b"")
    structure_plots(study, fit, result, "mm3")
    axes = seen[0].axes[0]
    points = np.vstack([c.get_offsets() for c in axes.collections])
    expected = np.column_stack([AGES, study.values[:, 0]])
    assert sorted(map(tuple, points.round(6))) == sorted(map(tuple, expected.round(6)))
    assert len(axes.lines) == 2
    assert axes.get_title().startswith("Left-A")
    assert len(seen[0].axes) == 3  # eTIV is no structure
    pyplot().close("all")


def test_many_structures_go_on_several_pages(monkeypatch):
    monkeypatch.setattr(group_plots, "ROWS", 1)
    monkeypatch.setattr(group_plots, "COLUMNS", 2)
    study, fit, result = analysed()
    assert len(structure_plots(study, fit, result, "mm3")) == 2


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r'pip install "fs_sclimbic\[group\]"'):
        pyplot()


def test_an_fsgd_whose_classes_are_not_the_design():
    design = make_design()
    model = Model(("Mean",), np.ones((12, 1)), design.subjects, design, "g")
    study, fit, result = analysed(Contrast("osgm", np.ones((1, 1))), model)
    panel = choose_panel(study, fit, result)
    assert panel.kind == "one"  # all x are the same: the points, and their mean as a line
    ((_, _, rows),) = panel.lines
    np.testing.assert_allclose(rows @ fit.beta, np.tile(study.values.mean(0), (2, 1)))
    np.testing.assert_allclose(fit.values - panel.shift @ fit.beta, study.values)
    structure_plots(study, fit, result, "mm3")


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


def drawn(monkeypatch, text, model):
    seen = []
    monkeypatch.setattr(group_plots, "_png", lambda figure: seen.append(figure) or b"")
    study, fit, result = analysed(text, model)
    structure_plots(study, fit, result, value_label(study))
    forest_plot(study, fit, result)
    for figure in seen:
        figure.canvas.draw()
    return seen


@pytest.mark.parametrize("long", [False, True])
def test_long_names_of_classes_do_not_overlap(monkeypatch, long):
    names = ("Healthy_control_without_any_history", "Mild_cognitive_impairment") if long else ("Control", "Patient")
    model = make_model(classes=tuple(map(GroupClass, names)), method="doss")
    page, forest = drawn(monkeypatch, f"{names[1]} - {names[0]}", model)
    ticks = [label for label in page.axes[0].get_xticklabels() if label.get_text()]
    assert [label.get_text() for label in ticks] == ([] if long else list(names))
    boxes = [label.get_window_extent() for label in ticks]
    assert not any(a.overlaps(b) for a, b in itertools.pairwise(boxes))
    texts = [text.get_text() for legend in page.legends for text in legend.get_texts()]
    assert texts == (list(names) if long else [])
    for figure in (page, forest):
        assert figure._suptitle.get_window_extent().width <= figure.bbox.width


def test_a_long_contrast_is_told_in_several_lines(monkeypatch):
    classes = tuple(GroupClass(f"Class_with_a_long_name_{i}") for i in range(4))
    model = make_model(
        classes=classes, class_of=tuple(i % 4 for i in range(12)), variables=(), values=np.zeros((12, 0))
    )
    words = " + ".join(one.name for one in classes[:3])
    _, forest = drawn(monkeypatch, f"({words})/3 - {classes[3].name}", model)
    title = forest._suptitle
    assert title.get_text().count("\n") >= 2
    assert "..." not in title.get_text()
    assert title.get_window_extent().x1 <= forest.bbox.width


def test_a_dollar_is_no_formula(monkeypatch):
    model = make_model(classes=(GroupClass("a$b^$"), GroupClass("$x_")), method="doss", variables=("$_$",))
    for text in ("a$b^$ - $x_", "v = $_$"):
        page, _ = drawn(monkeypatch, text, model)
        assert r"a\$b^\$" in page._suptitle.get_text() or r"\$_\$" in page._suptitle.get_text()


@pytest.mark.parametrize(
    ("measure", "options", "label"),
    [
        ("Measure:volume", {}, "volume (mm$^3$)"),
        ("case", {"etiv": SCALED}, "volume / eTIV x 100000"),
        ("Measure:volume", {"logarithm": True}, "log volume (mm$^3$)"),
        ("Measure:nvoxels", {}, "nvoxels"),
        ("id", {}, "value"),
    ],
)
def test_label_of_the_values(measure, options, label):
    table = GroupTable(measure, SUBJECTS, (*STRUCTURES, "eTIV"), make_table().values)
    assert value_label(assemble(make_model(), table, StudyOptions(**options))) == label
