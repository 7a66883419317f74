import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fs_sclimbic.errors import DesignError
from fs_sclimbic.group.design.contrast import Contrast
from fs_sclimbic.group.design.design import Design, GroupClass, condition_hints, condition_number, variable_hints
from fs_sclimbic.group.design.design_summary import (
    describe_contrast,
    describe_matrix,
    describe_subjects,
    design_problems,
)


def make(class_of, values, names=("A", "B"), variables=None, **more):
    values = np.array(values, float).reshape(len(class_of), -1)
    return Design(
        "study",
        tuple(f"s{i}" for i in range(len(class_of))),
        tuple(GroupClass(name) for name in names),
        tuple(class_of),
        tuple(variables or [f"v{i}" for i in range(values.shape[1])]),
        values,
        **more,
    )


TWO = (0, 1, 0, 1, 0, 1)
AGE_IQ = [[20, 100], [31, 90], [42, 120], [55, 101], [63, 99], [70, 115]]


def test_columns_and_matrix():
    dods = make(TWO, AGE_IQ, variables=("Age", "IQ"))
    assert dods.columns == ("A", "B", "A:Age", "B:Age", "A:IQ", "B:IQ")
    assert dods.matrix[:2].tolist() == [[1, 0, 20, 0, 100, 0], [0, 1, 0, 31, 0, 90]]
    doss = make(TWO, AGE_IQ, variables=("Age", "IQ"), method="doss")
    assert doss.columns == ("A", "B", "Age", "IQ")
    assert doss.matrix[:2].tolist() == [[1, 0, 20, 100], [0, 1, 31, 90]]
    assert doss.columns_of("dods") == dods.columns
    with pytest.raises(ValueError, match="read-only"):
        dods.matrix[0, 0] = 5


def test_without_variables_both_methods_are_the_same():
    one, other = make(TWO, np.zeros((6, 0))), make(TWO, np.zeros((6, 0)), method="doss", demean=True, rescale=True)
    assert one.matrix.tolist() == other.matrix.tolist() == [[1, 0], [0, 1]] * 3
    assert one.columns == other.columns == ("A", "B")


DESIGNS = st.integers(1, 4).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.lists(st.integers(0, n - 1), min_size=1, max_size=12),
        st.integers(0, 3),
        st.sampled_from(["dods", "doss"]),
        st.booleans(),
        st.booleans(),
        st.integers(0, 2**32 - 1),
    )
)


@settings(deadline=None)
@given(DESIGNS)
def test_any_matrix_says_what_its_columns_are_called(drawn):
    """Element by element from the names of the columns alone."""
    n_classes, class_of, n_variables, method, demean, rescale, seed = drawn
    values = np.random.default_rng(seed).normal(50, 20, (len(class_of), n_variables)).tolist()
    names = [f"class{i}" for i in range(n_classes)]
    design = make(class_of, values, names, method=method, demean=demean, rescale=rescale and len(class_of) > 1)
    for row, (own, mine) in enumerate(zip(class_of, values, strict=True)):
        for column, name in enumerate(design.columns):
            of_class, _, variable = name.rpartition(":")
            if name in names:
                expected = float(name == names[own])
            else:
                index = design.variables.index(variable)
                everybody = [person[index] for person in values]
                mean = sum(everybody) / len(everybody)
                sd = (sum((x - mean) ** 2 for x in everybody) / len(everybody)) ** 0.5
                expected = (mine[index] - (mean if demean else 0)) / (sd if design.rescale else 1)
                if method == "dods" and of_class != names[own]:
                    expected = 0
            assert design.matrix[row, column] == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert not np.signbit(design.matrix[design.matrix == 0]).any()


def test_rescaling_a_constant():
    with pytest.raises(DesignError, match="variable v1 is the same for all subjects and cannot be rescaled"):
        make(TWO, [[i, 7] for i in range(6)], rescale=True).matrix  # noqa: B018


def test_leaving_subjects_out():
    design = make(TWO, AGE_IQ, method="doss", demean=True)
    smaller = design.without(["s5", "s0"])
    assert smaller.subjects == ("s1", "s2", "s3", "s4")
    assert smaller.class_of == (1, 0, 1, 0)
    # Means are those of the subjects that stay.
    assert smaller.matrix[:, 2].tolist() == [31 - 47.75, 42 - 47.75, 55 - 47.75, 63 - 47.75]
    assert design.without([]).subjects == design.subjects
    with pytest.raises(DesignError, match="no subject nobody, s9"):
        design.without(["s9", "s0", "nobody"])
    with pytest.raises(DesignError, match=r"without 3 subject\(s\): class 'B' has no subject"):
        design.without(["s1", "s3", "s5"])
    with pytest.raises(DesignError, match=r"class 'A' has 2 subject\(s\); dods with 2 variable\(s\) needs at least 3"):
        make(TWO, AGE_IQ).without(["s0"])


def test_condition_number_is_that_of_the_normalised_square():
    matrix = make(TWO, AGE_IQ).matrix
    unit = matrix / np.linalg.norm(matrix, axis=0)
    assert condition_number(matrix) == pytest.approx(np.linalg.cond(unit.T @ unit), rel=1e-6)
    assert condition_number(matrix * [1, 1e6, 1, 1e-6, 1, 1]) == pytest.approx(condition_number(matrix), rel=1e-9)
    assert condition_number(np.eye(3)) == 1
    assert condition_number(np.ones((5, 2))) == np.inf
    assert condition_number(np.ones((1, 2))) == np.inf
    assert condition_number(np.array([[1.0, 0], [1, 0], [1, 0]])) == np.inf


def test_hints_name_what_follows_from_what():
    assert condition_hints(make(TWO, AGE_IQ, method="doss", demean=True).matrix, ("A", "B", "Age", "IQ")) == ()
    age = np.array([20.0, 31, 42, 55, 63, 70])
    groups = make(TWO, np.zeros((6, 0))).matrix
    hints = condition_hints(np.column_stack([groups, age, 2 * age + 5, 0 * age]), ("A", "B", "age", "twice", "none"))
    assert hints == (
        "column 'twice' follows from others (twice = 5*A + 5*B + 2*age); leave it out",
        "column 'none' is zero for every subject; leave it out",
    )
    (hint,) = condition_hints(np.column_stack([groups, [7.0] * 6]), ("A", "B", "constant"))
    assert hint == "column 'constant' follows from others (constant = 7*A + 7*B); leave it out"
    hints = condition_hints(np.eye(3), ("A", "B", "C"))
    assert hints == ("3 subject(s) cannot carry 3 columns; give more subjects or fewer columns",)


def test_hints_name_what_nearly_follows():
    rng = np.random.default_rng(0)
    age = rng.normal(50, 10, 40)
    matrix = np.column_stack([np.ones(40), age - age.mean(), age - age.mean() + rng.normal(0, 0.05, 40)])
    hints = condition_hints(matrix, ("mean", "age", "months"))
    assert [hint.split(":")[0] for hint in hints] == [
        "column 'age' nearly follows from months",
        "column 'months' nearly follows from age",
    ]


@given(st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_an_ill_conditioned_design_is_never_without_a_hint(p, seed):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(30, p)) * 10 ** rng.uniform(-6, 6, p) + 10 ** rng.uniform(0, 4)
    assert bool(condition_hints(matrix, [f"c{i}" for i in range(p)])) == (condition_number(matrix) > 10000)


def test_hints_on_variables():
    year = [[2010], [2011], [2012], [2010], [2011], [2012]]
    (far,) = variable_hints(make(TWO, year, variables=("year",)))
    assert "variable 'year' (mean 2011, SD 0.816497) lies far from 0" in far
    assert variable_hints(make(TWO, year, demean=True)) == ()
    (constant,) = variable_hints(make(TWO, [[7]] * 6))
    assert constant == "variable 'v0' is 7 for every subject and tells nothing; leave it out"
    by_class = [[1], [2], [1], [2], [1], [2]]
    assert "same for every subject of class A, B" in variable_hints(make(TWO, by_class, method="doss"))[0]
    in_one = [[1], [2], [1], [3], [1], [5]]
    assert "same for every subject of class A:" in variable_hints(make(TWO, in_one))[0]
    assert variable_hints(make(TWO, in_one, method="doss")) == ()
    # One subject alone says nothing about a class.
    assert variable_hints(make((0, 0, 0, 1), [[1], [2], [4], [3]])) == ()
    twins = [[i**2, 3 * i**2 + 1e-3 * (i % 2)] for i in range(6)]
    assert "variables 'v0' and 'v1' are nearly the same (r = 1.0000)" in variable_hints(make(TWO, twins))


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
