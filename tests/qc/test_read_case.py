"""What a case's files do not say is measured again: confidences in posteriors, detached voxels in the labels."""

import numpy as np
import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.images import image_case
from fs_sclimbic.cases.run import Run
from fs_sclimbic.image.labels import read_ctab
from fs_sclimbic.image.volume import Volume, read_volume, write_volume
from fs_sclimbic.qc.read_case import CaseFiles, provenance_of, read_finished_case
from tests.cohorts import run_one

ACCUMBENS, COMMISSURE, UNKNOWN = 26, 853, 4242


@pytest.fixture
def segmentation(head, tmp_path):
    """A label image with a left accumbens in two parts (60 and 4 voxels), and a label of another model."""
    data = np.zeros(head.grid.shape, np.int32)
    data[10:13, 10:14, 10:15] = ACCUMBENS
    data[20:22, 10:12, 10] = ACCUMBENS
    data[30, 30, 30] = COMMISSURE
    data[40:42, 10, 10] = UNKNOWN
    write_volume(Volume(data, head.grid), tmp_path / "seg.mgz")
    return tmp_path / "seg.mgz"


def rows_of(case):
    return {row.structure.index: row for row in case.stats.structures}


def test_numbers_of_labels_alone(segmentation):
    case = read_finished_case(CaseFiles(name="a", segmentation=segmentation))
    row = rows_of(case)[ACCUMBENS]
    assert (row.n_voxels, row.detached_voxels) == (64, 4)
    assert row.volume_mm3 == pytest.approx(64)
    assert np.isnan(row.confidence)
    assert COMMISSURE not in rows_of(case)
    assert rows_of(case)[UNKNOWN].structure.name == "SegId-4242"
    assert {structure.index for structure in case.colors} >= {ACCUMBENS, COMMISSURE, UNKNOWN}


def test_confidences_come_from_posteriors(segmentation, head, tmp_path):
    colors = read_ctab()
    frames = np.zeros((4, 4, 4, len(colors)), np.float32)
    frames[..., 0] = 0.25
    frames[:2, ..., 1] = 0.75
    write_volume(Volume(frames, head.grid.derived((4, 4, 4), head.grid.vox2ras, head.grid.voxel_size_mm)),
                 tmp_path / "p.mgz")  # fmt: skip
    case = read_finished_case(CaseFiles(name="a", segmentation=segmentation, posteriors=tmp_path / "p.mgz"))
    assert rows_of(case)[ACCUMBENS].confidence == pytest.approx(0.75)
    assert rows_of(case)[58].confidence == 0


def test_an_edited_record_is_no_record(segmentation, tmp_path):
    (tmp_path / "r.json").write_text("{}")
    case = read_finished_case(CaseFiles(name="a", segmentation=segmentation, record_file=tmp_path / "r.json"))
    assert case.record_file is None
    assert case.problem is None
    assert rows_of(case)[ACCUMBENS].n_voxels == 64


def test_labels_that_were_changed_or_damaged_since_are_flagged(tmp_path, head_file, predictor, tiny_model):
    case = image_case(head_file, tmp_path / "seg.mgz", Requests())
    outcome = run_one(case, lambda: predictor, Run(tiny_model, ()))
    files = CaseFiles(name="seg", segmentation=case.outputs.segmentation, record_file=case.outputs.record)
    assert "CHANGED" not in [flag.kind for flag in read_finished_case(files).verdict.flags]
    labels = read_volume(files.segmentation)
    write_volume(Volume(np.zeros_like(labels.data), labels.grid), files.segmentation)
    found = read_finished_case(files)
    assert [flag.kind for flag in found.verdict.flags][-1] == "CHANGED"
    assert found.stats == outcome.stats
    files.segmentation.write_bytes(b"damaged")
    assert read_finished_case(files).problem


def test_provenance():
    lines = ["subjectname bert", "Warning something", "InputFile /data/a b.nii", "NRows 12", "lonely"]
    assert provenance_of(lines) == {"subjectname": "bert", "InputFile": "/data/a b.nii"}
