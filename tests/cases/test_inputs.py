import os

import pytest

from fs_sclimbic.cases.case import Requests
from fs_sclimbic.cases.inputs import check_unchanged, newest_change_ns, states_of
from fs_sclimbic.cases.subjects import subject_case
from fs_sclimbic.errors import ImageError


@pytest.fixture
def case(subjects_dir):
    return subject_case(subjects_dir, "bert", Requests())


def test_files_that_exist_are_looked_at(case):
    assert [state.path for state in states_of(case)] == [case.t1, case.transforms[0]]
    check_unchanged(states_of(case))


def replaced(path):
    """A file of the same content, size and time."""
    other, found = path.with_name("other"), path.stat()
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(found.st_atime_ns, found.st_mtime_ns))
    other.rename(path)


CHANGES = {
    "removed": lambda path: path.unlink(),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b" "),
    "other time": lambda path: os.utime(path, (0, 0)),
    "replaced": replaced,
}


@pytest.mark.parametrize("number", [0, 1], ids=["T1", "transform"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_seen(case, change, number):
    states = states_of(case)
    change(states[number].path)
    with pytest.raises(ImageError, match="was changed while it was read or segmented; run this case again"):
        check_unchanged(states)


def test_the_newest_change(case):
    os.utime(case.t1, ns=(7, 7))
    os.utime(case.transforms[0], ns=(9, 9))
    assert newest_change_ns(states_of(case)) == 9
    assert newest_change_ns(()) == 0
