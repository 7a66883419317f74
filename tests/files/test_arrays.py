"""Files of arrays that are damaged, or claim more than they hold."""

import io
import zipfile

import numpy as np
import pytest

from fs_sclimbic.files.arrays import read_arrays
from fs_sclimbic.files.content import ContentError
from tests.mutations import mutations

GOOD = {"a": np.arange(12, dtype=np.float32).reshape(3, 4), "b": np.array("text")}


def npz(arrays):
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def test_round_trip(tmp_path):
    path = tmp_path / "x.npz"
    path.write_bytes(npz(GOOD))
    file = read_arrays(path, noun="checkpoint")
    assert file.names == ["a", "b"]
    assert np.array_equal(file.read("a"), GOOD["a"])
    assert str(file.read("b")) == "text"
    with pytest.raises(ContentError, match="holds no array c"):
        file.read("c")


def test_a_header_that_claims_more_than_the_file_holds(tmp_path):
    header = io.BytesIO()
    claim = {"descr": "<f4", "fortran_order": False, "shape": (2000, 10_000_000)}
    np.lib.format.write_array_header_1_0(header, claim)
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("a.npy", header.getvalue() + b"\0" * 64)
    with pytest.raises(ContentError, match=r"claims shape \(2000, 10000000\)"):
        read_arrays(tmp_path / "x.npz", noun="checkpoint").read("a")


def test_no_code_is_run(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.array([print], dtype=object))
    with pytest.raises(ContentError, match="array a is damaged"):
        read_arrays(tmp_path / "x.npz", noun="checkpoint").read("a")


def test_damage_is_our_error(tmp_path):
    path, messages = tmp_path / "x.npz", []
    for damaged in mutations(npz(GOOD), 300):
        path.write_bytes(damaged)
        try:
            file = read_arrays(path, noun="checkpoint")
            messages += [file.read(name).dtype.name for name in ("a", "b")]
        except ContentError as error:
            messages.append(str(error))
    assert len(set(messages)) > 5
    assert not any("\n" in message for message in messages)
