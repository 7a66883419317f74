"""The page's parts: each script that it names is there, and what is put in stays text."""

import re

from fs_sclimbic.qc.pages.libraries import PageLibraries
from fs_sclimbic.qc.pages.page import SCRIPTS, format_page, links_to_files, own_file, shared_files

LIBRARIES = PageLibraries(tables=b"tables", table_style=b"style", viewer=b"viewer", viewer_problem="")


def test_each_file_that_the_page_names_is_there():
    named = re.findall(r'(?:src|href)="([^"]+)"', "".join(links_to_files()))
    files = shared_files(LIBRARIES, b"viewer")
    assert {*named} - {*files} == {"study.js"}
    assert {*files} - {*named} == {"page/niivue.js"}  # read when a case is opened
    assert "page/niivue.js" not in shared_files(LIBRARIES, None)


def test_what_is_put_in_stays_text():
    page = format_page("<b>{{scripts}}</b>", "{{title}}", "")
    assert "&lt;b&gt;{{scripts}}&lt;/b&gt;" in page
    assert page.count("{{title}}") == 1
    assert "?" in format_page("\udc80", "", "")


def test_scripts_put_no_html_into_the_page():
    """Names of cases and reasons come from files; only text nodes may show them."""
    for name in SCRIPTS:
        assert not re.search(rb"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", own_file(name)), name
