import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fs_sclimbic.errors import DesignError
from fs_sclimbic.group.design.design import condition_hints, condition_number, variable_hints
from tests.designs import AGE_IQ, TWO, make


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
