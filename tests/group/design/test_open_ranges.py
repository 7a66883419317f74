import pytest

from fs_sclimbic.group.design.open_ranges import end_of_range


@pytest.mark.parametrize(
    ("cell", "end"),
    [
        ("89+", "89"), ("90 +", "90"), (">89", "89"), (">= 89.5", "89.5"), ("90 or older", "90"),
        ("89", None), ("+89", None), ("n/a", None), ("89+1", None), ("", None), ("A+", None),
    ],
)  # fmt: skip
def test_ends(cell, end):
    assert end_of_range(cell) == end
