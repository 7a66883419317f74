"""Files of a case: all of them, or none."""

import os
import re
import resource

import nibabel as nib
import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.images import image_case
from fs_sclimbic.cases.record import read_record
from fs_sclimbic.cases.stats_files import read_stats
from fs_sclimbic.image.volume import read_volume
from tests.cohorts import never, run_one

ALL = Requests(posteriors=True, volumes=True, qa_stats=True)
SMALL_DISK_BYTES = 2000


def test_a_folder_that_cannot_be_written_to_is_found_before_the_network_runs(tmp_path, head_file, run):
    (tmp_path / "file").write_text("no folder")
    outcome = run_one(image_case(head_file, tmp_path / "file/seg.mgz", ALL), never, run)
    assert outcome.status == "failed"
    assert re.search(r"seg\.mgz: .*file cannot be written to", outcome.message)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_permissions_are_looked_at_before_the_network_runs(tmp_path, head_file, run):
    (tmp_path / "closed").mkdir(mode=0o500)
    outcome = run_one(image_case(head_file, tmp_path / "closed/seg.mgz", ALL), never, run)
    assert re.search(r"seg\.mgz: .*closed cannot be written to", outcome.message)


def test_a_failure_leaves_earlier_results_untouched(tmp_path, head_file, predictor, run):
    case = image_case(head_file, tmp_path / "seg.mgz", ALL)
    run_one(case, lambda: predictor, run)
    before = {path: path.read_bytes() for path in case.outputs.products()}
    head_file.write_bytes(b"")
    outcome = run_one(case, lambda: predictor, run)
    assert outcome.status == "failed"
    assert {path: path.read_bytes() for path in case.outputs.products()} == before
    assert not list(tmp_path.glob(".*.tmp"))


def test_a_full_disk_leaves_nothing_half_done(tmp_path, head_file, predictor, run):
    """The system refuses to write more than some bytes to a file: the segmentation is staged, the record is not."""
    case = image_case(head_file, tmp_path / "seg.mgz", ALL)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_DISK_BYTES, hard))
    try:
        outcome = run_one(case, lambda: predictor, run)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert outcome.status == "failed"
    assert re.search(r"seg\.\S+: File too large", outcome.message)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["head.nii.gz"]


def test_record_holds_the_numbers_unrounded(tmp_path, head_file, predictor, run):
    case = image_case(head_file, tmp_path / "seg.mgz", Requests())
    outcome = run_one(case, lambda: predictor, run)
    assert read_record(case.outputs.record).stats == outcome.stats


def test_all_files_of_an_image(tmp_path, head_file, predictor, run):
    case = image_case(head_file, tmp_path / "out/seg.nii.gz", ALL)
    outcome = run_one(case, lambda: predictor, run)
    assert outcome.status == "done", outcome.message
    assert all(path.is_file() for path in case.outputs.products())
    assert read_volume(case.outputs.segmentation).grid.matches(read_volume(head_file).grid)
    assert nib.load(case.outputs.posteriors).shape[-1] == 3
    stats = read_stats(case.outputs.stats)
    assert [row.n_voxels for row in stats.structures] == [row.n_voxels for row in outcome.stats.structures]
    text = case.outputs.stats.read_text()
    for words in (
        "# subjectname seg",
        run.spec.sha256,
        "cmdline mri_sclimbic_seg --x",
        f"InputFile {head_file}",
        "IntensityRange",
        "# hostname",
    ):
        assert words in text
    assert len(case.outputs.ctab.read_text().splitlines()[1].split()) == 6
