"""The pages in a browser, from disk: every view, the viewer and without it, marks by keys, and their table."""

import shutil
from dataclasses import replace

import pytest

from fs_sclimbic.qc.pages.build import build_pages
from fs_sclimbic.qc.pages.single_page import build_single_page
from fs_sclimbic.qc.ratings import read_ratings
from tests.qc.pages.browsers import Page
from tests.qc.pages.conftest import STRANGE_NAME, draw_gray

pytest.importorskip("itables", reason="itables is not installed")

WORST_FIRST = [STRANGE_NAME, "sub-03", "sub-02", "sub-01", "sub-04"]
HEADER = "case\tstructure\trating\tscore\tnote\trater\tdate\tresult"
ARROW_DOWN, ARROW_RIGHT, PAGE_UP, ESCAPE, ENTER = "\ue015", "\ue014", "\ue00e", "\ue00c", "\ue007"


@pytest.fixture(scope="module")
def study(finished_cases, page_options, tmp_path_factory):
    """A folder of pages, in a folder with a name that addresses must encode."""
    folder = tmp_path_factory.mktemp("a b#c%20")
    build_pages(finished_cases, folder, page_options, draw_picture=draw_gray)
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    opened = Page(tmp_path_factory.mktemp("downloads"))
    yield opened
    opened.driver.quit()


@pytest.fixture
def page(browser, study):
    """The first page without marks; after the test it has complained of nothing and asked nobody."""
    browser.resize(1280, 900)
    browser.open(study / "index.html")
    browser.run("localStorage.clear()")
    browser.open(study / "index.html")
    yield browser
    assert browser.complaints() == []


def names(page):
    return page.texts("#cases-table tbody tr td:first-child")


def open_case(page, name):
    page.find(f"a[href='#case/{name}']").click()
    page.wait(f"document.querySelector('#view-case h2')?.textContent.startsWith('{name}')")


POSITION = "document.querySelector('.viewer').dataset.position"
# Pixels of the outline of the red ball.
RED_PIXELS = """
const canvas = document.getElementById("outline-canvas");
const bytes = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
let count = 0;
for (let i = 0; i < bytes.length; i += 4) count += bytes[i] > 200 && bytes[i + 1] < 60 && bytes[i + 3] > 100;
return count;
"""
NAMELESS = """
const nameOf = (one) => one.alt || one.getAttribute("aria-label") || one.textContent.trim() || one.labels?.length;
const found = document.querySelectorAll("img, button, input:not([hidden]), select, textarea");
return [...found].filter((one) => !nameOf(one)).map((one) => one.outerHTML);
"""


def wait_for_viewer(page, name):
    return page.wait(f"document.querySelector('.viewer')?.dataset.case === '{name}' && {POSITION}")


def saved(page):
    """Save the marks with the key, and read the file."""
    for old in page.downloads.iterdir():
        old.unlink()
    page.press("s")
    page.wait("document.getElementById('announcement').textContent === 'marks saved'")
    from selenium.webdriver.support.wait import WebDriverWait

    WebDriverWait(page.driver, 30, 0.05).until(lambda _: list(page.downloads.glob("*.tsv")))
    (path,) = page.downloads.glob("*.tsv")
    return path.name, path.read_text("utf-8")


def read(page, path):
    page.find("#import-file").send_keys(str(path))
    page.wait("!document.getElementById('storage-warning').hidden")
    return page.text("#storage-warning")


def test_the_table_sorts_searches_and_filters(page):
    assert names(page) == WORST_FIRST
    assert page.text("#summary").startswith("5 cases: 1 failed, 1 bad, 1 to look at, 2 good · 0 reviewed")
    for _ in range(2):
        page.find("#cases-table thead th:first-child").click()
    page.wait("document.querySelector('#cases-table tbody td').textContent === 'sub-04'")
    page.find(".dt-search input").send_keys("rod is")
    page.wait("document.querySelectorAll('#cases-table tbody tr').length === 1")
    assert names(page) == ["sub-03"]
    page.find(".dt-search input").clear()
    page.find(".dt-search input").send_keys(" ")
    page.choose("#filter-verdict", "good")
    assert names(page) == ["sub-04", "sub-01"]
    assert "site <b>" in page.texts("#cases-table th")
    page.choose("#filter-group", "Bern")
    assert names(page) == ["sub-01"]
    page.choose("#measure", "confidences")
    assert "0.75" in page.texts("#cases-table tbody td.number")
    page.find(".dt-buttons button").click()
    page.wait("document.querySelector('.dtsb-searchBuilder')")


def test_names_stay_text(page):
    assert page.run("return document.querySelectorAll('#cases-table b').length") == 0
    page.run("location.hash = Sclimbic.addressOf(Sclimbic.study.cases[0])")
    page.wait("document.querySelector('#view-case h2')")
    assert page.text("#view-case h2").startswith(STRANGE_NAME)
    assert "cut off or damaged" in page.text("#view-case .warning")
    assert page.run("return document.querySelectorAll('#view-case b').length") == 0


def test_the_viewer_moves(page):
    open_case(page, "sub-02")
    before = wait_for_viewer(page, "sub-02")
    assert page.wait("document.querySelector('.mosaic').naturalWidth") == 60
    # It begins at the structure with a flag.
    assert page.text("#under-cursor").startswith("Right-Ball · posterior 0.75 · RAS ")
    page.press("v", PAGE_UP, ARROW_RIGHT)
    after = page.wait(f"{POSITION} !== '{before}' && {POSITION}")
    moved = [float(b) - float(a) for a, b in zip(before.split(", "), after.split(", "), strict=True)]
    assert sum(abs(mm) for mm in moved) == pytest.approx(2, abs=0.3)
    assert f"-ras {after.replace(', ', ' ')}" in page.text("#freeview")
    page.press(ESCAPE, ARROW_DOWN)
    assert page.text("#under-cursor").startswith("Left-Ball")
    assert page.run("return document.getElementById('target').value") == "Left-Ball"

    assert page.run(RED_PIXELS) > 50
    page.press("o")
    assert page.run(RED_PIXELS) == 0
    page.press("o", "l")
    assert page.run(RED_PIXELS) == 0
    assert page.run("return document.getElementById('outline').getAttribute('aria-pressed')") == "false"
    page.press("l", "+", "0", "]", "[")
    page.press("j")
    assert wait_for_viewer(page, "sub-01")


def test_marks_by_keys_saved_and_read_again(page, tmp_path):
    page.find("#rater").send_keys("AB", ENTER, ESCAPE)
    page.press("r", "u", "u", "j")  # the worst case; marked, and the mark taken back
    page.press("f", "2", ARROW_DOWN, ARROW_DOWN, ARROW_DOWN, "a", "n")
    page.press("motion, p f 1", ESCAPE)
    page.press(" ")
    page.wait("document.querySelector('#view-case h2').textContent.startsWith('sub-02')")
    page.press("u", "j", "p", "5", "p")  # the second p takes the first one back
    name, table = saved(page)
    assert name == "ratings_AB.tsv"
    lines = table.splitlines()
    assert lines[0] == HEADER
    rows = [line.split("\t")[:6] for line in lines[1:]]
    assert rows == [
        ["sub-03", "n/a", "fail", "2", "n/a", "AB"],
        ["sub-03", "Rod", "artefact", "n/a", "motion, p f 1", "AB"],
        ["sub-02", "n/a", "unsure", "n/a", "n/a", "AB"],
        ["sub-01", "n/a", "n/a", "5", "n/a", "AB"],
    ]
    (tmp_path / "saved.tsv").write_text(table, "utf-8")
    assert [one.case for one in read_ratings(tmp_path / "saved.tsv")] == ["sub-03", "sub-03", "sub-02", "sub-01"]
    page.driver.refresh()
    page.wait("document.documentElement.dataset.ready === 'yes'")
    assert " · 3 reviewed" in page.text("#summary")
    page.press("g")
    page.wait("!document.getElementById('view-cases').hidden")
    page.choose("#filter-review", "open")
    assert names(page) == [STRANGE_NAME, "sub-04"]

    page.run("localStorage.clear()")
    page.driver.refresh()
    page.wait("document.documentElement.dataset.ready === 'yes'")
    assert " · 0 reviewed" in page.text("#summary")
    path = tmp_path / "marks.tsv"
    path.write_bytes(b"\xef\xbb\xbf" + table.replace("\n", "\r\n").encode())
    assert read(page, path) == "4 of 4 marks taken over"
    assert saved(page) == (name, table)
    assert read(page, path) == "0 of 4 marks taken over; 4 are not newer than those here"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\tb\n1\t2\n", "column case, structure, rating is missing"),
        (
            f"{HEADER}\nsub-01\tn/a\tperfect\tn/a\tn/a\tA\t2026\n",
            'line 2: expected pass, fail, artefact, unsure or n/a, found "perfect"',
        ),
        (f"{HEADER}\nsub-01\tn/a\tpass\t9\tn/a\tA\t2026\n", "line 2: expected a score from 1 to 5"),
    ],
)
def test_a_table_that_is_none_changes_nothing(page, tmp_path, text, words):
    (tmp_path / "wrong.tsv").write_text(text)
    said = read(page, tmp_path / "wrong.tsv")
    assert words in said
    assert said.endswith("Nothing was taken over.")
    assert " · 0 reviewed" in page.text("#summary")


def test_raters_studies_and_results_do_not_mix(page, study, finished_cases, page_options, tmp_path):
    open_case(page, "sub-03")
    page.press("f")
    page.run("Sclimbic.marks.setRater('AB')")  # the mark that has no name yet gets this one
    assert " · 1 reviewed" in page.text("#summary")
    page.run("Sclimbic.marks.setRater('CD')")
    assert " · 0 reviewed" in page.text("#summary")
    page.run("Sclimbic.marks.setRater('AB')")
    other = replace(page_options, source=tmp_path)
    build_pages(finished_cases, tmp_path / "other", other, draw_picture=draw_gray)
    page.open(tmp_path / "other/index.html")
    assert " · 0 reviewed" in page.text("#summary")
    # The same study after sub-03 was segmented again.
    changed = finished_cases[2]
    rows = tuple(replace(row, n_voxels=row.n_voxels + 1) for row in changed.stats.structures)
    changed = replace(changed, stats=replace(changed.stats, structures=rows))
    shutil.copytree(study, tmp_path / "again")
    build_pages([*finished_cases[:2], changed], tmp_path / "again", page_options, draw_picture=draw_gray)
    page.open(tmp_path / "again/index.html", "#case/sub-03")
    assert "Marked fail" in page.text("#review .warning")
    assert " · 0 reviewed" in page.text("#summary")


def test_pictures_distributions_and_groups(page):
    page.find("#views a[href='#pictures']").click()
    page.wait("document.querySelectorAll('.card').length === 5")
    page.wait("[...document.querySelectorAll('.card img')].every((one) => one.naturalWidth === 432)")
    page.find("#views a[href='#groups']").click()
    page.wait("document.querySelectorAll('#view-groups tbody tr').length === 4")  # two sites, one without, all
    page.find("#views a[href='#distributions']").click()
    page.wait("document.querySelectorAll('#view-distributions .strip').length === 5")
    assert page.run("return document.querySelectorAll('#view-distributions circle').length") == 4 * 5
    page.click_on("#view-distributions circle[data-case='sub-04']")
    page.wait("document.querySelector('#view-case h2')?.textContent.startsWith('sub-04')")
    assert (
        page.run(
            "return [...document.querySelectorAll('#view-case .here')].map((one) => one.getAttribute('data-case'))"
        )
        == ["sub-04"] * 5
    )


@pytest.mark.parametrize("width", [390, 1280, 2560])
def test_no_view_is_wider_than_the_window(page, width):
    page.resize(width, 900)
    for view in ("#cases", "#pictures", "#distributions", "#groups", "#case/sub-03"):
        page.run(f"location.hash = '{view}'")
        page.wait(f"!document.getElementById('view-{view[1:].split('/')[0]}').hidden")
        assert page.run("return document.documentElement.scrollWidth") <= width, view
    assert page.run(NAMELESS) == []


def test_keys_are_explained(page):
    page.press("?")
    page.wait("document.getElementById('keys').open")
    page.press(ESCAPE)
    page.wait("!document.getElementById('keys').open")


def test_one_case_in_one_file(browser, finished_cases, page_options, tmp_path):
    content = build_single_page(finished_cases[1], finished_cases, page_options, draw_picture=draw_gray)
    (tmp_path / "one.html").write_bytes(content)
    browser.open(tmp_path / "one.html")
    assert wait_for_viewer(browser, "sub-02")
    assert browser.run("return document.querySelectorAll('#view-case circle').length") == 4 * 5
    assert browser.run("return document.getElementById('freeview')") is None
    assert browser.complaints() == []


def test_without_webgl_and_without_storage(study, tmp_path):
    browser = Page(tmp_path, webgl=False, storage=False)
    try:
        browser.open(study / "index.html", "#case/sub-03")
        browser.wait("document.getElementById('under-cursor').textContent.includes('no WebGL 2')")
        assert browser.wait("document.querySelector('.mosaic').naturalWidth") == 60
        assert browser.run("return document.querySelector('.canvas-place').offsetHeight") == 0
        assert "keeps no marks" in browser.text("#storage-warning")
        browser.press("p", "o", "l", "v", "+")
        assert " · 1 reviewed" in browser.text("#summary")
        assert "sub-03\tn/a\tpass" in saved(browser)[1]
        assert browser.complaints() == []
    finally:
        browser.driver.quit()
