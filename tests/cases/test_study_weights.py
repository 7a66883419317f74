"""All tasks of a study use the weights of its first run."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from fs_sclimbic.cases.record import Record
from fs_sclimbic.cases.study_weights import claim_study, read_study_weights, weights_file
from fs_sclimbic.errors import UsageError
from fs_sclimbic.network.store import PUBLISHED_SHA256, SHIPPED
from fs_sclimbic.segmentation.measure import SegStats
from tests.cohorts import never


@pytest.fixture
def path(tmp_path):
    return weights_file(tmp_path / "out/sclimbic")


def with_weights(run, sha256, **of_spec):
    return replace(run, spec=replace(run.spec, sha256=sha256, **of_spec))


def made_with(*hashes):
    """Names and records of other cases."""
    records = [Record({"weights_sha256": sha256}, SegStats((), 1.0), (), {}) for sha256 in hashes]
    return lambda: [(f"case{number}", record) for number, record in enumerate(records)]


def test_the_first_run_decides(path, run):
    claim_study(path, run, made_with())
    assert path.name == "sclimbic_weights.txt"
    assert read_study_weights(path).sha256 == run.spec.sha256
    claim_study(path, run, never)
    with pytest.raises(UsageError, match="this study was begun with other weights"):
        claim_study(path, with_weights(run, "other"), made_with())
    assert sorted(os.listdir(path.parent)) == ["sclimbic_weights.txt"]


def test_redo_decides_anew_where_no_other_case_is_left(path, run):
    claim_study(path, run, made_with())
    other = with_weights(run, "other")
    with pytest.raises(UsageError, match="1 of 2 other cases of this study was made with other weights"):
        claim_study(path, other, made_with("other", run.spec.sha256), redo=True)
    claim_study(path, other, made_with(), redo=True)
    assert read_study_weights(path).sha256 == "other"


def test_results_of_an_earlier_version_decide_too(path, run):
    with pytest.raises(UsageError, match="1 of 1 other cases of this study was made with other weights"):
        claim_study(path, run, made_with("other"))
    claim_study(path, run, made_with(run.spec.sha256))
    assert read_study_weights(path).sha256 == run.spec.sha256


def test_shipped_weights_that_were_not_asked_for(path, run):
    claim_study(path, with_weights(run, PUBLISHED_SHA256), made_with())
    with pytest.raises(UsageError, match="set FREESURFER_HOME"):
        claim_study(path, with_weights(run, "x", origin=SHIPPED), made_with())
    with pytest.raises(UsageError, match="set FREESURFER_HOME"):
        claim_study(path, with_weights(run, "x", origin=SHIPPED), made_with(PUBLISHED_SHA256))


@pytest.mark.parametrize("content", ["", "weights", "sha256 a\n", "\xff\n weights\n"])
def test_a_file_that_says_nothing_is_written_again(path, run, content):
    path.parent.mkdir()
    path.write_text(content)
    assert read_study_weights(path) is None
    claim_study(path, run, made_with())
    assert read_study_weights(path)


def test_a_folder_that_cannot_be_written_to_is_looked_at(path, run, monkeypatch):
    def refuse(where, *_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(where))

    monkeypatch.setattr(os, "open", refuse)
    claim_study(path, run, made_with(run.spec.sha256))
    with pytest.raises(UsageError, match="other weights"):
        claim_study(path, run, made_with("other"))


def test_of_tasks_that_start_at_once_one_decides(path, run):
    together = Barrier(6)

    def claim(number):
        together.wait()
        try:
            claim_study(path, with_weights(run, str(number % 2)), made_with())
        except UsageError:
            return None
        return str(number % 2)

    with ThreadPoolExecutor(6) as pool:
        passed = {sha256 for sha256 in pool.map(claim, range(6)) if sha256}
    assert passed == {read_study_weights(path).sha256}
