"""A folder of pages: built once, brought up to date, never half."""

import json
import threading
from dataclasses import replace

import pytest

from fs_sclimbic.errors import UsageError
from fs_sclimbic.files.locks import only_one
from fs_sclimbic.qc.pages.build import LOCK_NAME, build_pages
from tests.qc.pages.conftest import STRANGE_NAME, draw_gray

pytest.importorskip("itables")


def study_of(folder):
    return json.loads((folder / "study.js").read_text().split("study = ")[1].rstrip(";\n"))


def test_pages_come_and_are_brought_up_to_date(finished_cases, page_options, tmp_path):
    told = []
    out = tmp_path / "pages"
    built = build_pages(finished_cases, out, page_options, draw_picture=draw_gray, progress=lambda *n: told.append(n))
    assert (built.index, built.n_made, built.n_kept) == (out / "index.html", 4, 0)
    assert {*built.problems} == {STRANGE_NAME}
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    study = study_of(out)
    for one in study["cases"]:
        for what in ("script", "picture", "thumbnail"):
            assert one["verdict"] == "failed" or (out / one[what]).is_file()
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}

    built = build_pages(finished_cases, out, page_options, draw_picture=draw_gray)
    assert (built.n_made, built.n_kept) == (0, 4)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()} == before

    built = build_pages(finished_cases[:2], out, page_options, draw_picture=draw_gray)
    assert built.n_kept == 2
    assert len(list((out / "cases").iterdir())) == 6
    assert not (out / LOCK_NAME).exists()


def test_a_build_that_ends_early_leaves_the_pages_and_what_it_made(finished_cases, page_options, tmp_path):
    build_pages(finished_cases[:1], tmp_path, page_options, draw_picture=draw_gray)
    before = (tmp_path / "study.js").read_bytes()

    def interrupt(case, t1, labels):
        if case.name == "sub-04":
            raise KeyboardInterrupt
        return draw_gray(case, t1, labels)

    with pytest.raises(KeyboardInterrupt):
        build_pages(finished_cases, tmp_path, page_options, draw_picture=interrupt)
    assert (tmp_path / "study.js").read_bytes() == before
    built = build_pages(finished_cases, tmp_path, page_options, draw_picture=draw_gray)
    assert (built.n_made, built.n_kept) == (1, 3)


def test_without_the_viewer(finished_cases, page_options, tmp_path):
    options = replace(page_options, with_viewer=False)
    build_pages(finished_cases, tmp_path, options, draw_picture=draw_gray)
    assert not list(tmp_path.glob("cases/*.js"))
    assert not (tmp_path / "page/niivue.js").exists()
    assert study_of(tmp_path)["viewer"] is None


def test_two_builds_do_not_mix(finished_cases, page_options, tmp_path):
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with only_one(tmp_path / LOCK_NAME, "held"):
            entered.set()
            leave.wait(60)

    other = threading.Thread(target=hold)
    other.start()
    assert entered.wait(60)
    try:
        with pytest.raises(UsageError, match="another run builds these pages"):
            build_pages(finished_cases, tmp_path, page_options, draw_picture=draw_gray, max_wait_seconds=0.0)
    finally:
        leave.set()
        other.join()
