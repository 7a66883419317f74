"""Whether the input files of a case still hold what was hashed."""

import os

import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.inputs import check_unchanged, input_files, newest_change_ns, states_of
from fs_sclimbic.cases.subjects import subject_case
from fs_sclimbic.errors import ImageError
from fs_sclimbic.files.hashing import sha256_of


@pytest.fixture
def case(subjects_dir):
    return subject_case(subjects_dir, "bert", Requests())


def inputs_of(case):
    states = states_of(case)
    return input_files(states, {path: sha256_of(path) for path in states})


def test_files_that_exist_are_looked_at(case):
    assert list(states_of(case)) == [case.t1, case.transforms[0]]
    check_unchanged(inputs_of(case))


def replace(path, content):
    """Another file in a file's place, of the same time."""
    other, found = path.with_name("other"), path.stat()
    other.write_bytes(content)
    os.utime(other, ns=(found.st_atime_ns, found.st_mtime_ns))
    other.rename(path)


CHANGES = {
    "removed": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b" "),
    "other content of the same size": lambda path: path.write_bytes(b"x" * path.stat().st_size),
    "replaced by another of the same size and time": lambda path: replace(path, b"x" * path.stat().st_size),
}


@pytest.mark.parametrize("number", [0, 1], ids=["T1", "transform"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_seen(case, change, number):
    inputs = inputs_of(case)
    change(inputs[number].path)
    with pytest.raises(ImageError, match="was changed while it was read or segmented; run this case again"):
        check_unchanged(inputs)


EQUAL = {
    "touched": lambda path: os.utime(path, (0, 0)),
    "replaced by an equal file": lambda path: replace(path, path.read_bytes()),
    "written again": lambda path: path.write_bytes(path.read_bytes()),
}


@pytest.mark.parametrize("number", [0, 1], ids=["T1", "transform"])
@pytest.mark.parametrize("change", EQUAL.values(), ids=EQUAL)
def test_equal_content_is_no_change(case, change, number):
    """touch, rsync and datalad during a night must not cost the results."""
    inputs = inputs_of(case)
    change(inputs[number].path)
    check_unchanged(inputs)


def test_files_that_are_not_used_may_change(case):
    inputs = input_files(states_of(case), {case.t1: sha256_of(case.t1)})
    case.transforms[0].unlink()
    check_unchanged(inputs)


def test_a_file_that_came_after_the_first_look_is_told_by_its_hash(case):
    (file,) = input_files({}, {case.t1: sha256_of(case.t1)})
    check_unchanged([file])
    case.t1.write_bytes(b"other")
    with pytest.raises(ImageError, match="was changed"):
        check_unchanged([file])


def test_the_newest_change(case):
    os.utime(case.t1, ns=(7, 7))
    os.utime(case.transforms[0], ns=(9, 9))
    assert newest_change_ns(inputs_of(case)) == 9
    assert newest_change_ns(input_files({}, {case.t1: ""})) == newest_change_ns(()) == 0
