import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_sclimbic.errors import DesignError
from fs_sclimbic.group.design.contrast import (
    format_weights,
)
from fs_sclimbic.group.design.expression import linear_rows


def test_columns_whose_names_hold_signs_or_are_numbers():
    assert linear_rows("sub-type - Control", ["sub-type", "Control"]).tolist() == [[1, -1]]
    assert linear_rows("sub-type-Control", ["sub-type", "Control"]).tolist() == [[1, -1]]
    assert linear_rows("1-2", ["1", "2"]).tolist() == [[1, -1]]
    assert linear_rows("A - B", ["A", "B", "A-B"]).tolist() == [[1, -1, 0]]
    assert linear_rows("F_Patient-F", ["F", "F_Patient"]).tolist() == [[-1, 1]]
    for text, columns in (("A-B", ["A", "B", "A-B"]), ("2*1", ["1", "2"]), ("A", ["A", "A"])):
        with pytest.raises(DesignError, match="can be read in two ways"):
            linear_rows(text, columns)


def test_a_long_text_of_numbers_is_refused_at_once():
    columns = [str(i) for i in range(40)]
    with pytest.raises(DesignError, match="'x' is no column"):
        linear_rows("-".join([*columns, "x"]), columns)
    with pytest.raises(DesignError, match="use a matrix file"):
        linear_rows("-".join(columns), columns)


NAMES = st.lists(
    st.from_regex(r"[A-Za-z_]\w{0,5}(:[A-Za-z]\w{0,3})?", fullmatch=True), min_size=1, max_size=6, unique=True
)


@given(NAMES, st.data())
def test_any_sum_of_columns_is_read(columns, data):
    weights = data.draw(st.lists(st.integers(-9, 9), min_size=len(columns), max_size=len(columns)).filter(any))
    blank = data.draw(st.sampled_from(["", " "]))
    text = "".join(
        f"{blank}{'-' if weight < 0 else '+'}{blank}{abs(weight)}{blank}*{blank}{name}"
        for name, weight in zip(columns, weights, strict=True)
    )
    assert linear_rows(text, columns).tolist() == [weights]
    assert linear_rows(format_weights(weights, columns).replace(" ", blank), columns).tolist() == [weights]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(" * 100_000 + "Control", "more than 50 brackets"),
        ("(" * 2000 + "Control" + ")" * 2000, "more than 50 brackets"),
        ("- " * 5000 + "Control", "more than 50"),
        ("Control*1e308*1e308", "too large for a number"),
        ("Control/1e-320", "too large for a number"),
        ("9" * 400 + "*Control", "too large for a number"),
        ("Control " * 3000, "expected an operator"),
    ],
)
def test_a_text_of_any_length_or_size_is_refused_in_words(text, message):
    with pytest.raises(DesignError, match=message):
        linear_rows(text, ["Control", "Patient"])


def test_long_sums_are_read():
    assert linear_rows("+".join(["A"] * 3000), ["A", "B"]).tolist() == [[3000, 0]]
    assert linear_rows("(((A-B)))/2", ["A", "B"]).tolist() == [[0.5, -0.5]]
