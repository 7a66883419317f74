"""Whether the image of a finished case is still the one that it was made from."""

import os
import shutil

import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.cohort import run_cohort
from fs_sclimbic.cases.images import folder_cases
from fs_sclimbic.cases.record import read_record
from fs_sclimbic.cases.replaced_input import has_other_input, input_path
from fs_sclimbic.image.volume import write_volume
from fs_sclimbic.segmentation.options import Options

LATER_NS = 2 * 10**9


@pytest.fixture
def done(tmp_path, head, predictor, run):
    """A finished case: its record, the record's file and its image."""
    (tmp_path / "in").mkdir()
    write_volume(head, tmp_path / "in/a.mgz")
    (case,) = folder_cases(tmp_path / "in", tmp_path / "out", Requests())
    list(run_cohort([case], lambda: predictor, Options(), run))
    return read_record(case.outputs.record), case.outputs.record, case.t1


def make_older(path):
    """As if the record had been written some seconds before what comes next."""
    state = path.stat()
    os.utime(path, ns=(state.st_atime_ns - LATER_NS, state.st_mtime_ns - LATER_NS))


def test_the_image_as_it_was(done):
    record, file, image = done
    assert input_path(record) == image
    assert not has_other_input(record, file)
    make_older(file)
    os.utime(image)  # touched, or fetched again
    assert not has_other_input(record, file)


def test_another_image_under_its_name(done):
    record, file, image = done
    make_older(file)
    image.write_bytes(b"another")
    assert has_other_input(record, file)


def test_an_older_image_that_was_moved_there(done, tmp_path):
    record, file, image = done
    make_older(file)
    other = tmp_path / "other.mgz"
    other.write_bytes(b"another")
    os.utime(other, ns=(0, 0))
    shutil.move(other, image)
    assert has_other_input(record, file)


def test_a_link_that_leads_to_another_image(done, tmp_path):
    record, file, image = done
    other = tmp_path / "other.mgz"
    other.write_bytes(b"another")
    os.utime(other, ns=(0, 0))
    image.unlink()
    image.symlink_to(other)
    make_older(file)
    assert has_other_input(record, file)


def test_without_the_image_its_record_counts(done):
    record, file, image = done
    image.unlink()
    assert not has_other_input(record, file)
