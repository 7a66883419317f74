import numpy as np
import pytest

from fs_sclimbic.group.output.report_tables import decimals, design_table, glossary, number, pairs_table, results_table
from tests.groups import analysed


@pytest.mark.parametrize(
    ("errors", "places"), [([1.5, 20], 2), ([0.0123], 4), ([250.0], 0), ([1e-9], 6), ([np.nan], 3)]
)
def test_decimals(errors, places):
    assert decimals(np.array(errors)) == places


@pytest.mark.parametrize(
    ("value", "places", "text"), [(1.234, 1, "1.2"), (np.nan, 1, "n/a"), (2e8, 2, "2.00e+08"), (1e-8, 3, "1.00e-08")]
)
def test_number(value, places, text):
    assert number(value, places) == text
    assert number(value, places, known=False) == "n/a"


def test_tables():
    study, _, result = analysed()
    object.__setattr__(result, "structures", ("Left-Fornix", *result.structures[1:]))
    text = results_table(result)
    assert '<td title="Left-Fornix">Fornix, left</td>' in text
    assert '<div class="wide">' in text
    assert "Control:Age" in design_table(study, [result])
    assert "results.tsv" in glossary()
    assert "a &lt;" in pairs_table([("a <", "b")])
