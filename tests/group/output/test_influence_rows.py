import csv
import io

import pytest

from fs_sclimbic.group.output.influence_rows import COLUMNS, format_influence, influence_table
from tests.groups import analysed


def test_a_row_a_structure():
    study, _, result = analysed()
    rows = list(csv.DictReader(io.StringIO(format_influence(result, result.influence, study.subjects)), delimiter="\t"))
    assert list(rows[0]) == list(COLUMNS)
    assert [row["structure"] for row in rows] == list(study.structures)
    top = study.subjects.index(rows[0]["subject"])
    assert float(rows[0]["shift"]) == pytest.approx(result.influence.shift[:, 0].max())
    assert float(rows[0]["p_without"]) == pytest.approx(result.influence.p[top, 0])
    assert {row["decisive"] for row in rows} == {"no"}


def test_the_page_names_them():
    study, _, result = analysed()
    text = influence_table(result, result.influence, ["<b>", *study.subjects[1:]])
    assert "Cook&#x27;s distance" in text
    assert text.count("<tr>") == 1 + len(study.structures)
    assert "<b>" not in text
