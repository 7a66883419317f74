"""SHA-256 of files."""

import pytest

from fs_sclimbic.errors import ModelError
from fs_sclimbic.files.hashing import sha256_of


def test_hash(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256_of(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(ModelError, match="cannot be read"):
        sha256_of(tmp_path / "none")
