from dataclasses import replace

import numpy as np

from fs_sclimbic.group.doubts.classes import classes_of
from fs_sclimbic.group.fit.study import StudyOptions, assemble
from tests.groups import CLASS_OF, make_model, make_table

STUDY = assemble(make_model(), make_table(), StudyOptions())
INDICATORS = np.eye(2)[list(CLASS_OF)]


def of_matrix(matrix):
    columns = tuple(f"X{i + 1}" for i in range(matrix.shape[1]))
    return classes_of(replace(STUDY, design=None, columns=columns, matrix=matrix))


def test_an_fsgd_names_its_classes():
    assert classes_of(STUDY) is STUDY.design


def test_the_first_columns_of_a_matrix_may_be_classes():
    sex = np.arange(12) // 6 % 2
    found = of_matrix(np.column_stack([INDICATORS, sex, np.linspace(20, 80, 12)]))
    assert [one.name for one in found.classes] == ["X1", "X2"]
    assert found.class_of == CLASS_OF


def test_no_classes():
    assert of_matrix(np.column_stack([np.ones(12), INDICATORS[:, 1]])) is None
    assert of_matrix(np.ones((12, 1))) is None
    assert of_matrix(np.linspace(20, 80, 12)[:, None]) is None
