import io
import itertools

import numpy as np
import pytest

from fs_sclimbic.group.design.contrast import Contrast
from fs_sclimbic.group.design.design import GroupClass
from fs_sclimbic.group.design.model import Model
from fs_sclimbic.group.fit.study import SCALED, StudyOptions, assemble
from fs_sclimbic.group.output.figure_style import encode_figure
from fs_sclimbic.group.output.forest import forest_figure, marks, standardised
from fs_sclimbic.group.output.panels import choose_panel
from fs_sclimbic.group.output.plots import structure_figures, value_label
from fs_sclimbic.group.text_table import GroupTable
from tests.groups import AGES, STRUCTURES, SUBJECTS, analysed, make_design, make_model, make_table


def encode_png(figure):
    return encode_figure(figure)["png"]


def picture(png):
    import matplotlib.image

    return matplotlib.image.imread(io.BytesIO(png))


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
    forest = encode_png(forest_figure(study, fit, result))
    pages = [encode_png(page) for page in structure_figures(study, fit, result, "mm3")]
    assert len(pages) == 1
    for png in (forest, *pages):
        pixels = picture(png)
        assert min(pixels.shape[:2]) > 150
        assert pixels[..., :3].std() > 0.05
    assert forest == encode_png(forest_figure(study, fit, result))  # same data, same bytes


def test_the_figure_is_of_the_data():
    """Points and lines that reach matplotlib are those of the panel."""
    study, fit, result = analysed("Patient:Age-Control:Age")
    (page,) = structure_figures(study, fit, result, "mm3")
    axes = page.axes[0]
    points = np.vstack([c.get_offsets() for c in axes.collections])
    expected = np.column_stack([AGES, study.values[:, 0]])
    assert sorted(map(tuple, points.round(6))) == sorted(map(tuple, expected.round(6)))
    assert len(axes.lines) == 2
    assert axes.get_title().startswith("Left-A")
    assert len(page.axes) == 3  # eTIV is no structure
    encode_png(page)


def test_many_structures_go_on_several_pages():
    pages = structure_figures(*analysed(), "mm3", columns=2, rows=1)
    assert len([encode_png(page) for page in pages]) == 2


def test_an_fsgd_whose_classes_are_not_the_design():
    design = make_design()
    model = Model(columns=("Mean",), matrix=np.ones((12, 1)), subjects=design.subjects, design=design, source="g")
    study, fit, result = analysed(Contrast("osgm", np.ones((1, 1))), model)
    panel = choose_panel(study, fit, result)
    assert panel.kind == "one"  # all x are the same: the points, and their mean as a line
    ((_, _, rows),) = panel.lines
    np.testing.assert_allclose(rows @ fit.beta, np.tile(study.values.mean(0), (2, 1)))
    np.testing.assert_allclose(fit.values - panel.shift @ fit.beta, study.values)
    for page in structure_figures(study, fit, result, "mm3"):
        assert encode_png(page)


@pytest.fixture
def drawn():
    """Draw the pages and the forest plot of a contrast; they are closed after the test."""
    seen = []

    def draw(text, model):
        study, fit, result = analysed(text, model)
        seen.extend([*structure_figures(study, fit, result, value_label(study)), forest_figure(study, fit, result)])
        for figure in seen:
            figure.canvas.draw()
        return seen[-2:]

    yield draw
    for figure in seen:
        encode_png(figure)


def title_of(figure):
    """The text object of a figure's title."""
    return next(text for text in figure.texts if text.get_text() == figure.get_suptitle())


@pytest.mark.parametrize("long", [False, True])
def test_long_names_of_classes_do_not_overlap(drawn, long):
    names = ("Healthy_control_without_any_history", "Mild_cognitive_impairment") if long else ("Control", "Patient")
    model = make_model(classes=tuple(map(GroupClass, names)), method="doss")
    page, forest = drawn(f"{names[1]} - {names[0]}", model)
    ticks = [label for label in page.axes[0].get_xticklabels() if label.get_text()]
    assert [label.get_text() for label in ticks] == ([] if long else [f"{name}\nn = 6" for name in names])
    boxes = [label.get_window_extent() for label in ticks]
    assert not any(a.overlaps(b) for a, b in itertools.pairwise(boxes))
    texts = [text.get_text() for legend in page.legends for text in legend.get_texts()]
    assert texts == ([f"{name} (n = 6)" for name in names] if long else [])
    for figure in (page, forest):
        assert title_of(figure).get_window_extent().width <= figure.bbox.width


def test_a_long_contrast_is_told_in_several_lines(drawn):
    classes = tuple(GroupClass(f"Class_with_a_long_name_{i}") for i in range(4))
    model = make_model(
        classes=classes, class_of=tuple(i % 4 for i in range(12)), variables=(), values=np.zeros((12, 0))
    )
    words = " + ".join(one.name for one in classes[:3])
    _, forest = drawn(f"({words})/3 - {classes[3].name}", model)
    title = title_of(forest)
    assert title.get_text().count("\n") >= 2
    assert "..." not in title.get_text()
    assert title.get_window_extent().x1 <= forest.bbox.width


def test_a_dollar_is_no_formula(drawn):
    model = make_model(classes=(GroupClass("a$b^$"), GroupClass("$x_")), method="doss", variables=("$_$",))
    for text in ("a$b^$ - $x_", "v = $_$"):
        page, _ = drawn(text, model)
        assert r"a\$b^\$" in title_of(page).get_text() or r"\$_\$" in title_of(page).get_text()


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
