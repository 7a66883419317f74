"""The files of a case are made once; what they are made from is in their name."""

import json
import os
from dataclasses import replace

import pytest

from fs_sclimbic.errors import ImageError
from fs_sclimbic.qc.pages.case_files import bring_up_to_date, file_stem, make_case_files, remove_old_files
from tests.qc.pages.conftest import STRANGE_NAME, draw_gray


def test_files_and_their_script(finished_cases):
    files = make_case_files(finished_cases[0], draw_gray)
    head, content = files.script.decode().removesuffix(");\n").split("(", 1)
    assert head == "window.Sclimbic.images.receive"
    images = json.loads(content)
    assert [one["name"] for one in images["structures"]] == ["Left-Ball", "Right-Ball", "Rod", "Box"]
    assert images["posteriors"]
    assert b'"posteriors":null' in make_case_files(finished_cases[2], draw_gray).script
    assert make_case_files(finished_cases[0], draw_gray, with_viewer=False).script is None


def test_unchanged_cases_are_not_read_again(finished_cases, tmp_path):
    read = []

    def draw(case, t1, labels):
        read.append(case.name)
        return draw_gray(case, t1, labels)

    case = finished_cases[0]
    told, is_new = bring_up_to_date(case, tmp_path, draw, with_viewer=True)
    assert is_new
    assert {*told} == {"script", "picture", "thumbnail"}
    assert all((tmp_path / address).is_file() for address in told.values())
    assert bring_up_to_date(case, tmp_path, draw, with_viewer=True) == (told, False)
    assert read == ["sub-01"]
    (tmp_path / told["picture"]).unlink()
    assert bring_up_to_date(case, tmp_path, draw, with_viewer=True) == (told, True)


def test_what_changes_a_name(finished_cases, tmp_path):
    case = finished_cases[0]
    copy = tmp_path / "seg.nii.gz"
    copy.write_bytes(case.segmentation.read_bytes())
    one = replace(case, segmentation=copy)
    stems = [file_stem(one, with_viewer=True), file_stem(one, with_viewer=False), file_stem(case, with_viewer=True)]
    os.utime(copy, ns=(1, 1))
    stems += [file_stem(one, with_viewer=True), file_stem(replace(one, name=STRANGE_NAME), with_viewer=True)]
    assert len(set(stems)) == 5
    assert stems[-1].startswith("_b_x_-")
    assert len(file_stem(replace(one, name="a" * 250), with_viewer=True)) < 80


@pytest.mark.parametrize("with_viewer", [True, False])
def test_a_case_that_cannot_be_read_costs_itself(finished_cases, tmp_path, with_viewer):
    gone = replace(finished_cases[0], segmentation=tmp_path / "gone.nii.gz")
    told, _ = bring_up_to_date(gone, tmp_path, draw_gray, with_viewer=with_viewer)
    assert "gone.nii.gz" in told["pictureProblem"]
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(b"no image")
    told, _ = bring_up_to_date(replace(gone, segmentation=broken), tmp_path, draw_gray, with_viewer=with_viewer)
    assert "broken.nii.gz" in told["pictureProblem"]

    def fail(*_):
        raise ImageError("no picture")

    told, _ = bring_up_to_date(finished_cases[0], tmp_path, fail, with_viewer=with_viewer)
    assert told == {"pictureProblem": "no picture"}


def test_a_full_disk_is_told(finished_cases, tmp_path):
    (tmp_path / "cases").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="cases"):
        bring_up_to_date(finished_cases[0], tmp_path, draw_gray, with_viewer=True)


def test_old_files_go_and_those_of_people_stay(finished_cases, tmp_path):
    told, _ = bring_up_to_date(finished_cases[0], tmp_path, draw_gray, with_viewer=True)
    old, _ = bring_up_to_date(finished_cases[1], tmp_path, draw_gray, with_viewer=True)
    (tmp_path / "cases/notes.txt").touch()
    assert remove_old_files(tmp_path, [told]) == 3
    there = {path.name for path in (tmp_path / "cases").iterdir()}
    assert there == {"notes.txt", *(address.split("/")[1] for address in told.values())}
    assert not any(address.split("/")[1] in there for address in old.values())
