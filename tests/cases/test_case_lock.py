"""One run at a time works on a case."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import replace

import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.case_lock import HeldCases, lock_path, remove_left_lock, wait_for_case
from fs_sclimbic.cases.images import image_case
from fs_sclimbic.cases.subjects import subject_case
from fs_sclimbic.files.owner_lock import HeldElsewhereError
from tests.cohorts import hold_case


@pytest.fixture
def case(tmp_path, head_file):
    return image_case(head_file, tmp_path / "out/seg.mgz", Requests())


def test_the_lock_lies_beside_the_record(tmp_path, case):
    assert lock_path(case) == tmp_path / "out/.seg.sclimbic.json.lock"


def test_a_name_as_long_as_a_file_system_takes(case):
    record = case.outputs.record.with_name("é" * 120 + ".json")
    named = replace(case, outputs=replace(case.outputs, record=record))
    with hold_case(named):
        assert len(os.fsencode(lock_path(named).name)) < 100


def test_held_once(case):
    with hold_case(case), pytest.raises(HeldElsewhereError), hold_case(case):
        pass
    with hold_case(case):
        pass
    assert not case.outputs.record.parent.exists()


def test_what_a_run_holds_is_released_with_it(case):
    with HeldCases() as held:
        held.take(case)
        held.release(case)
        held.release(case)
        held.take(case)
        assert lock_path(case).exists()
    assert not lock_path(case).exists()


@pytest.mark.parametrize(("number", "passes"), [(errno.EROFS, True), (errno.EACCES, True), (errno.ENOSPC, False)])
def test_a_folder_that_cannot_be_written_to(case, number, passes, monkeypatch):
    def refuse(path, *_):
        raise OSError(number, os.strerror(number), str(path))

    case.outputs.record.parent.mkdir()
    with HeldCases() as held:
        monkeypatch.setattr(os, "open", refuse)
        if passes:
            assert held.take(case) is None
        else:
            with pytest.raises(OSError, match="No space left"):
                held.take(case)


def test_waiting_ends_with_the_lock(case):
    wait_for_case(case)
    with hold_case(case), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait_for_case, case, poll_s=0.01)
        with pytest.raises(NotYet):
            waiting.result(0.1)
        lock_path(case).unlink()
        waiting.result(60)


def test_the_lock_of_a_run_that_was_killed_is_removed(case, tmp_path):
    path = lock_path(case)
    path.parent.mkdir()
    path.touch()
    remove_left_lock(case)
    assert path.exists(), "it may be just starting"
    os.utime(path, (0, 0))
    staged = path.with_name(f".sclimbic-{2**22 + 1}-{'0' * 16}.tmp")
    staged.touch()
    os.utime(staged, (0, 0))
    remove_left_lock(case)
    assert not path.exists()
    assert not staged.exists()


def test_a_subject_that_recon_all_works_on_is_waited_for_if_asked(subjects_dir):
    case = subject_case(subjects_dir, "bert", Requests())
    case.scripts.mkdir()
    (case.scripts / "IsRunning.lh+rh").touch()
    wait_for_case(case)
