"""The picture of a case as pages show it."""

import io
import os
from dataclasses import replace

import numpy as np
from PIL import Image

from fs_sclimbic.cases.case_picture import picture_file_of
from fs_sclimbic.cases.record import Record, format_record
from fs_sclimbic.files.hashing import sha256_of
from fs_sclimbic.image.volume import read_volume
from fs_sclimbic.qc.pages.case_picture import draw_case_picture
from tests.heads import labelled_head


def pixels_of(content: bytes) -> np.ndarray:
    picture = Image.open(io.BytesIO(content))
    assert picture.format == "WEBP"
    return np.asarray(picture.convert("RGB")).astype(int)


def test_it_is_drawn_also_without_a_t1_or_on_other_voxels(finished_cases):
    case = finished_cases[0]
    t1, labels = read_volume(case.t1), read_volume(case.segmentation)
    finer, _ = labelled_head(1, size_mm=0.8)
    for head in (t1, finer, None):
        red = pixels_of(draw_case_picture(case, head, labels)) @ [1, -1, -1] > 60
        assert red.sum() > 100  # the left ball


def test_a_transform_that_cannot_be_read_costs_the_line_alone(finished_cases, tmp_path):
    case = replace(finished_cases[0], transform=tmp_path / "none.xfm")
    t1, labels = read_volume(case.t1), read_volume(case.segmentation)
    assert draw_case_picture(case, t1, labels) == draw_case_picture(finished_cases[0], t1, labels)


def test_the_picture_of_the_run_is_taken_if_it_is_not_older(finished_cases, tmp_path):
    case = replace(finished_cases[0], segmentation=tmp_path / "a.nii.gz")
    case.segmentation.write_bytes(finished_cases[0].segmentation.read_bytes())
    made = picture_file_of(case.segmentation)
    made.write_bytes(b"a picture")
    labels = read_volume(case.segmentation)
    assert draw_case_picture(case, None, labels) == b"a picture"
    os.utime(made, ns=(1, 1))
    assert draw_case_picture(case, None, labels) != b"a picture"
    # A copy has any times: the record tells that both are of one run.
    files = {path.name: sha256_of(path) for path in (made, case.segmentation)}
    case = replace(case, record_file=tmp_path / "a.json")
    case.record_file.write_text(format_record(Record({}, case.stats, (), files)))
    assert draw_case_picture(case, None, labels) == b"a picture"
    case.record_file.write_text(format_record(Record({}, case.stats, (), {**files, case.segmentation.name: "other"})))
    assert draw_case_picture(case, None, labels) != b"a picture"
