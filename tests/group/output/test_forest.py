import numpy as np
import pytest

from fs_sclimbic.group.output.figure_style import FigureOptions, encode_figure
from fs_sclimbic.group.output.forest import forest_figure, title_of, what_is_tested
from tests.groups import analysed, make_model


@pytest.mark.parametrize("columns", [1, 2])
def test_stars_stand_behind_the_number_that_they_go_by(columns):
    study, fit, result = analysed("Patient-Control", make_model(method="doss"))
    object.__setattr__(result, "p_holm", np.array([0.04, 0.06, 0.2, np.nan]))
    object.__setattr__(result, "p_fdr", np.array([0.01, 0.04, 0.1, np.nan]))
    figure = forest_figure(study, fit, result, FigureOptions(columns))
    effects, beside = figure.axes
    texts = [text.get_text() for text in beside.texts]
    assert [text for text in texts if "*" in text] == ["0.040 **", "0.040 *"]
    assert "larger in Patient \u2192" in effects.get_xlabel()
    assert "\u2190 larger in Control" in effects.get_xlabel()
    figure.canvas.draw()
    assert max(text.get_window_extent().x1 for text in beside.texts) <= figure.bbox.x1
    encode_figure(figure)


def test_the_title_says_the_contrast_once():
    study, _, result = analysed("Patient-Control", make_model(method="doss"))
    assert title_of(result, study, 7, "") == "Patient - Control"
    study, _, result = analysed("slopes = Patient:Age-Control:Age")
    assert title_of(result, study, 7, "note") == "slopes: Patient:Age - Control:Age\nnote"
    assert what_is_tested(result, study.columns) == "Patient:Age - Control:Age"
