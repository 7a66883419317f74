from string import Template

import pytest

from fs_sclimbic.group.output.reproduction_texts import IN_PYTHON, IN_R


@pytest.mark.parametrize("text", [IN_PYTHON, IN_R])
def test_both_scripts_take_the_same_facts(text):
    assert set(Template(text).get_identifiers()) == {
        "version", "table", "values", "design", "scaled", "unscaled", "scale", "logarithm", "weighted", "robust",
        "family", "contrasts", "subject", "etiv", "weight",
    } - ({"subject"} if text is IN_PYTHON else set())  # fmt: skip
