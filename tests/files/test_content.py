"""What is no file with content says what it is, at once; compressed or not, what is read is bounded."""

import errno
import gzip
import os
import socket
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_sclimbic.files.content import (
    ContentError,
    check_content,
    describe_unreadable,
    find_problem,
    open_content,
    quote_text,
    read_small_file,
)
from tests.conftest import ROOT

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"


def make(folder):
    """One of each kind."""
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket"))
    (folder / "empty").touch()
    (folder / "annexed").symlink_to(".git/annex/objects/zq/0k/SHA256E-s6--ab/SHA256E-s6--ab")
    (folder / "dangling").symlink_to("elsewhere/t1.nii.gz")
    (folder / "loop").symlink_to("loop")
    (folder / "lfs").write_text(LFS)
    (folder / "unlocked").write_text("/annex/objects/SHA256E-s6--ab\n")
    (folder / "file").write_text("")


KINDS = {
    "folder": "is not a file but a folder",
    "pipe": "is not a file but a named pipe",
    "socket": "is not a file but a socket",
    "empty": "0 bytes",
    "annexed": "git-annex link whose content is not here: get it first (datalad get annexed)",
    "dangling": "is a link to elsewhere/t1.nii.gz, which does not exist",
    "loop": "cannot be read",
    "lfs": "Git LFS pointer whose content is not here: get it first (git lfs pull)",
    "unlocked": "git-annex pointer whose content is not here",
    "none": "image does not exist",
    "file/below": "image cannot be read (Not a directory)",
    "nul\0": "cannot be read",
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_says_what_it_is(tmp_path, name):
    make(tmp_path)
    problem = find_problem(f"{tmp_path}/{name}", "image")
    assert problem.startswith(f"{tmp_path}/{name}: ")
    assert KINDS[name] in problem
    assert problem.count("\n") == 0
    with pytest.raises(ContentError):
        check_content(f"{tmp_path}/{name}", "image")


def test_a_device_is_not_read():
    with pytest.raises(ContentError, match="a device"), open_content("/dev/zero"):
        pass


def test_a_file_with_content_and_a_link_to_one_have_no_problem(tmp_path):
    (tmp_path / "t1").write_bytes(b"x")
    (tmp_path / "link").symlink_to("t1")
    assert find_problem(tmp_path / "t1", "image") is None
    assert find_problem(tmp_path / "link", "image") is None


def test_an_unreadable_file_is_named(tmp_path):
    if os.getuid() == 0:
        pytest.skip("root may read all")
    (tmp_path / "t1").write_bytes(b"x")
    (tmp_path / "t1").chmod(0)
    assert "Permission denied" in find_problem(tmp_path / "t1", "image")


@given(st.binary(min_size=1, max_size=3000), st.lists(st.integers(1, 900), max_size=6))
def test_compressed_and_plain_content_is_the_same(tmp_path_factory, content, pieces):
    folder = tmp_path_factory.mktemp("content")
    (folder / "plain").write_bytes(b"P" + content)
    (folder / "packed").write_bytes(gzip.compress(b"P" + content))
    (folder / "members").write_bytes(gzip.compress(b"P" + content[:7]) + gzip.compress(content[7:]))
    found = []
    for name in ("plain", "packed", "members"):
        with open_content(folder / name) as reader:
            assert reader.compressed == (name != "plain")
            parts = [reader.read(count) for count in pieces]
            rest = bytearray(4000)
            filled = reader.fill(memoryview(rest))
            assert reader.check_end()
            found.append((parts, bytes(rest[:filled])))
            assert reader.max_bytes >= len(content) + 1
    assert found[0] == found[1] == found[2]
    assert b"".join(found[0][0]) + found[0][1] == b"P" + content


def test_skipping_stops_at_the_end(tmp_path):
    (tmp_path / "x").write_bytes(b"0123456789")
    with open_content(tmp_path / "x") as reader:
        reader.skip(4)
        assert reader.read(2) == b"45"
        reader.skip(10**12)
        assert reader.read(5) == b""


def test_a_wrong_checksum_and_a_missing_end_are_told_apart(tmp_path):
    packed = gzip.compress(b"0123456789" * 100)
    (tmp_path / "wrong").write_bytes(packed[:-8] + bytes([packed[-8] ^ 1]) + packed[-7:])
    (tmp_path / "missing").write_bytes(packed[:-8])
    with open_content(tmp_path / "missing") as reader:
        assert len(reader.read(1000)) == 1000
        assert not reader.check_end()
    with open_content(tmp_path / "wrong") as reader:
        reader.read(999)
        with pytest.raises(ContentError, match="damaged"):
            reader.check_end()


def test_reading_a_bomb_takes_the_memory_of_what_is_asked_for(tmp_path):
    """10 GB of zeros in 10 MB: a piece of it is read in little memory."""
    (tmp_path / "bomb").write_bytes(gzip.compress(bytes(1 << 28)) * 40)
    code = (
        "import resource, sys; from fs_sclimbic.files.content import open_content\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))\n"
        "with open_content(sys.argv[1]) as reader:\n    print(len(reader.read(1 << 20)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "bomb")], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{1 << 20}\n"


def test_a_small_file_is_read_and_a_large_one_refused(tmp_path):
    (tmp_path / "small.xfm").write_bytes(b"abc")
    (tmp_path / "large.xfm").write_bytes(bytes(2 << 20))
    assert read_small_file(tmp_path / "small.xfm", noun="transform") == b"abc"
    with pytest.raises(ContentError, match="larger than 1 MB, which no transform is"):
        read_small_file(tmp_path / "large.xfm", noun="transform", max_bytes=1 << 20)


def test_the_output_of_a_command_is_read_up_to_a_size():
    """What a shell writes as ``--ctab <(command)``."""
    for size in (5000, 5001):
        reading, writing = os.pipe()
        os.write(writing, bytes(size))
        os.close(writing)
        try:
            if size == 5000:
                assert read_small_file(f"/dev/fd/{reading}", noun="colour table", max_bytes=5000) == bytes(5000)
            else:
                with pytest.raises(ContentError, match="which no colour table is"):
                    read_small_file(f"/dev/fd/{reading}", noun="colour table", max_bytes=5000)
        finally:
            os.close(reading)


def test_a_device_or_a_folder_at_a_descriptor_is_still_none(tmp_path):
    for path in ("/dev/null", tmp_path):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            with pytest.raises(ContentError, match=r"is not a file but a (device|folder)"):
                read_small_file(f"/dev/fd/{descriptor}", noun="colour table")
        finally:
            os.close(descriptor)


def test_quoted_text_is_one_line_that_a_terminal_does_not_obey():
    assert quote_text("a\n\x1b[31mred\x07  b") == "'a ?[31mred? b'"
    assert quote_text("x" * 100, 10) == "'xxxxxxxxxx...'"


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EACCES, "cannot be read (Permission denied); change the permissions of the file or its folders"),
        (errno.ESTALE, "; check the disk or its mount, and run this again"),
        (errno.ELOOP, "cannot be read (Too many levels of symbolic links)"),
    ],
)
def test_an_unreadable_file_is_told_with_what_to_do(number, advice):
    assert advice in describe_unreadable(OSError(number, os.strerror(number)))
