"""Marks of two studies never mix, and stay when the pages are made again."""

import json
import os
import shutil

import pytest

from fs_sclimbic.qc.pages.identity import IDENTITY, choose_identity, study_id


@pytest.fixture
def source(tmp_path):
    (tmp_path / "results/pages").mkdir(parents=True)
    return tmp_path / "results"


def make_pages(source, pages=None):
    pages = pages or source / "pages"
    found, content = choose_identity(pages, source)
    (pages / IDENTITY).write_bytes(content)
    return found


def test_another_machine_makes_the_pages_again(source):
    """The id was chosen under another name of the machine."""
    make_pages(source)
    kept = json.loads((source / "pages" / IDENTITY).read_text())
    (source / "pages" / IDENTITY).write_text(json.dumps({**kept, "id": "of-node-7"}))
    assert make_pages(source) == "of-node-7"


def test_a_folder_that_was_moved_is_the_same_study(source, tmp_path):
    before = make_pages(source)
    os.rename(source, tmp_path / "moved")
    assert make_pages(tmp_path / "moved") == before


def test_a_copy_is_another_study(source, tmp_path):
    before = make_pages(source)
    shutil.copytree(source, tmp_path / "copy")
    assert make_pages(tmp_path / "copy") != before


def test_pages_that_another_study_takes_over_are_its_own(source, tmp_path):
    pages = tmp_path / "pages"
    pages.mkdir()
    before = make_pages(source, pages)
    (tmp_path / "other").mkdir()
    assert make_pages(tmp_path / "other", pages) != before


def test_one_path_of_two_folders_is_two_studies(source, tmp_path):
    """As two containers call them."""
    before = study_id(source)
    os.rename(source, tmp_path / "first")
    source.mkdir()
    assert study_id(source) != before


@pytest.mark.parametrize("text", ["", "[]", '{"id": "x"}', '{"id": "x", "pages": 1, "source": {}}'])
def test_a_damaged_file_is_none(source, text):
    (source / "pages" / IDENTITY).write_text(text)
    assert make_pages(source) == study_id(source)
