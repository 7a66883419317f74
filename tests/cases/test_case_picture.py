"""Pictures lie beside segmentations. A case is done without its picture, and never fails for it."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.case_log import outcome_lines
from fs_sclimbic.cases.case_picture import is_older, picture_file_of, transform_to_show
from fs_sclimbic.cases.cohort import run_cohort
from fs_sclimbic.cases.head_size import HeadSize
from fs_sclimbic.cases.images import folder_cases, image_case
from fs_sclimbic.cases.record import read_record
from fs_sclimbic.cases.run import Run
from fs_sclimbic.cases.subjects import subject_case
from fs_sclimbic.errors import UsageError
from fs_sclimbic.image.transforms import format_xfm
from fs_sclimbic.registration.talairach import Registration
from fs_sclimbic.segmentation.options import Options

WITH_PICTURE = Requests(volumes=True, picture=True)


def test_a_picture_has_its_segmentation_name(tmp_path, subjects_dir):
    assert picture_file_of(Path("out/B.nii.gz")) == Path("out/B.webp")
    assert image_case(Path("T1.mgz"), Path("out/B.mgz"), WITH_PICTURE).outputs.picture == Path("out/B.webp")
    assert subject_case(subjects_dir, "bert", WITH_PICTURE).outputs.picture == subjects_dir / "bert/mri/sclimbic.webp"
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.nii").write_bytes(b"0")
    (case,) = folder_cases(tmp_path / "in", tmp_path / "out", WITH_PICTURE, base="entowm")
    assert case.outputs.picture == tmp_path / "out/a.entowm.webp"
    assert case.outputs.picture in case.outputs.optional
    assert case.outputs.picture not in case.outputs.products()
    assert image_case(Path("T1.mgz"), Path("B.mgz"), Requests()).outputs.picture is None


class Draws:
    """Draws a few bytes, and keeps what it was given."""

    def __init__(self, error=None):
        self.contents, self.error = [], error

    def __call__(self, content):
        self.contents.append(content)
        if self.error:
            raise self.error
        return b"a picture"


def run_case(case, predictor, draw, **options):
    (outcome,) = run_cohort([case], lambda: predictor, Options(**options), Run(predictor.spec, ("test",)), draw=draw)
    return outcome


def test_a_subject_gets_its_picture_with_the_transform(subjects_dir, predictor):
    draw, case = Draws(), subject_case(subjects_dir, "bert", WITH_PICTURE)
    outcome = run_case(case, predictor, draw)
    assert outcome.status == "done"
    assert not any("picture" in warning for warning in outcome.warnings)
    assert case.outputs.picture.read_bytes() == b"a picture"
    (content,) = draw.contents
    assert content.title == "bert"
    assert content.labels.grid.matches(content.t1.grid)
    assert content.stats == outcome.stats
    assert np.allclose(np.diag(content.ras2mni), [1.1, 1.1, 1.1, 1])
    assert "sclimbic.webp" in read_record(case.outputs.record).files
    assert f"  wrote {case.outputs.picture}" in outcome_lines(outcome)


@pytest.mark.parametrize("error", [UsageError("no font"), MemoryError(), OSError(28, "full"), ValueError("bug\nhere")])
def test_a_case_never_fails_for_its_picture(subjects_dir, predictor, error):
    case = subject_case(subjects_dir, "bert", WITH_PICTURE)
    outcome = run_case(case, predictor, Draws(error))
    assert outcome.status == "done"
    warning = outcome.warnings[-1]
    assert "picture was not drawn" in warning
    assert "\n" not in warning
    assert case.outputs.stats.is_file()
    assert not case.outputs.picture.exists()
    assert "picture" not in case.outputs.stats.read_text()
    assert not any("webp" in line for line in outcome_lines(outcome) if "wrote" in line)


def test_a_case_that_is_done_gets_the_picture_that_it_lacks(subjects_dir, predictor):
    plain = subject_case(subjects_dir, "bert", Requests())
    assert run_case(plain, predictor, Draws()).status == "done"
    case, draw = subject_case(subjects_dir, "bert", WITH_PICTURE), Draws()
    assert run_case(case, predictor, draw).status == "skipped"
    assert case.outputs.picture.read_bytes() == b"a picture"
    assert np.allclose(np.diag(draw.contents[0].ras2mni), [1.1, 1.1, 1.1, 1])
    assert draw.contents[0].labels.data.any()
    # It is not drawn again.
    assert run_case(case, predictor, draw).status == "skipped"
    assert len(draw.contents) == 1


def test_a_picture_of_earlier_labels_is_drawn_again(subjects_dir, predictor):
    case, draw = subject_case(subjects_dir, "bert", WITH_PICTURE), Draws()
    run_case(case, predictor, draw)
    assert not is_older(case.outputs.picture, case.outputs.segmentation)
    plain = subject_case(subjects_dir, "bert", Requests(volumes=True))
    before = case.outputs.segmentation.stat().st_mtime_ns
    os.utime(case.outputs.picture, ns=(before, before))
    assert run_case(plain, predictor, draw, redo=True).status == "done"
    assert is_older(case.outputs.picture, case.outputs.segmentation)
    assert run_case(case, predictor, draw).status == "skipped"
    assert len(draw.contents) == 2
    assert not is_older(case.outputs.picture, case.outputs.segmentation)


def test_a_picture_that_cannot_be_written_is_a_warning(subjects_dir, predictor, tmp_path):
    (tmp_path / "file").write_text("is no folder")
    case = subject_case(subjects_dir, "bert", WITH_PICTURE)
    blocked = replace(case, outputs=replace(case.outputs, picture=tmp_path / "file/bert.webp"))
    for status in ("done", "skipped"):
        outcome = run_case(blocked, predictor, Draws())
        assert outcome.status == status
        assert "picture cannot be written" in outcome.warnings[-1]


def test_a_doubtful_transform_is_shown(tmp_path):
    xfm = tmp_path / "talairach.xfm"
    xfm.write_text(format_xfm(np.diag([2.0, 2.0, 2.0, 1.0])))
    assert transform_to_show(HeadSize(transform=xfm))[0, 0] == 2
    assert transform_to_show(HeadSize()) is None
    found = Registration(np.diag([1.5, 1.5, 1.5, 1.0]), 0.1, False, doubts=("score",))
    assert transform_to_show(HeadSize(registration=found, transform=xfm))[0, 0] == 1.5
