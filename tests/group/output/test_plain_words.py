import numpy as np
import pytest

from fs_sclimbic.group.design.contrast import Contrast
from fs_sclimbic.group.fit.study import SCALED
from fs_sclimbic.group.output.plain_words import (
    correction,
    directions,
    forest_caption,
    found_in_words,
    p_text,
    schematic_caption,
    sizes,
    stars_caption,
    structures_caption,
)
from tests.groups import analysed, make_model

DOSS = make_model(method="doss")


@pytest.mark.parametrize(
    ("text", "up", "down"),
    [
        ("Patient-Control", "larger in Patient", "larger in Control"),
        ("Control-Patient", "larger in Control", "larger in Patient"),
        ("Age", "increases with Age", "decreases with Age"),
        ("n = -1*Age", "decreases with Age", "increases with Age"),
        ("Patient", "larger in Patient", "smaller in Patient"),
    ],
)
def test_directions(text, up, down):
    study, _, result = analysed(text, DOSS)
    found = directions(study, result)
    assert (found.up, found.down) == (up, down)
    # The words are true: the mean of the group named is larger where the effect is above 0.
    if text == "Patient-Control":
        assert found.groups == ("Patient", "Control")


def test_directions_of_slopes():
    study, _, result = analysed("Patient:Age-Control:Age")
    assert directions(study, result).up == "slope over Age greater in Patient"
    study, _, result = analysed("a = Control:Age + Patient:Age")
    assert directions(study, result).up == "increases with Age"
    study, _, result = analysed(Contrast("n", np.array([[0.0, 0, 1, 0]]), np.array([0.5])))
    assert directions(study, result).up == "above the null value"


def with_p(values, **options):
    study, fit, result = analysed("Patient-Control", DOSS, **options)
    object.__setattr__(result, "p_holm", np.array(values))
    return study, fit, result


def test_one_sentence():
    study, _, result = with_p([0.01, 0.04, 0.3, np.nan])
    down = result.test.gamma[0] <= 0
    assert down[:2].all()
    assert found_in_words(study, result) == (
        "Patient compared with Control: a smaller Left-A and Right-A: 2 of 3 structures after correction (Holm)."
    )
    object.__setattr__(result, "structures", ("Left-Fornix", "Right-SeptalNuc", "B", "eTIV"))
    assert "a smaller left fornix and right septal nuclei" in found_in_words(study, result)


def test_nothing_found_is_no_proof():
    study, _, result = with_p([0.4, 0.06, 0.3, np.nan], etiv=SCALED)
    text = found_in_words(study, result)
    assert text.startswith("No difference between Patient and Control is left in any of 3 structures")
    assert "smallest corrected p 0.060), relative to eTIV. This is no proof that there is none." in text


def test_an_f_test_has_no_direction():
    study, _, result = analysed("F = Patient-Control ; Age", DOSS)
    object.__setattr__(result, "p_holm", np.array([0.01, 0.5, 0.3, np.nan]))
    assert found_in_words(study, result) == "F: an effect on the Left-A: 1 of 3 structures after correction (Holm)."


def test_captions():
    study, _, result = analysed("Patient-Control", DOSS, permutations=20)
    assert correction(result)[0] == "permutation"
    assert "** permutation p < 0.05 (family-wise, over 3 structures)" in stars_caption(result)
    assert sizes(study) == "n = 6 Control, 6 Patient."
    caption = forest_caption(study, result)
    assert "Right of 0: larger in Patient; left of 0: larger in Control." in caption
    several = analysed("F = Patient-Control ; Age", DOSS)[2]
    assert "Grey bars: not significant" in forest_caption(study, several)
    caption = structures_caption(result, "groups", "values adjusted to the mean of Age", False)
    for words in ("Boxes: median and quartiles", "Thick lines: mean of the fit", "Values adjusted"):
        assert words in caption
    assert "Bands" not in caption
    assert "Bands: 95 %" in structures_caption(result, "slope", "", True)
    assert "MNI152" in schematic_caption(result, "d", "x")


@pytest.mark.parametrize(("p", "text"), [(np.nan, "n/a"), (1e-9, "< 0.0001"), (0.00123, "0.0012"), (0.5, "0.500")])
def test_p_text(p, text):
    assert p_text(p) == text
