"""Files of a case: all of them, or none."""

import os
import re
import resource
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.images import image_case
from fs_sclimbic.cases.record import read_record
from fs_sclimbic.cases.stats_files import read_stats
from fs_sclimbic.image.volume import Volume, read_volume, write_volume
from fs_sclimbic.registration.talairach import Registration
from fs_sclimbic.segmentation.options import Options
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


def test_header_prose_names_no_structure_and_no_etiv(tmp_path, head, predictor, run):
    """grep -w Right-Ball finds the row alone, and the only line with eTIV has commas where scripts split it."""
    data = head.data.copy()
    data[8:14, 8:14, 8:14] = 200  # apart from the ball: DETACHED
    write_volume(Volume(data, head.grid), tmp_path / "t1.mgz")
    doubtful = Registration(np.diag([1.1, 1.1, 1.1, 1]), 0.6, True, ("eTIV of Left-Balls and Right-Ball-2 looks odd",))
    case = image_case(tmp_path / "t1.mgz", tmp_path / "seg.mgz", replace(ALL, etiv_from_image=True))
    options = Options(exclude=frozenset())
    outcome = run_one(case, lambda: predictor, run, options, register=lambda _: doubtful)
    assert any(warning.startswith("DETACHED") and "Right-Ball" in warning for warning in outcome.warnings)
    for path in (case.outputs.stats, case.outputs.qa_stats):
        lines = path.read_text().splitlines()
        assert [line.split()[4] for line in lines if re.search(r"\bRight-Ball\b(?!-)", line)] == ["Right-Ball"]
        (measure,) = [line for line in lines if "eTIV" in line]
        assert float(measure.split(",")[3]) == pytest.approx(1948106 / 1.1**3)
        assert "# Warning DETACHED (parts far from the rest): SegId 853" in lines
        assert any("intracranial volume of Left-Balls and Right-Ball-2 looks odd" in line for line in lines)


LONG = "x" * 241


@pytest.mark.parametrize("requests", [ALL, replace(ALL, qa_stats=False)], ids=["qa", "posteriors"])
def test_a_name_that_is_too_long_fails_before_anything_is_written(tmp_path, head_file, run, requests):
    """The segmentation's own name fits; that of the posteriors does not."""
    case = image_case(head_file, tmp_path / f"out/{LONG}.mgz", requests)
    outcome = run_one(case, never, run)
    assert outcome.status == "failed"
    assert re.search(r"x\.posteriors\.mgz: the name of this output is too long", outcome.message)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["head.nii.gz"]


def test_bytes_count_not_letters(tmp_path, head_file, run):
    outcome = run_one(image_case(head_file, tmp_path / f"{'ä' * 126}.mgz", Requests()), never, run)
    assert "too long" in outcome.message


def test_a_path_that_is_too_long(tmp_path, head_file, run):
    deep = tmp_path.joinpath(*["d" * 200] * 21)
    outcome = run_one(image_case(head_file, deep / "seg.mgz", Requests()), never, run)
    assert outcome.status == "failed"
    assert "too long" in outcome.message
