import re
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from fs_sclimbic.cases import pipeline
from fs_sclimbic.cases.case import Requests, image_case, subject_case
from fs_sclimbic.cases.cohort import outcome_lines
from fs_sclimbic.cases.pipeline import run_case, settings_of
from fs_sclimbic.cases.record import read_record
from fs_sclimbic.cases.run import Run
from fs_sclimbic.cases.stats_files import read_stats
from fs_sclimbic.cli.progress import lines_of
from fs_sclimbic.errors import ModelError
from fs_sclimbic.image.transforms import read_transform
from fs_sclimbic.image.volume import Volume, read_volume, write_volume
from fs_sclimbic.registration import talairach
from fs_sclimbic.registration.etiv import etiv_mm3
from fs_sclimbic.registration.talairach import Registration
from fs_sclimbic.segmentation.segment import Options
from tests.conftest import ONE_BALL


@pytest.fixture
def run(tiny_model):
    return Run(tiny_model, ("mri_sclimbic_seg", "--x"), 1)


ALL = Requests(posteriors=True, volumes=True, qa_stats=True)


def test_all_files_of_an_image(tmp_path, head_file, predictor, run):
    case = image_case(head_file, tmp_path / "out/seg.nii.gz", ALL)
    outcome = run_case(case, lambda: predictor, Options(), run)
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


def test_a_done_case_is_skipped_and_gives_the_same_numbers(tmp_path, head_file, predictor, run):
    case = image_case(head_file, tmp_path / "seg.mgz", ALL)
    first = run_case(case, lambda: predictor, Options(), run)

    def never():
        raise AssertionError("the model was loaded for nothing")

    again = run_case(case, never, Options(), run)
    assert (again.status, again.stats) == ("skipped", first.stats)


@pytest.mark.parametrize("change", ["input", "options", "missing", "redo", "weights", "more files"])
def test_what_changed_is_run_again(tmp_path, head_file, head, predictor, run, change):
    case = image_case(head_file, tmp_path / "seg.mgz", Requests(volumes=True))
    options = Options()
    run_case(case, lambda: predictor, options, run)
    if change == "input":
        write_volume(Volume(head.data * 2, head.grid), head_file)
    elif change == "options":
        options = Options(voxel_counts=True)
    elif change == "missing":
        case.outputs.stats.unlink()
    elif change == "redo":
        options = Options(redo=True)
    elif change == "weights":
        run = replace(run, spec=replace(run.spec, sha256="other"))
    else:
        case = image_case(head_file, tmp_path / "seg.mgz", ALL)
    assert run_case(case, lambda: predictor, options, run).status == "done"


CHANGES = {
    "percentile": {"percentile": 99.9},
    "conform": {"conform": True},
    "voxel counts": {"voxel_counts": True},
    "exclude": {"exclude": frozenset({26})},
    "population": {"population": {}},
    "full fov": {"full_fov": True},
    "shifts": {"average_shifts": 2},
}
SPEC_CHANGES = {"sha256": "other", "fov": 52, "features": 3, "colors": ONE_BALL}


@pytest.mark.parametrize("change", CHANGES)
def test_each_option_counts(tmp_path, head_file, run, change):
    case = image_case(head_file, tmp_path / "seg.mgz", ALL)
    before, after = (settings_of(case, None, run, options) for options in (Options(), Options(**CHANGES[change])))
    assert before != after


@pytest.mark.parametrize("field", SPEC_CHANGES)
def test_each_property_of_the_model_counts(tmp_path, head_file, run, field):
    case = image_case(head_file, tmp_path / "seg.mgz", ALL)
    other = replace(run.spec, **{field: SPEC_CHANGES[field]})
    assert settings_of(case, None, run, Options()) != settings_of(case, None, replace(run, spec=other), Options())


def test_the_precision_counts(tmp_path, head_file, run):
    case = image_case(head_file, tmp_path / "seg.mgz", ALL)
    other = replace(run, precision="bfloat16")
    assert settings_of(case, None, run, Options()) != settings_of(case, None, other, Options())


def test_the_transform_counts(subjects_dir, predictor, run):
    case = subject_case(subjects_dir, "bert", Requests())
    run_case(case, lambda: predictor, Options(), run)
    xfm = subjects_dir / "bert/mri/transforms/talairach.xfm"
    xfm.write_text(xfm.read_text().replace("1.1", "1.3"))
    assert run_case(case, lambda: predictor, Options(), run).status == "done"
    assert read_stats(case.outputs.stats).etiv_mm3 == pytest.approx(1948106 / 1.3**3)


def test_an_edited_result_is_left_alone_and_told(tmp_path, head_file, predictor, run):
    case = image_case(head_file, tmp_path / "seg.mgz", ALL)
    run_case(case, lambda: predictor, Options(), run)
    case.outputs.segmentation.write_bytes(b"edited by hand")
    again = run_case(case, lambda: predictor, Options(), run)
    assert again.status == "skipped"
    assert [str(case.outputs.segmentation) in warning and "--redo" in warning for warning in again.warnings] == [True]
    assert case.outputs.segmentation.read_bytes() == b"edited by hand"
    case.outputs.segmentation.write_bytes(b"")
    assert run_case(case, lambda: predictor, Options(), run).status == "done", "an empty file is no edit"


def test_what_an_earlier_run_left_beside_is_told(tmp_path, head_file, predictor, run):
    run_case(image_case(head_file, tmp_path / "seg.mgz", ALL), lambda: predictor, Options(), run)
    bare = image_case(head_file, tmp_path / "seg.mgz", Requests())
    assert run_case(bare, lambda: predictor, Options(), run).status == "skipped"
    changed = run_case(bare, lambda: predictor, Options(voxel_counts=True), run)
    told = "\n".join(changed.warnings)
    assert all(f"{name} is of an earlier run" in told for name in ("seg.posteriors.mgz", "seg.stats", "seg.qa.stats"))


def test_asking_for_more_and_for_less_does_not_run_for_ever(tmp_path, head_file, predictor, run):
    few, all_of_it = (image_case(head_file, tmp_path / "seg.mgz", requests) for requests in (Requests(), ALL))
    statuses = [run_case(case, lambda: predictor, Options(), run).status for case in (few, all_of_it, few, all_of_it)]
    assert statuses == ["done", "done", "skipped", "skipped"]


def test_a_place_that_cannot_be_written_to_is_found_before_the_network_runs(tmp_path, head_file, run, monkeypatch):
    def never():
        raise AssertionError("the network ran for nothing")

    monkeypatch.setattr(pipeline.os, "access", lambda *_: False)
    outcome = run_case(image_case(head_file, tmp_path / "seg.mgz", ALL), never, Options(), run)
    assert outcome.status == "failed"
    assert re.search(r"seg\.mgz: .* cannot be written to", outcome.message)


def test_a_failure_leaves_earlier_results_untouched(tmp_path, head_file, predictor, run):
    case = image_case(head_file, tmp_path / "seg.mgz", ALL)
    run_case(case, lambda: predictor, Options(), run)
    before = {path: path.read_bytes() for path in case.outputs.products()}
    head_file.write_bytes(b"")
    outcome = run_case(case, lambda: predictor, Options(), run)
    assert outcome.status == "failed"
    assert {path: path.read_bytes() for path in case.outputs.products()} == before
    assert not list(tmp_path.glob(".*.tmp"))


def test_a_crash_while_writing_leaves_nothing_half_done(tmp_path, head_file, predictor, run, monkeypatch):
    def full_disk(*_):
        raise OSError(28, "No space left on device", str(tmp_path / "seg.stats"))

    monkeypatch.setattr(pipeline, "format_stats", full_disk)
    case = image_case(head_file, tmp_path / "seg.mgz", ALL)
    outcome = run_case(case, lambda: predictor, Options(), run)
    assert outcome.status == "failed"
    assert "No space left" in outcome.message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["head.nii.gz"]


def test_record_holds_the_numbers_unrounded(tmp_path, head_file, predictor, run):
    case = image_case(head_file, tmp_path / "seg.mgz", Requests())
    outcome = run_case(case, lambda: predictor, Options(), run)
    assert read_record(case.outputs.record).stats == outcome.stats


def test_subject_with_etiv(subjects_dir, predictor, run):
    for name, factor in (("bert", 1.1), ("ernie", 1.2)):
        outcome = run_case(subject_case(subjects_dir, name, Requests()), lambda: predictor, Options(), run)
        assert outcome.status == "done", outcome.message
        assert read_stats(subjects_dir / name / "stats/sclimbic.stats").etiv_mm3 == pytest.approx(1948106 / factor**3)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (None, "no such transform.*--no-etiv"),
        ("MNI Transform File\nLinear_Transform =\n1 0 0 0\n0 1 0 0\n0 0 0 0;\n", "determinant 0"),
        ("garbage", "MNI Transform File"),
    ],
)
def test_subject_without_a_usable_transform(subjects_dir, predictor, run, text, word):
    xfm = subjects_dir / "bert/mri/transforms/talairach.xfm"
    xfm.unlink() if text is None else xfm.write_text(text)
    outcome = run_case(subject_case(subjects_dir, "bert", Requests()), lambda: predictor, Options(), run)
    assert outcome.status == "failed"
    assert not list((subjects_dir / "bert/mri").glob("sclimbic*"))
    assert re.search(word, outcome.message)
    assert str(subjects_dir / "bert") in outcome.message
    passed = run_case(
        subject_case(subjects_dir, "bert", Requests()), lambda: predictor, Options(without_etiv=True), run
    )
    assert passed.status == "done"
    assert "no eTIV: " in passed.warnings[-1]
    assert "# Measure" not in (subjects_dir / "bert/stats/sclimbic.stats").read_text()


def test_no_etiv_takes_it_from_nobody_who_has_it(subjects_dir, predictor, run):
    case = subject_case(subjects_dir, "ernie", Requests())
    run_case(case, lambda: predictor, Options(), run)
    again = run_case(case, lambda: predictor, Options(without_etiv=True), run)
    assert (again.status, again.stats.etiv_mm3) == ("skipped", pytest.approx(1948106 / 1.2**3))


def test_an_implausible_etiv_is_told(subjects_dir, predictor, run):
    (subjects_dir / "bert/mri/transforms/talairach.xfm").write_text(
        "MNI Transform File\nLinear_Transform =\n2 0 0 0\n0 2 0 0\n0 0 2 0;\n"
    )
    outcome = run_case(subject_case(subjects_dir, "bert", Requests()), lambda: predictor, Options(), run)
    assert outcome.status == "done"
    assert any("eTIV of 244 cm^3" in warning for warning in outcome.warnings)


def test_our_own_faults_cost_one_case_and_keep_their_traceback(tmp_path, head_file, run):
    def broken():
        raise ZeroDivisionError("oops")

    outcome = run_case(image_case(head_file, tmp_path / "seg.mgz", ALL), broken, Options(), run)
    assert outcome.status == "failed"
    assert "unexpected ZeroDivisionError: oops" in outcome.message
    assert "Traceback" in outcome.details


def test_a_model_that_cannot_be_loaded_ends_the_run(tmp_path, head_file, run):
    def unloadable():
        raise ModelError("no weights")

    with pytest.raises(ModelError):
        run_case(image_case(head_file, tmp_path / "seg.mgz", ALL), unloadable, Options(), run)


RAS2MNI = np.array([[1.1, 0.02, 0, 3], [0, 1.05, 0.2, -9], [0.01, -0.2, 1.1, 4], [0, 0, 0, 1]])
SOUND = Registration(RAS2MNI, 0.91, False, ())
DOUBTFUL = replace(SOUND, doubts=("it looks like an average head to 0.60 only (sound: 0.70)", "and so on"))
FROM_IMAGE = Requests(posteriors=True, volumes=True, qa_stats=True, etiv_from_image=True)


def never(*_):
    raise AssertionError("was called for nothing")


def test_etiv_from_the_image(tmp_path, head_file, predictor, run, monkeypatch):
    monkeypatch.setattr(pipeline, "register", lambda _: SOUND)
    case = image_case(head_file, tmp_path / "seg.mgz", FROM_IMAGE)
    outcome = run_case(case, lambda: predictor, Options(), run)
    assert outcome.status == "done", outcome.message
    assert outcome.stats.etiv_mm3 == etiv_mm3(RAS2MNI)
    assert np.array_equal(read_transform(tmp_path / "seg.talairach.xfm"), RAS2MNI)
    assert np.allclose(read_transform(tmp_path / "seg.talairach.lta"), RAS2MNI, rtol=1e-15)
    for text in (case.outputs.stats.read_text(), case.outputs.qa_stats.read_text()):
        assert f"TransformFile {tmp_path / 'seg.talairach.xfm'}" in text
        assert "Transform computed from the image (whole head), score 0.910" in text
        assert "doubtful" not in text
    assert not any("ETIV" in warning for warning in outcome.warnings)


def test_a_doubtful_etiv_is_kept_and_said_everywhere(tmp_path, head_file, predictor, run, monkeypatch):
    monkeypatch.setattr(pipeline, "register", lambda _: DOUBTFUL)
    case = image_case(head_file, tmp_path / "seg.mgz", FROM_IMAGE)
    outcome = run_case(case, lambda: predictor, Options(), run)
    assert outcome.status == "done"
    assert outcome.stats.etiv_mm3 == etiv_mm3(RAS2MNI)
    (told,) = [warning for warning in outcome.warnings if warning.startswith("ETIV (doubtful): ")]
    for words in (*DOUBTFUL.doubts, "seg.talairach.xfm", "--tal", f"{etiv_mm3(RAS2MNI) / 1000:.0f} cm^3"):
        assert words in told
    assert f"# Warning {told}" in case.outputs.stats.read_text()
    assert f"# Warning {told}" in case.outputs.qa_stats.read_text()
    assert told in read_record(case.outputs.record).warnings
    assert f"  warning: {told}" in outcome_lines(outcome)
    assert ("warning", f"[1/1] seg: warning: {told}") in list(lines_of(outcome, "[1/1]", False))


def test_a_doubtful_transform_does_not_place_the_box(tmp_path, head_file, predictor, run, monkeypatch):
    guesses = []
    prepare = pipeline.prepare
    monkeypatch.setattr(pipeline, "prepare", lambda *given: guesses.append(given[-1]) or prepare(*given))
    for found in (SOUND, DOUBTFUL):
        monkeypatch.setattr(pipeline, "register", lambda _, found=found: found)
        run_case(image_case(head_file, tmp_path / "seg.mgz", FROM_IMAGE), lambda: predictor, Options(redo=True), run)
    assert np.array_equal(guesses[0], RAS2MNI)
    assert guesses[1] is None


def test_a_done_case_is_not_registered_again(tmp_path, head_file, predictor, run, monkeypatch):
    monkeypatch.setattr(pipeline, "register", lambda _: SOUND)
    case = image_case(head_file, tmp_path / "seg.mgz", FROM_IMAGE)
    first = run_case(case, lambda: predictor, Options(), run)
    monkeypatch.setattr(pipeline, "register", never)
    again = run_case(case, never, Options(), run)
    assert (again.status, again.stats) == ("skipped", first.stats)


@pytest.mark.parametrize("change", ["average head", "xfm removed", "not asked before"])
def test_what_makes_etiv_be_computed_again(tmp_path, head_file, predictor, run, monkeypatch, change):
    calls = []
    monkeypatch.setattr(pipeline, "register", lambda _: calls.append(1) or SOUND)
    case = image_case(head_file, tmp_path / "seg.mgz", ALL if change == "not asked before" else FROM_IMAGE)
    run_case(case, lambda: predictor, Options(), run)
    calls.clear()
    if change == "average head":
        (tmp_path / "other.nii.gz").write_bytes(b"another average")
        monkeypatch.setattr(pipeline, "data_file", lambda *_: tmp_path / "other.nii.gz")
    elif change == "xfm removed":
        case.outputs.xfm.unlink()
    else:
        case = image_case(head_file, tmp_path / "seg.mgz", FROM_IMAGE)
    outcome = run_case(case, lambda: predictor, Options(), run)
    assert (outcome.status, calls) == ("done", [1])
    assert any("average head" in warning for warning in outcome.warnings) == (change != "xfm removed")


def test_nothing_is_registered_unless_asked(tmp_path, head_file, subjects_dir, predictor, run, monkeypatch):
    monkeypatch.setattr(pipeline, "register", never)
    monkeypatch.setattr(talairach, "shipped_head", never)
    for case in (image_case(head_file, tmp_path / "seg.mgz", ALL), subject_case(subjects_dir, "bert", ALL)):
        assert run_case(case, lambda: predictor, Options(), run).status == "done"
        assert case.outputs.xfm is None
    assert not list(tmp_path.rglob("*seg.talairach*"))
    assert "average_head_sha256" not in read_record(tmp_path / "seg.sclimbic.json").settings


def test_a_subject_without_a_transform_is_told_of_the_flag(subjects_dir, predictor, run):
    (subjects_dir / "bert/mri/transforms/talairach.xfm").unlink()
    outcome = run_case(subject_case(subjects_dir, "bert", Requests()), lambda: predictor, Options(), run)
    assert outcome.status == "failed"
    assert "--etiv-from-image" in outcome.message


def test_a_subjects_own_transform_is_left_alone(subjects_dir, predictor, run, monkeypatch):
    monkeypatch.setattr(pipeline, "register", lambda _: SOUND)
    theirs = subjects_dir / "bert/mri/transforms/talairach.xfm"
    before = theirs.read_bytes()
    case = subject_case(subjects_dir, "bert", FROM_IMAGE)
    outcome = run_case(case, lambda: predictor, Options(), run)
    assert outcome.status == "done"
    assert outcome.stats.etiv_mm3 == etiv_mm3(RAS2MNI)
    assert theirs.read_bytes() == before
    assert np.array_equal(read_transform(theirs.with_name("sclimbic.talairach.xfm")), RAS2MNI)
    back = run_case(subject_case(subjects_dir, "bert", ALL), lambda: predictor, Options(), run)
    assert back.stats.etiv_mm3 == pytest.approx(1948106 / 1.1**3)
    assert any("sclimbic.talairach.xfm is of an earlier run" in warning for warning in back.warnings)


def test_an_image_without_a_head_fails_and_leaves_nothing(tmp_path, head_file, run):
    case = image_case(head_file, tmp_path / "seg.mgz", FROM_IMAGE)
    outcome = run_case(case, never, Options(), run)
    assert outcome.status == "failed"
    assert re.match(rf"{head_file}: no upright T1-weighted head was found", outcome.message)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["head.nii.gz"]


def test_a_transform_that_mirrors_is_a_failure_and_no_number(tmp_path, head_file, run, monkeypatch):
    monkeypatch.setattr(pipeline, "register", lambda _: replace(SOUND, ras2mni=np.diag([-1.0, 1, 1, 1])))
    outcome = run_case(image_case(head_file, tmp_path / "seg.mgz", FROM_IMAGE), never, Options(), run)
    assert outcome.status == "failed"
    assert "determinant -1" in outcome.message
