"""Subject folders and files that users of similar tools have reported; each test names its source."""

import os

import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.cohort import run_cohort
from fs_sclimbic.cases.run import Run
from fs_sclimbic.cases.subjects import subject_case
from fs_sclimbic.image.volume import read_volume
from fs_sclimbic.segmentation.options import Options
from tests.cohorts import never, run_one

QA = Requests(qa_stats=True)


@pytest.mark.parametrize("name", ["mri/sclimbic.mgz", "stats/sclimbic.stats", "scripts/sclimbic.json"])
def test_an_output_that_is_a_dangling_link(subjects_dir, predictor, run, name):
    """nipreps/fmriprep issue 3083: cp does not write through a dangling symbolic link. The link is replaced."""
    path = subjects_dir / "bert" / name
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(subjects_dir / "gone/file")
    assert run_one(subject_case(subjects_dir, "bert", QA), lambda: predictor, run).status == "done"
    assert path.is_file()
    assert not path.is_symlink()
    assert not (subjects_dir / "gone").exists()


def test_a_folder_of_outputs_that_is_a_dangling_link(subjects_dir, run):
    """The same where stats/ itself is the link: the case fails before the network runs, and names the output."""
    (subjects_dir / "bert/stats").symlink_to(subjects_dir / "gone")
    outcome = run_one(subject_case(subjects_dir, "bert", QA), never, run)
    assert outcome.status == "failed"
    assert str(subjects_dir / "bert/stats") in outcome.message
    assert not (subjects_dir / "bert/mri/sclimbic.mgz").exists()


def test_an_annexed_input_that_is_unlocked_is_no_new_input(subjects_dir, predictor, run):
    """nipreps/fmriprep issue 1875, nipy/nipype issue 2404: all is computed again though nothing has changed."""
    t1, key = subjects_dir / "bert/mri/nu.mgz", subjects_dir / ".git/annex/objects/key.mgz"
    content = t1.read_bytes()
    key.parent.mkdir(parents=True)
    t1.rename(key)
    key.chmod(0o444)
    t1.symlink_to(os.path.relpath(key, t1.parent))
    case = subject_case(subjects_dir, "bert", QA)
    assert run_one(case, lambda: predictor, run).status == "done"
    t1.unlink()
    t1.write_bytes(content)
    assert run_one(case, never, run).status == "skipped"


def test_results_that_are_read_only_are_replaced(subjects_dir, predictor, run):
    """PeerHerholz/BIDSonym issue 23: read-only files in a folder that may be written to."""
    case = subject_case(subjects_dir, "bert", QA)
    run_one(case, lambda: predictor, run)
    for path in case.outputs.written():
        path.chmod(0o444)
    again = run_one(case, lambda: predictor, run, Options(voxel_counts=True, redo=True))
    assert again.status == "done", again.message
    assert read_volume(case.outputs.segmentation).data.any()


def test_each_subject_is_called_by_its_own_name_side_by_side(subjects_dir, predictor):
    """connectomicslab/connectomemapper3 issue 100: the first subject's name stood in the records of all."""
    names = ["bert", "ernie", "bert.long.base"]
    cases = [subject_case(subjects_dir, name, QA) for name in names]
    outcomes = list(run_cohort(cases, lambda: predictor, Options(), Run(predictor.spec, (), threads=2)))
    assert [outcome.status for outcome in outcomes] == ["done"] * 3
    for name, case in zip(names, cases, strict=True):
        for path in (case.outputs.stats, case.outputs.qa_stats):
            lines = path.read_text().splitlines()
            assert f"# subjectname {name}" in lines
            assert f"# InputFile {subjects_dir / name / 'mri/nu.mgz'}" in lines


@pytest.mark.parametrize("threads", [1, 2])
def test_a_subject_that_vanishes_while_others_run_fails_alone(subjects_dir, predictor, threads):
    """nipreps/fmriprep issue 3200: a folder of SUBJECTS_DIR is deleted by a job that runs beside."""
    cases = [subject_case(subjects_dir, name, QA) for name in ("bert", "ernie", "bert.long.base")]
    (subjects_dir / "ernie").rename(subjects_dir.parent / "elsewhere")
    outcomes = list(run_cohort(cases, lambda: predictor, Options(), Run(predictor.spec, (), threads=threads)))
    assert [outcome.status for outcome in outcomes] == ["done", "failed", "done"]
    assert str(subjects_dir / "ernie") in outcomes[1].message
    assert not (subjects_dir / "ernie").exists(), "nor is made again for its log"
