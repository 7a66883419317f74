from dataclasses import replace

import numpy as np
import pytest

from fs_sclimbic.errors import DesignError, TableError
from fs_sclimbic.group.design.contrast import named_contrast
from fs_sclimbic.group.doubts.study_doubts import (
    contrast_doubts,
    data_doubts,
    decisive_subjects,
    describe_decisive,
    doubt_results,
    measurements,
    refuse_dishonest_rows,
)
from fs_sclimbic.group.fit.glm import fit_glm
from fs_sclimbic.group.fit.results import group_result
from fs_sclimbic.group.fit.study import SCALED, StudyOptions, assemble
from fs_sclimbic.group.output.study_summary import fitted_design
from tests.groups import SUBJECTS, make_model, make_table, reordered


def study(table=None, model=None, **options):
    table = table or make_table()
    return assemble(model or make_model(), table, StudyOptions(**options)), table


def test_a_good_study():
    assembled, table = study(etiv=SCALED)
    refuse_dishonest_rows(assembled, table, "t.dat", allow_repeated=False)
    assert data_doubts(assembled, table) == []
    slopes = named_contrast("Patient:Age - Control:Age", assembled.columns)
    assert contrast_doubts(assembled, fitted_design(assembled), [slopes]) == []


def test_measurements_go_by_the_rows_of_the_study():
    table = reordered(make_table(), range(11, -1, -1))
    values = measurements(*study(table, etiv=SCALED))
    np.testing.assert_array_equal(values.volumes, make_table().values[:, :3])
    np.testing.assert_array_equal(values.etiv, make_table().values[:, 3])


def test_everything_wrong_with_rows_is_said_at_once():
    names = tuple(f"sub-{i // 2}_ses-{i % 2}" for i in range(12))
    ages = make_model().design.values.copy()
    ages[0] = 999
    table = replace(make_table(), subjects=names)
    assembled, _ = study(table, make_model(subjects=names, values=ages))
    with pytest.raises(DesignError) as caught:
        refuse_dishonest_rows(assembled, table, "t.dat", allow_repeated=False)
    first, second = str(caught.value).splitlines()
    assert "no age in years" in first
    assert "6 person(s) stand in 12 rows, by their names: sub-0 (sub-0_ses-0, sub-0_ses-1)" in second
    assert "--allow-repeated-subjects" in second


def test_allowed_rows_are_still_told():
    names = tuple(f"sub-{i // 2}_ses-{i % 2}" for i in range(12))
    table = replace(make_table(), subjects=names)
    assembled, _ = study(table, make_model(subjects=names))
    refuse_dishonest_rows(assembled, table, "t.dat", allow_repeated=True)
    (notice,) = data_doubts(assembled, table)
    assert notice.severity == "warning"
    assert "p values would be too small" in notice.text


def test_one_image_twice():
    table = make_table()
    values = table.values.copy()
    values[5, :3] = values[2, :3]
    values[5, 3] = values[2, 3]
    table = replace(table, values=values)
    assembled, _ = study(table)
    with pytest.raises(TableError, match="sub-03 and sub-06"):
        refuse_dishonest_rows(assembled, table, "t.dat", allow_repeated=False)


def test_results_are_noted_where_a_subject_decides_them():
    table = make_table()
    table.values[4, 0] *= 4
    assembled, _ = study(table)
    fit = fit_glm(assembled.matrix, assembled.values)
    contrast = named_contrast("Patient:Age-Control:Age", assembled.columns)
    result = group_result(fit, contrast, assembled.structures, assembled.family)
    found = decisive_subjects(assembled, result)
    assert found[0] == (4, 0)
    assert "Left-A by sub-05 (p " in describe_decisive(assembled, result, found)
    (noted,), notices = doubt_results(assembled, fit, fitted_design(assembled), [result], robust=False)
    assert noted.notes[0].startswith("without sub-05 p ")
    assert noted.notes[1] == ""
    assert any("single subjects decide much of Left-A by sub-05" in notice.text for notice in notices)
    assert SUBJECTS[4] == "sub-05"
