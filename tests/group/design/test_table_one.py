import csv

import numpy as np
import pytest
from scipy import stats

from fs_sclimbic.errors import DesignError
from fs_sclimbic.group.design.model import fsgd_model
from fs_sclimbic.group.design.table_one import TableOneRequest, format_csv, format_html, make_table_one
from tests.group.people_files import people, write_people


@pytest.fixture
def frame():
    made = people()
    made.loc[3, "iq"] = np.nan
    made.loc[5, "group"] = None
    return made


def table(frame, path, columns, **more):
    return make_table_one(TableOneRequest(participants=write_people(path / "p.tsv", frame), columns=columns, **more))


def test_by_group(frame, tmp_path):
    made = table(frame, tmp_path, ("age", "sex", "iq", "C(site)"), by="group", medians=("iq",))
    known = frame[frame["group"].notna()]
    assert made.groups == ("Control", "Patient", "Relative")
    assert made.sizes == tuple((known["group"] == group).sum() for group in made.groups)
    assert made.left_out == ("sub-05",)
    age, female, male, iq, *sites = made.rows
    control = known[known["group"] == "Control"]
    assert age.cells[0] == f"{control['age'].mean():.1f} ({control['age'].std():.1f})"
    assert age.cells[3] == f"{known['age'].mean():.1f} ({known['age'].std():.1f})"
    assert (female.variable, female.level, male.variable, male.level) == ("sex, n (%)", "F", "", "M")
    assert female.cells[0].startswith(f"{(control['sex'] == 'F').sum()} (")
    counts = known.groupby(["sex", "group"]).size().unstack()
    assert female.test.p == pytest.approx(stats.chi2_contingency(counts, correction=False)[1])
    assert iq.missing == 1
    parts = [part["iq"].dropna() for _, part in known.groupby("group")]
    assert iq.test.p == pytest.approx(stats.kruskal(*parts).pvalue)
    assert iq.cells[0].startswith(f"{parts[0].median():.0f} [")
    assert [row.level for row in sites] == ["1", "2", "3"]
    assert made.doubts == ()


def test_classes_of_an_fsgd(frame, tmp_path):
    lines = [f"Input {row.participant_id} {row.sex}" for row in frame.itertuples() if row.age < 60]
    (tmp_path / "g.fsgd").write_text("\n".join(["GroupDescriptorFile 1", "Class M", "Class F", *lines]) + "\n")
    made = table(frame, tmp_path, ("age",), design=fsgd_model(str(tmp_path / "g.fsgd")).design)
    assert made.groups == ("M", "F")
    young = frame[frame["age"] < 60]
    assert sum(made.sizes) == len(young)
    assert made.rows[0].test.name == "Welch's t"
    found = stats.ttest_ind(*(young[young["sex"] == sex]["age"] for sex in "MF"), equal_var=False)
    assert made.rows[0].test.p == pytest.approx(found.pvalue)


def test_one_group(frame, tmp_path):
    made = table(frame, tmp_path, ("age", "sex"))
    assert (made.groups, made.sizes) == (("all",), (60,))
    assert all(len(row.cells) == 1 and not row.test.name for row in made.rows)


def test_texts(frame, tmp_path):
    made = table(frame, tmp_path, ("age", "sex"), by="group")
    rows = list(csv.reader(format_csv(made).splitlines()))
    heads = [f"{group} (n={n})" for group, n in zip(made.groups, made.sizes, strict=True)]
    assert rows[0][:5] == ["variable", "level", *heads]
    assert {len(row) for row in rows} == {11}
    page = format_html(made, "a<b")
    assert page.count("<tr>") == len(rows)
    assert "<title>a&lt;b</title>" in page
    assert "Without a group and left out: sub-05." in page


def test_what_is_refused(frame, tmp_path):
    with pytest.raises(DesignError, match="no column 'weight'"):
        table(frame, tmp_path, ("weight",))
    with pytest.raises(DesignError, match="'sex' holds labels, which have no median"):
        table(frame, tmp_path, ("sex",), medians=("sex",))


def test_a_site_as_a_number_is_doubted(frame, tmp_path):
    assert any("site" in text for text in table(frame, tmp_path, ("site",)).doubts)
