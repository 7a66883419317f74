import hashlib
import os

import pytest

from fs_sclimbic.errors import ModelError
from fs_sclimbic.files.hashing import sha256_of, sha256_of_text

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
"""SHA-256 of "abc", from FIPS 180-2."""


def test_the_hash_of_a_text_and_of_a_file_with_it(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_of_text("abc") == ABC
    assert sha256_of(tmp_path / "abc") == ABC


def test_text_is_hashed_as_utf8_and_undecodable_names_as_their_bytes(tmp_path):
    (tmp_path / "name").write_bytes("Müller ".encode() + b"\xfc")
    assert sha256_of_text("Müller \udcfc") == sha256_of(tmp_path / "name")


def test_a_file_of_several_pieces(tmp_path):
    content = bytes(range(256)) * 40_000
    (tmp_path / "large").write_bytes(content)
    assert sha256_of(tmp_path / "large") == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", ["missing.h5", "folder", "pipe"])
def test_what_cannot_be_read_is_named(tmp_path, name):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelError, match=f"{name}: cannot be read"):
        sha256_of(tmp_path / name)
