from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from fs_sclimbic.errors import TableError
from fs_sclimbic.group.doubts.odd_values import (
    Measurements,
    equal_rows,
    mixed_etiv,
    refuse_equal_rows,
    refuse_other_units,
    value_doubts,
)

RNG = np.random.default_rng(11)
N = 24
NAMES = [f"sub-{i:02d}" for i in range(N)]
MEANS = np.array([400.0, 410, 60, 500, 120])
VOLUMES = MEANS * np.exp(RNG.normal(0, 0.12, (N, 5)))
ETIV = RNG.normal(1.5e6, 1e5, N)


def cohort(volumes=VOLUMES, etiv=ETIV, class_of=None):
    return Measurements(
        subjects=NAMES[: len(volumes)],
        class_of=np.zeros(len(volumes), int) if class_of is None else class_of,
        structures=["Left-A", "Right-A", "B", "C", "D"],
        volumes=volumes,
        etiv=etiv,
    )


def changed(values, cells, factor):
    values = values.copy()
    values[cells] *= factor
    return values


def refusal(values, *, etiv_is_used=False):
    with pytest.raises(TableError) as caught:
        refuse_other_units(values, "t.csv", etiv_is_used=etiv_is_used)
    return str(caught.value)


def test_a_good_cohort():
    refuse_other_units(cohort(), "t.csv", etiv_is_used=True)
    refuse_equal_rows(cohort(), "t.csv")
    assert (value_doubts(cohort()), mixed_etiv(cohort()), equal_rows(cohort())) == ([], "", [])
    refuse_other_units(cohort(VOLUMES / 1000, ETIV / 1000), "t.csv", etiv_is_used=True)  # one unit, whichever


@pytest.mark.parametrize("factor", [1e-3, 1e-6])
@pytest.mark.parametrize("rows", [[3], list(range(13))])
def test_etiv_in_two_units(rows, factor):
    mixed = cohort(etiv=changed(ETIV, rows, factor))
    assert "sub-03" in refusal(mixed, etiv_is_used=True)
    assert "eTIV is in another unit (cm^3, litres?)" in mixed_etiv(mixed)
    refuse_other_units(mixed, "t.csv", etiv_is_used=False)


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_rows_in_another_unit(factor):
    error = refusal(cohort(changed(VOLUMES, [4, 9], factor)))
    assert "volumes of sub-04, sub-09 are about" in error
    assert "write all rows in one unit" in error


@pytest.mark.parametrize("factor", [10, 0.1])
def test_a_digit_too_many(factor):
    (line,) = value_doubts(cohort(changed(VOLUMES, (5, 2), factor)))
    assert line.startswith("1 value(s) about ten times as large or as small as in the others of the class")
    assert "B of sub-05" in line
    (line,) = value_doubts(cohort(etiv=changed(ETIV, 5, factor)))
    assert "eTIV of sub-05" in line
    assert len(value_doubts(cohort(changed(VOLUMES, (2, 0), factor)[:5], ETIV[:5]))) == 1  # few subjects tell too


def test_a_failed_segmentation():
    (line,) = value_doubts(cohort(changed(VOLUMES, (5, 3), 0.3)))
    assert line.startswith("1 value(s) far from the others of the class; look at the image")
    assert "C of sub-05" in line


def test_each_class_is_compared_with_itself():
    of = np.repeat([0, 1], N // 2)
    children = changed(VOLUMES, of == 1, 0.35)
    assert value_doubts(cohort(children, class_of=of)) == []
    line = value_doubts(cohort(changed(children, (15, 0), 0.3), class_of=of))[0]
    assert "Left-A of sub-15" in line


def test_zeros_are_told_elsewhere():
    assert value_doubts(cohort(changed(VOLUMES, (5, 3), 0))) == []


def test_one_image_under_two_names():
    twice = VOLUMES.copy()
    twice[7] = twice[2]
    assert equal_rows(cohort(twice)) == [("sub-02", "sub-07")]
    with pytest.raises(TableError, match="sub-02 and sub-07: one image under several names"):
        refuse_equal_rows(cohort(twice), "t.csv")
    same_name = replace(cohort(twice), subjects=[*NAMES[:7], "sub-02", *NAMES[8:]])
    assert equal_rows(same_name) == []  # allowed by a flag before
    few = replace(cohort(twice), volumes=twice[:, :2], structures=["a", "b"], etiv=None)
    assert equal_rows(few) == []  # two rounded numbers may agree by chance


def test_columns_of_other_kinds_have_no_odd_values():
    """Z scores cross 0, and lesion volumes differ tenfold."""
    scores = RNG.normal(0, 1, (N, 5))
    lesions = 3000 * np.exp(1.2 * stats.norm.ppf(RNG.permuted(np.tile((np.arange(N) + 0.5) / N, (5, 1)), axis=1).T))
    assert value_doubts(cohort(scores, etiv=None)) == []
    assert value_doubts(cohort(lesions, etiv=None)) == []
    (line,) = value_doubts(cohort(changed(lesions, (3, 1), 1e5), etiv=None))
    assert "Right-A of sub-03" in line
