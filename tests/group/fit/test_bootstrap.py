import numpy as np
import pytest
from scipy import stats

from fs_sclimbic.errors import UsageError
from fs_sclimbic.group.fit.bootstrap import bootstrap_interval
from fs_sclimbic.group.fit.glm import contrast_result, fit_glm

RNG = np.random.default_rng(2)
CLASS_OF = np.repeat([0, 1], [30, 25])
AGE = RNG.uniform(20, 80, 55)
VALUES = 500 + 30 * CLASS_OF[:, None] - AGE[:, None] + RNG.gamma(2, 20, (55, 2))
CLASSES = np.eye(2)[CLASS_OF]
DIFFERENCE = np.array([[-1.0, 1.0]])


def interval(design=CLASSES, matrix=DIFFERENCE, values=VALUES, class_of=CLASS_OF, resamples=1000, seed=1):
    return bootstrap_interval(fit_glm(design, values), matrix, class_of, resamples=resamples, seed=seed)


def test_means_of_two_groups_as_scipy():
    found = interval()
    for k in range(2):
        other = stats.bootstrap(
            (VALUES[CLASS_OF == 0, k], VALUES[CLASS_OF == 1, k]),
            lambda a, b, axis: b.mean(axis) - a.mean(axis),
            n_resamples=1000,
            random_state=np.random.default_rng(1),
        ).confidence_interval
        np.testing.assert_allclose([found.low[k], found.high[k]], other, rtol=1e-9)


def test_a_seed_fixes_the_numbers():
    assert interval().low.tolist() == interval().low.tolist() != interval(seed=2).low.tolist()


def test_near_the_interval_of_normal_residuals():
    design = np.column_stack([CLASSES, AGE])
    matrix = np.array([[-1.0, 1.0, 0.0]])
    found = interval(design, matrix)
    low, high = contrast_result(fit_glm(design, VALUES), matrix).interval()
    width = high[0] - low[0]
    assert (np.abs(found.low - low[0]) < 0.2 * width).all()
    assert (np.abs(found.high - high[0]) < 0.2 * width).all()


def test_one_sample():
    found = interval(np.ones((55, 1)), np.ones((1, 1)), class_of=np.zeros(55, int))
    assert (found.low < VALUES.mean(0)).all()
    assert (VALUES.mean(0) < found.high).all()


def test_none_where_there_is_no_honest_one():
    alone = np.array([0] * 54 + [1])
    found = interval(np.eye(2)[alone], class_of=alone)
    assert np.isnan([found.low, found.high]).all()
    # A class of two with a slope of its own: half of the resamples draw one subject twice.
    of = np.array([0] * 53 + [1, 1])
    design = np.column_stack([np.eye(2)[of], np.eye(2)[of] * AGE[:, None]])
    found = interval(design, np.array([[0.0, 0, -1, 1]]), class_of=of)
    assert np.isnan([found.low, found.high]).all()


def test_too_few():
    with pytest.raises(UsageError, match="--bootstrap 100: expected 1000 or more"):
        interval(resamples=100)
