import re
from dataclasses import replace

import numpy as np
import pytest

from fs_sclimbic.group.design.contrast import Contrast
from fs_sclimbic.group.design.design import Design, GroupClass
from fs_sclimbic.group.design.model import Model
from fs_sclimbic.group.fit.adjusted_means import class_rows
from fs_sclimbic.group.fit.equivalence import Bound
from fs_sclimbic.group.fit.glm import fit_glm
from fs_sclimbic.group.fit.results import group_result
from fs_sclimbic.group.fit.standardised import smallest_noncentrality
from fs_sclimbic.group.fit.study import StudyOptions, assemble
from fs_sclimbic.group.output.effect_rows import (
    EFFECT_COLUMNS,
    MEAN_COLUMNS,
    EffectOptions,
    contrast_effects,
    mean_section,
)
from fs_sclimbic.group.text_table import GroupTable

N = 30
NAMES = tuple(f"s{i}" for i in range(N))
RNG = np.random.default_rng(5)
VALUES = 500 + RNG.normal(0, 30, (N, 2))


@pytest.fixture
def study():
    of = tuple(i % 2 for i in range(N))
    design = Design("", NAMES, (GroupClass("C"), GroupClass("P")), of, (), np.zeros((N, 0)), "doss")
    model = Model(
        columns=design.columns, matrix=design.matrix, subjects=NAMES, source="g", description="", design=design
    )
    return assemble(model, GroupTable("Measure:volume", NAMES, ("X<Y", "Z"), VALUES), StudyOptions())


def effects(study, matrix=((-1.0, 1.0),), gamma0=None, **options):
    fit = fit_glm(study.matrix, study.values)
    contrast = Contrast("P-C", np.array(matrix), gamma0)
    result = group_result(fit, contrast, study.structures, study.family)
    return fit, result, contrast_effects(study, fit, result, EffectOptions(**options))


def columns(section):
    lines = [line.split("\t") for line in section.text.splitlines()]
    return {name: [line[i] for line in lines[1:]] for i, name in enumerate(lines[0])}


def test_columns(study):
    fit, result, plain = effects(study)
    found = columns(plain)
    assert set(found) < set(EFFECT_COLUMNS)
    assert found["structure"] == ["X<Y", "Z"]
    expected = smallest_noncentrality(fit.dof) * result.test.standard_error[0]
    np.testing.assert_allclose(np.array(found["smallest_gamma"], float), expected, rtol=1e-8)
    percent = 100 * expected / VALUES.mean(0)
    np.testing.assert_allclose(np.array(found["smallest_percent"], float), percent, rtol=1e-8)
    every = effects(study, resamples=1000, bound=Bound(5, True))[2]
    assert list(columns(every)) == list(EFFECT_COLUMNS)


def test_page(study):
    html = effects(study, resamples=1000, bound=Bound(20, False))[2].html
    assert "X&lt;Y" in html
    assert "not the power of what was seen" in html
    assert "1000 resamples within classes, seed 1" in html
    assert "Equivalence within 20 (TOST" in html


def test_what_there_is_not(study):
    assert effects(study, matrix=((1.0, 0.0), (0.0, 1.0)))[2].text == ""
    mean = effects(study, matrix=((0.5, 0.5),))[2]
    assert set(columns(mean)["hedges_g"]) == {"n/a"}
    assert "No Hedges&#x27; g: the contrast is no difference of classes." in mean.html
    assert "g (95 % interval)" not in mean.html  # a column without a number is not shown


def test_bootstrap_counts_from_the_null_value(study):
    plain, shifted = (columns(effects(study, gamma0=null, resamples=1000)[2]) for null in (None, np.array([10.0])))
    np.testing.assert_allclose(np.array(shifted["boot_low"], float), np.array(plain["boot_low"], float) - 10)


def test_adjusted_means(study):
    fit = fit_glm(study.matrix, study.values)
    section = mean_section(study, fit, class_rows(study))
    lines = [line.split("\t") for line in section.text.splitlines()]
    assert lines[0] == list(MEAN_COLUMNS)
    assert [line[:3] for line in lines[1:]] == [[s, c, "15"] for s in ("X<Y", "Z") for c in "CP"]
    assert float(lines[1][3]) == pytest.approx(VALUES[::2, 0].mean())
    assert "nothing else is in the design" in section.html
    assert re.search(r"<th>C \(n 15\)</th>", section.html)
    assert mean_section(study, fit, None).text == ""
    logs = replace(study, options=StudyOptions(logarithm=True), values=np.log(VALUES))
    geometric = mean_section(logs, fit_glm(study.matrix, logs.values), class_rows(study))
    assert "Geometric means" in geometric.html
    assert {line.split("\t")[4] for line in geometric.text.splitlines()[1:]} == {"n/a"}
