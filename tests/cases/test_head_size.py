"""eTIV of a case: read, computed, doubted, absent."""

import re
from dataclasses import replace

import numpy as np
import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.case_log import outcome_lines
from fs_sclimbic.cases.head_size import read_head_size
from fs_sclimbic.cases.images import image_case
from fs_sclimbic.cases.record import format_record, read_record
from fs_sclimbic.cases.stats_files import read_stats
from fs_sclimbic.cases.subjects import subject_case
from fs_sclimbic.cli.progress import lines_of
from fs_sclimbic.errors import TransformError
from fs_sclimbic.image.transforms import format_lta, read_transform
from fs_sclimbic.network.structure_prior import Site, StructurePrior
from fs_sclimbic.registration.etiv import etiv_mm3
from fs_sclimbic.registration.head_search import Head
from fs_sclimbic.registration.talairach import Registration, register
from fs_sclimbic.segmentation.options import Options
from tests.cohorts import never, run_one

ALL = Requests(posteriors=True, volumes=True, qa_stats=True)


def test_subject_with_etiv(subjects_dir, predictor, run):
    for name, factor in (("bert", 1.1), ("ernie", 1.2)):
        outcome = run_one(subject_case(subjects_dir, name, Requests()), lambda: predictor, run)
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
    outcome = run_one(subject_case(subjects_dir, "bert", Requests()), lambda: predictor, run)
    assert outcome.status == "failed"
    assert not list((subjects_dir / "bert/mri").glob("sclimbic*"))
    assert re.search(word, outcome.message)
    assert str(subjects_dir / "bert") in outcome.message
    passed = run_one(subject_case(subjects_dir, "bert", Requests()), lambda: predictor, run, Options(without_etiv=True))
    assert passed.status == "done"
    assert "no eTIV: " in passed.warnings[-1]
    assert "# Measure" not in (subjects_dir / "bert/stats/sclimbic.stats").read_text()


def test_no_etiv_takes_it_from_nobody_who_has_it(subjects_dir, predictor, run):
    case = subject_case(subjects_dir, "ernie", Requests())
    run_one(case, lambda: predictor, run)
    again = run_one(case, lambda: predictor, run, Options(without_etiv=True))
    assert (again.status, again.stats.etiv_mm3) == ("skipped", pytest.approx(1948106 / 1.2**3))


def test_an_implausible_etiv_is_told(subjects_dir, predictor, run):
    (subjects_dir / "bert/mri/transforms/talairach.xfm").write_text(
        "MNI Transform File\nLinear_Transform =\n2 0 0 0\n0 2 0 0\n0 0 2 0;\n"
    )
    outcome = run_one(subject_case(subjects_dir, "bert", Requests()), lambda: predictor, run)
    assert outcome.status == "done"
    assert any("intracranial volume of 244 cm^3" in warning for warning in outcome.warnings)


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ("1 0 0 0\n0 1 0 0\n0 0 1 0", "scales nothing"),
        ("1 0 0 12\n0 0.8 -0.6 -4\n0 0.6 0.8 9", "scales nothing"),
        ("1.1 0.6 0 0\n0 1.1 0 0\n0 0 1.1 0", "shears"),
        ("1.1 0 0 0\n0 1.1 0 0\n0 0 1.6 0", "stretched"),
    ],
    ids=["identity", "rigid", "shear", "stretch"],
)
def test_a_transform_of_no_head_is_doubted_and_places_nothing(subjects_dir, rows, word):
    path = subjects_dir / "bert/mri/transforms/talairach.xfm"
    path.write_text(f"MNI Transform File\nLinear_Transform =\n{rows};\n")
    head = read_head_size(subject_case(subjects_dir, "bert", Requests()), without_etiv=False)
    assert head.etiv_mm3 > 0, "the number that recon-all would give"
    assert head.ras2mni is None
    assert len(head.warnings) == 1
    assert head.warnings[0].startswith(f"{path}: ")
    assert word in head.warnings[0]


def test_a_link_without_content_is_named_unless_there_is_another_transform(subjects_dir):
    transforms = subjects_dir / "bert/mri/transforms"
    (transforms / "talairach.xfm").unlink()
    (transforms / "talairach.xfm").symlink_to("../../.git/annex/objects/xx/yy/MD5E-s1--z.xfm/MD5E-s1--z.xfm")
    case = subject_case(subjects_dir, "bert", Requests())
    with pytest.raises(TransformError, match=r"talairach\.xfm: is a git-annex link.*datalad get"):
        read_head_size(case, without_etiv=False)
    (transforms / "talairach.xfm.lta").write_text(format_lta(np.diag([1.1, 1.1, 1.2, 1])))
    assert read_head_size(case, without_etiv=False).etiv_mm3 == pytest.approx(1948106 / 1.452)


RAS2MNI = np.array([[1.1, 0.02, 0, 3], [0, 1.05, 0.2, -9], [0.01, -0.2, 1.1, 4], [0, 0, 0, 1]])
SOUND = Registration(RAS2MNI, 0.91, False, ())
DOUBTFUL = replace(SOUND, doubts=("it looks like an average head to 0.60 only (sound: 0.70)", "and so on"))
FROM_IMAGE = Requests(posteriors=True, volumes=True, qa_stats=True, etiv_from_image=True)


def test_etiv_from_the_image(tmp_path, head_file, predictor, run):
    case = image_case(head_file, tmp_path / "seg.mgz", FROM_IMAGE)
    outcome = run_one(case, lambda: predictor, run, register=lambda _: SOUND)
    assert outcome.status == "done", outcome.message
    assert outcome.stats.etiv_mm3 == etiv_mm3(RAS2MNI)
    assert np.array_equal(read_transform(tmp_path / "seg.talairach.xfm"), RAS2MNI)
    assert np.allclose(read_transform(tmp_path / "seg.talairach.lta"), RAS2MNI, rtol=1e-15)
    for text in (case.outputs.stats.read_text(), case.outputs.qa_stats.read_text()):
        assert f"TransformFile {tmp_path / 'seg.talairach.xfm'}" in text
        assert "Transform computed from the image (whole head), score 0.910" in text
        assert "doubtful" not in text
    assert not any("ETIV" in warning for warning in outcome.warnings)


def test_a_doubtful_etiv_is_kept_and_said_everywhere(tmp_path, head_file, predictor, run):
    case = image_case(head_file, tmp_path / "seg.mgz", FROM_IMAGE)
    outcome = run_one(case, lambda: predictor, run, register=lambda _: DOUBTFUL)
    assert outcome.status == "done"
    assert outcome.stats.etiv_mm3 == etiv_mm3(RAS2MNI)
    (told,) = [warning for warning in outcome.warnings if warning.startswith("ETIV (doubtful): ")]
    for words in (*DOUBTFUL.doubts, "seg.talairach.xfm", "--tal", f"{etiv_mm3(RAS2MNI) / 1000:.0f} cm^3"):
        assert words in told
    in_header = told.replace("eTIV", "intracranial volume")
    assert f"# Warning {in_header}" in case.outputs.stats.read_text()
    assert f"# Warning {in_header}" in case.outputs.qa_stats.read_text()
    assert told in read_record(case.outputs.record).warnings
    assert f"  warning: {told}" in outcome_lines(outcome)
    (flag,) = [flag for flag in outcome.flags if flag.kind == "ETIV"]
    assert flag.reason == f"eTIV is doubtful: {'; '.join(DOUBTFUL.doubts)}"
    assert flag in read_record(case.outputs.record).flags
    assert "# Flag ETIV look intracranial volume is doubtful: it looks" in case.outputs.qa_stats.read_text()
    assert ("warning", f"[1/1] head: warning: {told}") in list(lines_of(outcome, "[1/1]", False))


@pytest.mark.parametrize(("found", "origin"), [(SOUND, "the given transform"), (DOUBTFUL, "the head's place")])
def test_a_doubtful_transform_does_not_place_the_box(tmp_path, head_file, predictor, run, found, origin):
    sites = tuple(Site(s.name, (0, 0, 0), (9, 9, 9), (4, 4, 4), 700.0) for s in run.spec.colors.foreground)
    known = replace(run, spec=replace(run.spec, prior=StructurePrior(sites)))
    case = image_case(head_file, tmp_path / "seg.mgz", FROM_IMAGE)
    head = Head(RAS2MNI, 0.9)
    outcome = run_one(case, lambda: predictor, known, register=lambda _: found, locate=lambda _: head)
    placed = [note for note in outcome.notes if note.startswith("box placed by")]
    assert placed[0].startswith(f"box placed by {origin}")


def test_a_done_case_is_not_registered_again(tmp_path, head_file, predictor, run):
    case = image_case(head_file, tmp_path / "seg.mgz", FROM_IMAGE)
    first = run_one(case, lambda: predictor, run, register=lambda _: SOUND)
    again = run_one(case, never, run)
    assert (again.status, again.stats) == ("skipped", first.stats)


@pytest.mark.parametrize("change", ["average head", "xfm removed", "not asked before"])
def test_what_makes_etiv_be_computed_again(tmp_path, head_file, predictor, run, change):
    calls = []

    def register(_):
        calls.append(1)
        return SOUND

    case = image_case(head_file, tmp_path / "seg.mgz", ALL if change == "not asked before" else FROM_IMAGE)
    run_one(case, lambda: predictor, run, register=register)
    calls.clear()
    if change == "average head":
        record = read_record(case.outputs.record)
        made_otherwise = {**record.settings, "average_head_sha256": "another average"}
        case.outputs.record.write_text(format_record(replace(record, settings=made_otherwise)))
    elif change == "xfm removed":
        case.outputs.xfm.unlink()
    else:
        case = image_case(head_file, tmp_path / "seg.mgz", FROM_IMAGE)
    outcome = run_one(case, lambda: predictor, run, register=register)
    assert (outcome.status, calls) == ("done", [1])
    assert any("average head" in warning for warning in outcome.warnings) == (change != "xfm removed")


def test_nothing_is_registered_unless_asked(tmp_path, head_file, subjects_dir, predictor, run):
    for case in (image_case(head_file, tmp_path / "seg.mgz", ALL), subject_case(subjects_dir, "bert", ALL)):
        assert run_one(case, lambda: predictor, run).status == "done"
        assert case.outputs.xfm is None
    assert not list(tmp_path.rglob("*seg.talairach*"))
    assert "average_head_sha256" not in read_record(tmp_path / "seg.sclimbic.json").settings


def test_a_subject_without_a_transform_is_told_of_the_flag(subjects_dir, predictor, run):
    (subjects_dir / "bert/mri/transforms/talairach.xfm").unlink()
    outcome = run_one(subject_case(subjects_dir, "bert", Requests()), lambda: predictor, run)
    assert outcome.status == "failed"
    assert "--etiv-from-image" in outcome.message


def test_a_subjects_own_transform_is_left_alone(subjects_dir, predictor, run):
    theirs = subjects_dir / "bert/mri/transforms/talairach.xfm"
    before = theirs.read_bytes()
    case = subject_case(subjects_dir, "bert", FROM_IMAGE)
    outcome = run_one(case, lambda: predictor, run, register=lambda _: SOUND)
    assert outcome.status == "done"
    assert outcome.stats.etiv_mm3 == etiv_mm3(RAS2MNI)
    assert theirs.read_bytes() == before
    assert np.array_equal(read_transform(theirs.with_name("sclimbic.talairach.xfm")), RAS2MNI)
    bert = subject_case(subjects_dir, "bert", ALL)
    assert "another source of eTIV" in run_one(bert, never, run).message
    back = run_one(bert, lambda: predictor, run, Options(redo=True))
    assert back.stats.etiv_mm3 == pytest.approx(1948106 / 1.1**3)
    assert any("sclimbic.talairach.xfm is of an earlier run" in warning for warning in back.warnings)


def test_an_image_without_a_head_fails_and_leaves_nothing(tmp_path, head_file, run):
    case = image_case(head_file, tmp_path / "seg.mgz", FROM_IMAGE)
    outcome = run_one(case, never, run, register=register)
    assert outcome.status == "failed"
    assert re.match(rf"{head_file}: no upright T1-weighted head was found", outcome.message)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["head.nii.gz"]


def test_a_transform_that_mirrors_is_a_failure_and_no_number(tmp_path, head_file, run):
    mirroring = replace(SOUND, ras2mni=np.diag([-1.0, 1, 1, 1]))
    case = image_case(head_file, tmp_path / "seg.mgz", FROM_IMAGE)
    outcome = run_one(case, never, run, register=lambda _: mirroring)
    assert outcome.status == "failed"
    assert "determinant -1" in outcome.message
