import base64
from dataclasses import replace
from html.parser import HTMLParser

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from fs_sclimbic.group.design.contrast import named_contrast
from fs_sclimbic.group.design.design import GroupClass
from fs_sclimbic.group.fit.glm import fit_glm
from fs_sclimbic.group.fit.results import group_result
from fs_sclimbic.group.fit.study import SCALED, StudyOptions, assemble
from fs_sclimbic.group.output.report import REPORT, ReportFigure, ReportText, report_files, report_page
from tests.groups import make_model, make_table

TEXT = ReportText(
    title="Study <1>",
    command="sclimbic_glmfit --contrast 'a&b'",
    table="t.dat",
    design="g.fsgd",
    method=["method dods"],
    condition=51.2,
    seed=7,
)

PICTURES = [ReportFigure(b"\x89PNG1", "what <it> shows"), ReportFigure(b"\x89PNG2")]


class Page(HTMLParser):
    """Checks that tags close in order; collects tables, images and addresses."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows, self.images, self.links = [], [], [], []
        self.text = ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.links += [value for name, value in named.items() if name in ("src", "href")]
        if tag == "tr":
            self.rows.append([named.get("class")])
        if tag == "img":
            self.images.append(named["src"])
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1].append(data)


def page(permutations=0, zero=False, **options):
    table = make_table()
    if zero:
        table.values[3, 1] = 0
    study = assemble(make_model(), table, StudyOptions(**options))
    fit = fit_glm(study.matrix, study.values)
    contrasts = [named_contrast(t, study.columns) for t in ("Patient-Control", "F = Control:Age ; Patient:Age")]
    results = [group_result(fit, c, study.structures, study.family, permutations=permutations) for c in contrasts]
    return (
        study,
        results,
        report_page(TEXT, study, fit, results, {"Patient-Control": PICTURES}),
    )


def test_everything_is_inside():
    found = Page(page()[2])
    assert [base64.b64decode(image.partition(",")[2]) for image in found.images] == [b"\x89PNG1", b"\x89PNG2"]
    assert all(link.startswith("data:image/png;base64,") for link in found.links)
    assert "http" not in page()[2]


def test_text_is_escaped():
    found = Page(page()[2])
    assert "Study <1>" in found.text
    assert "--contrast 'a&b'" in found.text


def test_it_says_how_it_was_made():
    text = Page(page(etiv=SCALED)[2]).text
    for words in (
        "every structure divided by eTIV, times 100000", "12: Control 6, Patient 6", "12 subjects - 4 columns = 8",
        "method dods", "51.2", "t-test, two-sided", "F-test of 2 rows together", "Patient - Control",
        "eTIV is used to scale by",
    ):  # fmt: skip
        assert words in text
    assert "not used: volumes as they are" in Page(page()[2]).text
    assert "20 random permutations, seed 7 (Freedman-Lane)" in Page(page(permutations=20)[2]).text


def test_the_first_sentence_and_what_else_a_reader_needs():
    study, results, text = page()
    found = Page(text)
    assert found.text.index("No difference between Patient and Control") < found.text.index("Degrees of freedom")
    assert "what <it> shows" in found.text
    assert "Glossary" in found.text
    assert "Weights" not in found.text
    assert 'name="viewport"' in text
    fit = fit_glm(study.matrix, study.values)
    more = replace(TEXT, methods=["Holm, 1979, is cited."], made=[("Network weights", "a.h5 0123")])
    text = Page(report_page(more, study, fit, results, {})).text
    for words in ("to paste into a paper", "Scand J Stat", "a.h5 0123"):
        assert words in text


def test_warnings_stand_out():
    assert 'class="warn">1 value(s) of 0 enter' in page(zero=True)[2]
    assert 'class="warn"' not in page()[2]


def test_numbers_are_those_of_the_results():
    _, results, text = page()
    rows = Page(text).rows
    first = next(row for row in rows if row[1:2] == ["Left-A"])
    test = results[0].test
    low, high = test.interval()
    assert first[2:6] == [
        f"{test.gamma[0, 0]:.1f}", f"{test.standard_error[0, 0]:.1f}", f"{low[0, 0]:.1f} to {high[0, 0]:.1f}",
        f"{test.t[0, 0]:.2f}",
    ]  # fmt: skip
    assert float(first[6]) == pytest.approx(test.p[0], abs=5e-4)
    assert float(first[9]) == pytest.approx(results[0].cohen_d[0], abs=5e-3)
    etiv = next(row for row in rows if row[1:2] == ["eTIV"] and row[0] == "out")
    assert etiv[7:9] == ["n/a", "n/a"]


def test_weights_stand_beside_the_columns():
    rows = Page(page()[2]).rows
    by_column = {row[1]: row[3:] for row in rows if row[1] in ("Control", "Patient", "Control:Age", "Patient:Age")}
    assert by_column == {
        "Control": ["-1", "0 / 0"],
        "Patient": ["1", "0 / 0"],
        "Control:Age": ["0", "1 / 0"],
        "Patient:Age": ["0", "0 / 1"],
    }


def test_significant_rows_are_marked():
    study, results, _ = page()
    fit = fit_glm(study.matrix, study.values)
    object.__setattr__(results[0], "p_holm", np.array([0.01, 0.2, 0.2, np.nan]))
    object.__setattr__(results[0], "p_fdr", np.array([0.01, 0.01, 0.2, np.nan]))
    rows = Page(report_page(TEXT, study, fit, results[:1], {})).rows
    kinds = {row[1]: row[0] for row in reversed(rows) if row[1] in study.structures and len(row) > 8}
    assert kinds == {"Left-A": "two", "Right-A": "one", "B": "", "eTIV": "out"}


def drawn(contrasts=("Patient-Control", "Age = Control:Age + Patient:Age")):
    study = assemble(make_model(), make_table(), StudyOptions())
    fit = fit_glm(study.matrix, study.values)
    results = [group_result(fit, named_contrast(t, study.columns), study.structures, study.family) for t in contrasts]
    return report_files(TEXT, study, fit, results)


def test_a_figure_that_cannot_be_drawn_costs_no_page(monkeypatch):
    whole, notices = drawn()
    assert not notices
    calls = []
    save = Figure.savefig

    def fail_at_first(self, *words, **options):
        calls.append(1)
        if len(calls) == 1:
            raise UnicodeEncodeError("utf-8", "x", 0, 1, "surrogates not allowed")
        return save(self, *words, **options)

    monkeypatch.setattr(Figure, "savefig", fail_at_first)
    files, (notice,) = drawn()
    assert notice.severity == "warning"
    assert notice.text.startswith("no figures of Patient-Control (UnicodeEncodeError: ")
    lost = {f"Patient-Control/{name}.{kind}" for name in ("forest", "structures") for kind in ("png", "pdf")}
    assert set(whole) - set(files) == lost
    assert files["Age/forest.png"] == whole["Age/forest.png"]


def test_a_matplotlib_that_does_not_load(monkeypatch):
    monkeypatch.setattr(matplotlib, "use", lambda name: 1 / 0)
    files, (notice,) = drawn()
    assert notice.text == "no figures: matplotlib cannot be loaded (ZeroDivisionError: division by zero)"
    assert set(files) == {REPORT}


def test_names_that_are_not_utf8_are_readable_on_the_page():
    class_name = "Größe".encode("cp1252").decode("utf-8", "surrogateescape")
    study = assemble(make_model(classes=(GroupClass(class_name), GroupClass("B"))), make_table(), StudyOptions())
    fit = fit_glm(study.matrix, study.values)
    result = group_result(fit, named_contrast(f"{class_name} - B", study.columns), study.structures, study.family)
    files, notices = report_files(TEXT, study, fit, [result])
    assert not notices
    assert "Größe" in files[REPORT].decode()
    assert len([name for name in files if name.endswith(".png")]) == 2
