"""Headers of .mgh and .mgz as FreeSurfer and others write them."""

import gzip

import nibabel as nib
import numpy as np
import pytest
import surfa
from scipy.spatial.transform import Rotation

from fs_sclimbic.errors import ImageError
from fs_sclimbic.files.content import ContentError
from fs_sclimbic.image.mgh import DATA_OFFSET, HEADER, read_mgh_header, read_repetition_time_ms
from fs_sclimbic.image.volume import read_volume, write_volume
from tests.conftest import grid_about

OBLIQUE = Rotation.from_euler("xyz", [20, -12, 8], degrees=True).as_matrix()
SHAPE = (7, 8, 9)


def content(dtype=np.float32, **fields):
    """An .mgh with other fields in its header."""
    made = nib.MGHImage(
        np.arange(504).reshape(SHAPE).astype(dtype), grid_about([3, -11, 7], SHAPE, OBLIQUE, (0.9, 1, 1.2)).vox2ras
    )
    made.header["tr"] = 2300
    changed = bytearray(made.to_bytes())
    header = np.ndarray((), HEADER, changed)
    for field, value in fields.items():
        header[field] = value
    return bytes(changed)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32])
def test_read_as_nibabel_reads_it(tmp_path, dtype):
    (tmp_path / "x.mgh").write_bytes(content(dtype))
    found, expected = read_volume(tmp_path / "x.mgh"), nib.load(tmp_path / "x.mgh")
    assert found.data.dtype == np.asanyarray(expected.dataobj).dtype
    assert np.array_equal(found.data, expected.dataobj)
    assert np.allclose(found.grid.vox2ras, expected.affine, atol=1e-4)
    assert not found.notes


def test_the_meaning_that_new_versions_store_beside_the_version(tmp_path):
    """FreeSurfer 8 keeps the intent of an image in the upper bytes; nibabel refuses it."""
    (tmp_path / "x.mgh").write_bytes(content(version=(2 << 8) | 1))
    assert read_volume(tmp_path / "x.mgh").data.max() == 503


def test_without_orientation_it_is_coronal_as_for_freesurfer(tmp_path, monkeypatch):
    """nibabel takes it for LSP: upside down and back to front."""
    monkeypatch.setattr(np, "fromstring", lambda text, dtype=float, **_: np.frombuffer(text, dtype).copy())
    (tmp_path / "x.mgh").write_bytes(content(good_ras=0))
    grid = read_volume(tmp_path / "x.mgh").grid
    assert not grid.oriented
    assert grid.orientation == "LIA"
    assert np.array_equal(grid.vox2ras, surfa.load_volume(str(tmp_path / "x.mgh")).geom.vox2world.matrix)


REFUSED = {
    "version": ({"version": 7}, "version field 7, expected 1"),
    "dimension of 0": ({"dims": [7, 0, 9, 1]}, "dimension of 0"),
    "negative dimension": ({"dims": [7, -8, 9, 1]}, "dimension of -8"),
    "no frame": ({"dims": [7, 8, 9, 0]}, "dimension of 0"),
    "frames": ({"dims": [7, 4, 9, 2]}, "expected one frame, found 2"),
    "large": ({"dims": [30000, 30000, 30000, 1]}, "do not fit into a file of"),
    "64-bit integers": ({"type": 2}, "type 2 (64-bit integers)"),
    "colours": ({"type": 9}, "type 9 (colours)"),
    "unknown type": ({"type": 411}, "type 411 (unknown)"),
    "no size": ({"delta": [0, 1, 1]}, "singular"),
    "negative size": ({"delta": [-1, 1, 1]}, "contradicts itself"),
    "size that is no number": ({"delta": [np.nan, 1, 1]}, "singular"),
    "direction that is no number": ({"directions": np.full((3, 3), np.inf)}, "singular"),
    "metres": ({"delta": [0.001, 0.001, 0.001]}, "must be mm"),
    "far away": ({"center_ras": [0, 1e30, 0]}, "mm from the scanner's centre"),
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("name", ["x.mgh", "x.mgz"])
def test_a_header_of_no_head_is_one_line_once(tmp_path, what, name, capfd):
    fields, word = REFUSED[what]
    path, made = tmp_path / name, content(**fields)
    path.write_bytes(gzip.compress(made) if name.endswith("z") else made)
    with pytest.raises(ImageError) as error:
        read_volume(path)
    assert str(error.value).startswith(f"{path}: ")
    assert word in str(error.value)
    assert "\n" not in str(error.value)
    assert capfd.readouterr() == ("", ""), "no raw line of a library"


@pytest.mark.parametrize("length", [0, 20, DATA_OFFSET - 1])
def test_a_header_that_is_cut_off(length):
    with pytest.raises(ContentError, match=f"cut off: {length} bytes found, the header has 284"):
        read_mgh_header(content()[:length])


@pytest.mark.parametrize("name", ["y.mgz", "y.nii.gz"])
def test_repetition_time_is_kept(tmp_path, name):
    (tmp_path / "x.mgh").write_bytes(content())
    write_volume(read_volume(tmp_path / "x.mgh"), tmp_path / name)
    assert read_volume(tmp_path / name).grid.repetition_time_ms == pytest.approx(2300)


@pytest.mark.parametrize("footer", [b"", b"\0" * 7, b"\x7f\xc0\0\0" + bytes(16), b"\xc5\0\0\0" + bytes(16)])
def test_a_footer_without_repetition_time(footer):
    assert read_repetition_time_ms(footer) == 0


def test_a_file_without_footer_is_read(tmp_path):
    (tmp_path / "x.mgh").write_bytes(content()[: DATA_OFFSET + 4 * 504])
    assert read_volume(tmp_path / "x.mgh").data.max() == 503
