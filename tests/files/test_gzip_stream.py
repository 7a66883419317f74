"""Gzip is read as Python's module reads it, and ends where gunzip ends."""

import gzip
import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_sclimbic.files.gzip_stream import GzipStream


def read_all(content, counts=(1000,)):
    stream, pieces = GzipStream(io.BytesIO(content)), []
    while piece := stream.read(counts[len(pieces) % len(counts)]):
        pieces.append(piece)
    assert stream.read(1) == b"", "it stays at its end"
    return b"".join(pieces), stream.has_other_bytes


@given(
    st.lists(st.tuples(st.binary(max_size=2000), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=4),
    st.lists(st.integers(1, 300), min_size=1, max_size=5),
)
def test_members_and_padding_are_read_as_by_python(members, counts):
    packed = b"".join(gzip.compress(content, level) + b"\0" * zeros for content, level, zeros in members)
    assert read_all(packed, counts) == (gzip.decompress(packed), False)


@pytest.mark.parametrize(
    "behind", [b"\x1f", b"\x1f\x8b", b"\x1f\x8b\x07more", b"words", b"\0\0\0words", b"\0" * 200_000 + b"w"]
)
def test_other_bytes_end_it(behind):
    assert read_all(gzip.compress(b"abc") + behind) == (b"abc", True)


def test_a_piece_is_never_longer_than_asked_for():
    stream = GzipStream(io.BytesIO(gzip.compress(bytes(1 << 20))))
    assert stream.read(0) == b""
    assert len(stream.read(5)) <= 5
    assert len(stream.read(70_000)) <= 70_000


def test_an_end_within_gzip_is_an_error_at_every_byte():
    content = bytes(range(256)) * 4
    packed = gzip.compress(content)
    for end in range(len(packed)):
        with pytest.raises(EOFError):
            read_all(packed[:end])
    second = gzip.compress(b"second")
    for end in range(3, len(second)):  # fewer bytes are no gzip
        with pytest.raises(EOFError):
            read_all(packed + second[:end])


@pytest.mark.parametrize("place", [-8, -5, -4, -1])
def test_another_checksum_or_length_is_an_error(place):
    packed = bytearray(gzip.compress(b"0123456789" * 100))
    packed[place] ^= 1
    for behind in (b"", b"words"):
        with pytest.raises(zlib.error):
            read_all(bytes(packed) + behind)
