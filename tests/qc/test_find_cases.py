"""Finished cases are found with their files and numbers, whoever made them, and a broken one stops no other."""

import shutil

import numpy as np
import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.images import image_case
from fs_sclimbic.cases.run import Run
from fs_sclimbic.errors import UsageError
from fs_sclimbic.image.volume import Volume, write_volume
from fs_sclimbic.qc.find_cases import find_finished_cases, find_finished_subjects
from tests.cohorts import cases_of, run_one

STATS = """\
# Subcortical Limbic Volumetric Stats
# Created by mri_sclimbic_seg
# Measure EstimatedTotalIntraCranialVol, eTIV, Estimated Total Intracranial Volume, 1516268.012883, mm^3
# NRows 1
# NTableCols 5
# ColHeaders Index SegId NVoxels Volume_mm3 StructName
1        26    64     60.2500    Left-Nucleus-Accumbens
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory, head, predictor, tiny_model):
    """A folder of results of three images, made by this tool: seg0, seg1 and seg2."""
    folder = tmp_path_factory.mktemp("results")
    for case in cases_of(folder, head, 3, Requests(volumes=True, posteriors=True)):
        assert run_one(case, lambda: predictor, Run(tiny_model, ())).status == "done"
    return folder


def labels_like(head, segid=26):
    data = np.zeros(head.grid.shape, np.int32)
    data[10:14, 20:24, 30:34] = segid
    return Volume(data, head.grid)


def make_subject(folder, head, name="bert"):
    """What the published tool leaves of a subject; no record, no posteriors."""
    for part in ("mri", "stats"):
        (folder / name / part).mkdir(parents=True)
    write_volume(labels_like(head), folder / name / "mri/sclimbic.mgz")
    write_volume(head, folder / name / "mri/nu.mgz")
    (folder / name / "stats/sclimbic.stats").write_text(STATS)


def test_results_of_this_tool(results):
    cases = find_finished_cases(results)
    assert [case.name for case in cases] == ["seg0", "seg1", "seg2"]
    case = cases[0]
    assert case.segmentation == results / "seg0.mgz"
    assert case.t1 == results / "head0.nii.gz"
    assert case.posteriors == results / "seg0.posteriors.mgz"
    assert case.stats_file == results / "seg0.stats"
    assert case.record_file == results / "seg0.sclimbic.json"
    assert [row.structure.name for row in case.stats.structures] == ["Left-Ball"]
    assert case.stats.structures[0].confidence > 0.5
    assert [structure.name for structure in case.colors.foreground] == ["Left-Ball", "Right-Ball"]
    assert case.provenance["InputFile"] == str(results / "head0.nii.gz")
    assert case.provenance["Weights"].startswith("tiny.h5 SHA-256 ")


def test_images_of_one_name_are_told_apart_by_their_results(head, predictor, tiny_model, tmp_path):
    for subject in ("ann", "bob"):
        (tmp_path / subject).mkdir()
        write_volume(head, tmp_path / subject / "T1.mgz")
        case = image_case(tmp_path / subject / "T1.mgz", tmp_path / f"out/{subject}.mgz", Requests())
        assert run_one(case, lambda: predictor, Run(tiny_model, ())).status == "done"
    assert [case.name for case in find_finished_cases(tmp_path / "out")] == ["ann", "bob"]


def test_moved_results_find_their_images_in_the_given_folder(results, tmp_path):
    for name in ("seg1.mgz", "seg1.sclimbic.json"):
        shutil.copy(results / name, tmp_path / name)
    moved = tmp_path / "images"
    moved.mkdir()
    (moved / "head1.nii.gz").symlink_to(results / "head1.nii.gz")
    (case,) = find_finished_cases(tmp_path, moved)
    assert case.t1 == moved / "head1.nii.gz"
    assert case.posteriors is None
    assert case.stats_file is None
    (case,) = find_finished_cases(tmp_path)
    assert case.t1 == results / "head1.nii.gz"


def test_results_without_a_record(head, tmp_path):
    write_volume(labels_like(head), tmp_path / "a.sclimbic.nii.gz")
    (tmp_path / "a.sclimbic.stats").write_text(STATS)
    write_volume(labels_like(head), tmp_path / "b.sclimbic.mgz")
    images = tmp_path / "images"
    images.mkdir()
    write_volume(head, images / "a.nii.gz")
    first, second = find_finished_cases(tmp_path, images)
    assert (first.name, first.t1, first.record_file) == ("a", images / "a.nii.gz", None)
    assert first.stats.structures[0].volume_mm3 == 60.25
    assert first.stats.etiv_mm3 == 1516268.012883
    assert (second.name, second.t1) == ("b", None)
    by_name = {row.structure.name: row.volume_mm3 for row in second.stats.structures}
    assert by_name["Left-Nucleus-Accumbens"] == pytest.approx(64)
    assert "Mid-AntCom" not in by_name


def test_subjects_of_the_published_tool(head, tmp_path):
    for name in ("bert", "bert.long.base", "ernie"):
        make_subject(tmp_path, head, name)
    (tmp_path / "fsaverage").mkdir()
    assert [case.name for case in find_finished_subjects(tmp_path)] == ["bert", "bert.long.base", "ernie"]
    cases = find_finished_subjects(tmp_path, ["ernie", "*.long.*"])
    assert [case.name for case in cases] == ["ernie", "bert.long.base"]
    case = cases[0]
    assert case.t1 == tmp_path / "ernie/mri/nu.mgz"
    assert case.stats.structures[0].volume_mm3 == 60.25
    assert np.isnan(case.stats.structures[0].confidence)
    assert case.stats.voxel_volume_mm3 == pytest.approx(1)


def test_another_image_of_the_subject_is_shown_where_the_t1_is_gone(head, tmp_path):
    make_subject(tmp_path, head)
    (tmp_path / "bert/mri/nu.mgz").rename(tmp_path / "bert/mri/orig.mgz")
    (case,) = find_finished_subjects(tmp_path)
    assert case.t1 == tmp_path / "bert/mri/orig.mgz"


def test_broken_cases_are_told_and_stop_no_other(head, tmp_path):
    for name in ("a", "b", "c"):
        make_subject(tmp_path, head, name)
    (tmp_path / "a/mri/sclimbic.mgz").write_bytes(b"no image")
    (tmp_path / "b/stats/sclimbic.stats").write_text("1 26 sixty 4 Left\n")
    cases = find_finished_subjects(tmp_path, ["a", "b", "c", "missing"])
    assert [case.problem is None for case in cases] == [False, False, True, False]
    assert [case.verdict.verdict for case in cases if case.problem] == ["bad"] * 3
    assert "sclimbic.mgz" in cases[0].problem
    assert "sclimbic.stats:1" in cases[1].problem
    assert cases[3].stats.structures == ()


@pytest.mark.parity
def test_real_subjects_of_the_published_tool(shared, tmp_path):
    """They have no record; labels, stats, posteriors, T1 and transform say that they are good."""
    names = ("colin27", "ecog.long.base", "studyforrest")
    for name in names:
        (tmp_path / name / "mri").mkdir(parents=True)
        for folder in (shared / "data/subjects", shared / "reference/seg/subjects"):
            for path in (folder / name / "mri").iterdir():
                (tmp_path / name / "mri" / path.name).symlink_to(path)
        (tmp_path / name / "stats").symlink_to(shared / "reference/seg/subjects" / name / "stats")
    cases = find_finished_subjects(tmp_path)
    assert [case.name for case in cases] == list(names)
    for case in cases:
        assert case.problem is None
        assert case.record_file is None
        assert case.transform is not None
        assert 0.7 < min(row.confidence for row in case.stats.structures) < 0.95
        assert case.verdict.verdict == "good", case.verdict.flags


def test_nothing_to_find(tmp_path):
    for find, message in ((find_finished_cases, "no result found"), (find_finished_subjects, "no subject with")):
        with pytest.raises(UsageError, match=message):
            find(tmp_path)
        with pytest.raises(UsageError, match="does not exist"):
            find(tmp_path / "nowhere")


def test_a_case_of_another_name_and_base(head, predictor, tiny_model, tmp_path):
    write_volume(head, tmp_path / "T1.nii.gz")
    case = image_case(tmp_path / "T1.nii.gz", tmp_path / "dseg.nii.gz", Requests())
    run_one(case, lambda: predictor, Run(tiny_model, ()))
    (found,) = find_finished_cases(tmp_path)
    assert found.segmentation == tmp_path / "dseg.nii.gz"
    assert found.t1 == tmp_path / "T1.nii.gz"
