import os
import unicodedata
from pathlib import Path

import pytest

from fs_sclimbic.errors import DesignError, TableError
from fs_sclimbic.group.design.contrast import read_contrast
from fs_sclimbic.group.design.fsgd import read_fsgd
from fs_sclimbic.group.design.matrix_files import read_design_matrix, read_frames, read_weights
from fs_sclimbic.group.tables.measures import MEASURES
from fs_sclimbic.group.tables.stats_paths import StatsFile
from fs_sclimbic.group.tables.stats_values import read_many
from fs_sclimbic.group.tables.subject_lists import read_subjects_file
from fs_sclimbic.group.text_files import (
    MAX_FILE_BYTES,
    displayable,
    finite_number,
    is_whole_number,
    name_key,
    read_cells,
    same_names,
)
from fs_sclimbic.group.text_table import read_group_table


def test_comments_leave_the_line_numbers(write):
    rows = read_cells(write("# x,y\nfsid age\n#sub-1 2\nsub-2 3\n"), comment="#")
    assert [(row.line, row.cells) for row in rows] == [(2, ("fsid", "age")), (4, ("sub-2", "3"))]


def raw(text, encoding):
    """A name as it is read from a file in another encoding."""
    return text.encode(encoding).decode("utf-8", "surrogateescape")


def test_names_meet_whatever_their_bytes():
    composed, decomposed = (unicodedata.normalize(form, "Müller") for form in ("NFC", "NFD"))
    windows = raw("Müller", "cp1252")
    assert len({composed, decomposed, windows}) == 3
    assert {name_key(name) for name in (composed, decomposed, windows)} == {composed}
    for wanted in (composed, decomposed, windows):
        for there in (composed, decomposed, windows):
            assert same_names([wanted, "bert"], ["x", there, "bert"]) == {wanted: there, "bert": "bert"}
    assert same_names([composed], [decomposed, windows]) == {}  # either may be meant
    assert same_names([composed], [decomposed, composed]) == {composed: composed}
    assert same_names(["Muller"], [composed]) == {}
    # Two names that are wanted never become one.
    assert same_names([composed, decomposed], [composed]) == {composed: composed}
    assert same_names([decomposed, windows], [composed]) == {}


def test_bytes_are_shown_as_windows_writes_them():
    assert displayable(raw("Müller €", "cp1252")) == "Müller €"
    assert displayable("Müller") == "Müller"
    assert displayable("a\udc81") == "a?"
    assert displayable("\ud800") == "\ud800"


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e100", 1e100), ("-1e100", -1e100), ("1.1e100", None), ("1e999", None), ("\u0661", None), ("12abc", None)],
)
def test_numbers_are_those_that_can_be_squared(text, value):
    assert finite_number(text) == value


@pytest.mark.parametrize(
    ("text", "is_so"), [("26", True), ("0", True), ("", False), ("\u00b2", False), ("2147483648", False), ("-1", False)]
)
def test_whole_numbers(text, is_so):
    assert is_whole_number(text) is is_so


READERS = {
    "table": (read_group_table, TableError),
    "fsgd": (read_fsgd, DesignError),
    "contrast": (lambda path: read_contrast(path, ["A"]), DesignError),
    "matrix": (read_design_matrix, DesignError),
    "weights": (lambda path: read_weights(path, 3), DesignError),
    "frames": (read_frames, DesignError),
    "subjects": (read_subjects_file, TableError),
    "stats": (lambda path: read_many([StatsFile("a", Path(path))], MEASURES["volume"]), TableError),
}


@pytest.mark.parametrize("reader", READERS)
def test_other_kinds_of_files_are_named_at_once(tmp_path, reader):
    read, error = READERS[reader]
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "annexed").symlink_to(".git/annex/objects/xx/yy/MD5E-s5--0.tsv/MD5E-s5--0.tsv")
    (tmp_path / "pointer").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n")
    with open(tmp_path / "large", "wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    for name, words in {
        "pipe": "is not a file but a named pipe",
        "annexed": "is a git-annex link whose content is not here",
        "pointer": "is a Git LFS pointer whose content is not here",
        "large": "found 1.1 GB",
    }.items():
        with pytest.raises(error, match=f"{name}: .*{words}"):
            read(tmp_path / name)
    with pytest.raises(error, match="is not a file but a device"):
        read("/dev/zero")


def test_the_output_of_a_command_is_read():
    """What a shell writes as ``--subjectsfile <(command)``."""
    reading, writing = os.pipe()
    os.write(writing, b"s1\ns2\n")
    os.close(writing)
    try:
        assert [one.name for one in read_subjects_file(f"/dev/fd/{reading}")] == ["s1", "s2"]
    finally:
        os.close(reading)
