"""HDF5 files that are damaged, or ask for more than they hold."""

import io
import resource

import h5py
import numpy as np
import pytest

from fs_sclimbic.network.hdf5 import Hdf5Error, open_arrays

KERNEL = np.arange(6, dtype=np.float32).reshape(2, 3)


def h5(fill):
    """The content of a file that a function fills."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        fill(file)
    return content.getvalue()


def read(content, shape=(2, 3)):
    return open_arrays(content, {"layer": None})["layer"]["kernel"].read(shape)


@pytest.mark.parametrize("path", ["layer/layer/kernel:0", "layer/kernel", "model_weights/layer/a/b/kernel:0"])
@pytest.mark.parametrize("kind", ["f2", "f4", "f8", ">f4"])
def test_arrays_by_name_wherever_keras_puts_them(path, kind):
    found = read(h5(lambda file: file.create_dataset(path, data=KERNEL.astype(kind))))
    assert found.dtype == np.float32
    assert np.array_equal(found, KERNEL)


def test_an_array_that_asks_for_74_gb_is_not_read():
    """Nor is one of that size in a layer that is not wanted."""

    def fill(file):
        file.create_dataset("layer/kernel", (2000, 3_000_000), "f4", chunks=(100, 100))
        file.create_dataset("other/kernel", (2000, 10_000_000), "f4", chunks=(100, 100))

    content = h5(fill)
    assert len(content) < 100_000
    limits = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as status:
        now = int(status.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + (1 << 30), limits[1]))
    try:
        with pytest.raises(Hdf5Error, match=r"has shape \(2000, 3000000\), expected \(2, 3\)"):
            read(content)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


def test_arrays_that_are_not_numbers():
    with pytest.raises(Hdf5Error, match="holds int64, expected floating-point numbers"):
        read(h5(lambda file: file.create_dataset("layer/kernel", data=KERNEL.astype(int))))
    with pytest.raises(Hdf5Error, match="expected floating-point numbers"):
        read(h5(lambda file: file.create_dataset("layer/kernel", (2, 3), h5py.string_dtype())))


def test_links_to_other_files_are_not_followed(tmp_path):
    """Neither by links, nor by arrays whose values lie in another file."""
    secret = tmp_path / "secret.h5"
    secret.write_bytes(h5(lambda file: file.create_dataset("layer/kernel", data=KERNEL)))
    (tmp_path / "raw").write_bytes(KERNEL.tobytes())

    def linked(file):
        file["layer"] = h5py.ExternalLink(str(secret), "layer")

    def soft(file):
        file.create_dataset("elsewhere/kernel", data=KERNEL)
        file["layer"] = h5py.SoftLink("/elsewhere")

    for fill in (linked, soft):
        assert open_arrays(h5(fill), {"layer": None}) == {}
    outside = h5(
        lambda file: file.create_dataset("layer/kernel", (2, 3), "f4", external=[(str(tmp_path / "raw"), 0, 24)])
    )
    with pytest.raises(Hdf5Error, match="lies in another file"):
        read(outside)


def test_a_group_that_holds_itself_ends():
    def fill(file):
        group = file.create_group("layer")
        for i in range(3):
            group[f"again{i}"] = group
        group.create_dataset("kernel", data=KERNEL)

    assert np.array_equal(read(h5(fill)), KERNEL)


def test_other_content():
    for content in (b"", b"hello", b"\x89HDF\r\n\x1a\n" + b"\0" * 100):
        with pytest.raises(Hdf5Error, match="cannot be read as HDF5"):
            open_arrays(content, {"layer": None})
