import numpy as np

from fs_sclimbic.group.design.contrast import Contrast
from fs_sclimbic.group.design.design_summary import (
    describe_contrast,
    describe_matrix,
    describe_subjects,
    design_problems,
)
from tests.designs import AGE_IQ, TWO, make


def test_problems_of_a_design():
    assert design_problems(make(TWO, [[i] for i in (3, 1, 4, 1, 5, 9)])) == []
    (problem,) = design_problems(make(TWO, [[2010], [2011], [2012], [2010], [2011], [2013]], variables=("year",)))
    # The advice on the variable mends it, so columns are not blamed.
    assert "set DeMeanFlag 1" in problem
    assert "follows" not in problem
    (problem,) = design_problems(make(TWO, [[7]] * 6, method="doss"))
    assert "is inf" in problem
    assert "v0 = 7*A + 7*B" in problem
    (problem,) = design_problems(make((0, 1), [[1], [2]], method="doss"))
    assert "2 subjects and 3 columns leave no degree of freedom" in problem
    (problem,) = design_problems(make((0, 1), np.zeros((2, 0))))
    assert "2 subjects and 2 columns leave no degree of freedom" in problem


def test_the_summary():
    design = make(TWO, AGE_IQ, variables=("Age", "IQ"))
    lines = describe_subjects(design)
    assert lines[:6] == [
        "Continuous Variable Means (all subjects)",
        "0 Age 46.8333 17.6013",
        "1 IQ 104.167 10.1885",
        "Class Size and Means of each Continuous Variable",
        "1 A  3  41.6667 106.3333",
        "2 B  3  52.0000 102.0000",
    ]
    assert lines[6:9] == [
        "Age by class:",
        "  A  n 3  mean 41.6667  SD 21.5019  20 to 63",
        "  B  n 3  mean 52  SD 19.6723  31 to 70",
    ]
    assert describe_matrix(make(TWO, AGE_IQ, method="doss", demean=True, variables=("Age", "IQ")))[0] == (
        "Design matrix 6 x 4, 2 degrees of freedom, variables demeaned over all subjects"
    )
    contrast = Contrast("x", np.array([[1, -1, 0], [0, 0, 0.5]]), np.array([0, 2.0]))
    assert describe_contrast(contrast, ("A", "B", "Age")) == [
        "Contrast x (F, 2 rows, against 0, 2):",
        "        +1        0  A",
        "        -1        0  B",
        "         0     +0.5  Age",
    ]


def test_demeaning_is_advised_where_it_cures():
    """Two scores that go together and lie far from 0, none of which is so far by itself as to be named alone."""
    rng = np.random.default_rng(2)
    of, iq = np.arange(30) % 2, rng.normal(100, 12, 30)
    far = make(of.tolist(), np.column_stack([iq, iq + rng.normal(0, 2.2, 30)]))
    (problem,) = design_problems(far)
    assert "demeaning them cures it: DeMeanFlag 1 in the FSGD" in problem
    assert "nearly follows" not in problem
    assert design_problems(make(of.tolist(), far.values, demean=True)) == []
