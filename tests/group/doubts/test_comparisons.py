from dataclasses import replace

import numpy as np
import pytest

from fs_sclimbic.group.design.contrast import Contrast, named_contrast
from fs_sclimbic.group.doubts.comparisons import level_doubts, level_of
from fs_sclimbic.group.fit.study import StudyOptions, assemble
from tests.groups import make_model, make_table

STUDY = assemble(make_model(), make_table(), StudyOptions())


def doubts(text, study=STUDY, **more):
    contrast = named_contrast(text, study.columns)
    return level_doubts(study, [replace(contrast, **more)])


@pytest.mark.parametrize("text", ["Patient-Control", "Patient:Age - Control:Age", "(Control:Age+Patient:Age)/2"])
def test_differences_and_slopes_test_no_level(text):
    assert doubts(text) == {}


@pytest.mark.parametrize(
    ("text", "level"), [("Patient", "1"), ("2*Patient-Control", "1"), ("Control+Patient", "2"), ("-Control", "-1")]
)
def test_weights_of_classes_that_do_not_add_up_to_0(text, level):
    (line,) = doubts(text).values()
    assert f"add up to {level}, not 0: this tests whether a mean is 0" in line


def test_a_row_of_an_f_test():
    (line,) = doubts("f = Control:Age ; Patient").values()
    assert "of row 2 add up to 1" in line


def test_null_values_and_values_around_0_are_meant():
    assert doubts("Patient", gamma0=np.array([400.0])) == {}
    differences = replace(STUDY, table=STUDY.table - STUDY.table.mean(axis=0))
    assert doubts("Patient", differences) == {}


def test_a_matrix_without_names():
    x = np.column_stack([np.ones(12), np.arange(12) % 2, np.linspace(20, 80, 12)])
    level = level_of(x, Contrast("c", np.array([[0.0, 1, 0], [1, 0.5, 50], [0, 0, 1]])))
    assert level.tolist() == pytest.approx([0, 1, 0])
    assert level_of(x[:, 2:], Contrast("c", np.eye(1))).tolist() == [0]
