"""One case in one file: all in it, and nothing of the others but their numbers."""

import re

import pytest

from fs_sclimbic.qc.pages.single_page import build_single_page
from tests.qc.pages.conftest import draw_gray

pytest.importorskip("itables")


def test_all_is_in_one_file(finished_cases, page_options):
    case = finished_cases[1]
    page = build_single_page(case, finished_cases, page_options, draw_picture=draw_gray).decode()
    assert not re.search(r'<(script|link|img)[^>]* (src|href)="(?!data:)', page)
    assert page.count("<script>") == page.count("</script>")
    study = next(part for part in page.split("<script>") if "Sclimbic.study = " in part[:200])
    assert '"name":"sub-02"' in study
    assert "sub-01" not in study
    assert "Kyiv" not in study
    assert str(case.segmentation.parent) not in page
    assert "somebody" not in page
