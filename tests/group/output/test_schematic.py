import io

import matplotlib.image
import numpy as np
import pytest

from fs_sclimbic.group.fit.glm import fit_glm
from fs_sclimbic.group.output.figure_style import FigureOptions, encode_figure
from fs_sclimbic.group.output.schematic import (
    ABBREVIATIONS,
    coloured_structures,
    effect_of,
    legend_of_abbreviations,
    read_views,
    schematic_figure,
)
from fs_sclimbic.segmentation.structure_words import FULL_WORDS
from tests.groups import analysed

NAMES = ("Left-Fornix", "Right-Fornix", "Bilateral-SeptalNuc", "eTIV")


def named(text="Patient-Control", names=NAMES):
    study, fit, result = analysed(text)
    object.__setattr__(result, "structures", names)
    return study, fit, result


def test_every_structure_has_an_outline():
    drawn = {part["name"] for view in read_views() for part in view["structures"]}
    sides = {f"{side}-{name}" for name in FULL_WORDS if name != "AntCom" for side in ("Left", "Right")}
    assert drawn == {*sides, "Mid-AntCom"}
    assert set(ABBREVIATIONS) == set(FULL_WORDS)
    assert "Fx: fornix" not in legend_of_abbreviations().replace("Fx: fornix", "")


def test_slices_are_symmetric():
    """No side looks larger than the other."""
    for view in read_views():
        if view["side"] != "slice":
            continue
        x = {part["name"]: [float(p.split()[0]) for p in part["path"].strip("MZ").replace("ZM", "L").split("L")]
             for part in view["structures"]}  # fmt: skip
        for name, left in x.items():
            if name.startswith("Left-"):
                assert max(left) < 1
                assert min(left) == pytest.approx(-max(x[name.replace("Left", "Right")]), abs=0.2)


def test_which_structures_are_coloured():
    _, _, result = named()
    assert coloured_structures(result) == {
        "Left-Fornix": 0, "Right-Fornix": 1, "Left-SeptalNuc": 2, "Right-SeptalNuc": 2,
    }  # fmt: skip
    assert coloured_structures(analysed()[2]) == {}


@pytest.mark.parametrize("columns", [1, 2])
def test_the_picture(columns):
    study, fit, result = named()
    options = FigureOptions(columns)
    made = encode_figure(schematic_figure(study, fit, result, options), ("png", "svg"))
    height, width, _ = matplotlib.image.imread(io.BytesIO(made["png"])).shape
    assert width == pytest.approx(options.width_inches * 300, abs=2)
    assert height > 300
    assert made["svg"] == encode_figure(schematic_figure(study, fit, result, options), ("svg",))["svg"]


def test_the_colour_is_that_of_the_effect():
    study, fit, result = named()
    effect, label = effect_of(study, fit, result)
    assert label == "standardised difference (Cohen's d)"
    figure = schematic_figure(study, fit, result)
    found = {tuple(np.round(patch.get_facecolor(), 6)) for axes in figure.axes for patch in axes.patches}
    bar = next(axes for axes in figure.axes if axes.get_title().startswith("standardised"))
    mappable = bar.collections[-1]
    for i in (0, 1, 2):
        assert tuple(np.round(mappable.cmap(mappable.norm(effect[i])), 6)) in found
    encode_figure(figure)


def test_several_rows_have_no_sign():
    study, _, _ = named()
    fit = fit_glm(study.matrix, study.values)
    study, fit, result = named("F = Patient-Control ; Control:Age")
    effect, label = effect_of(study, fit, result)
    assert label == "partial eta squared"
    assert (effect >= 0).all()
    assert encode_figure(schematic_figure(study, fit, result))["png"]
