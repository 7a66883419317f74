"""NIfTI headers as programs write them: read as the standard says, or refused in one line."""

import gzip
import struct

import nibabel as nib
import numpy as np
import pytest
import surfa
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from fs_sclimbic.errors import ImageError
from fs_sclimbic.files.content import ContentError
from fs_sclimbic.image.grid import Grid, Volume
from fs_sclimbic.image.labels import ColorTable, Structure, read_ctab
from fs_sclimbic.image.nifti import read_nifti_header
from fs_sclimbic.image.volume import encode_volume, read_volume, write_volume
from tests.conftest import grid_about

OBLIQUE = Rotation.from_euler("xyz", [20, -12, 8], degrees=True).as_matrix()
SHAPE = (7, 8, 9)
VALUES = np.arange(504, dtype=np.int16).reshape(SHAPE)


def image(axes=OBLIQUE, sizes=(0.9, 1.0, 1.2), qform=1, sform=2, kind=nib.Nifti1Image):
    vox2ras = grid_about([3, -11, 7], SHAPE, axes, sizes).vox2ras
    made = kind(VALUES, vox2ras)
    made.set_qform(vox2ras, qform)
    made.set_sform(vox2ras, sform)
    made.header.set_xyzt_units("mm", "sec")
    return made


def written(tmp_path, made, name="x.nii", **fields):
    """The image as a file with other fields in its header, which nibabel would not write."""
    content = bytearray(made.to_bytes())
    header = np.ndarray((), made.header.template_dtype, content)
    content[header.itemsize] = fields.pop("extender", 0)
    for field, value in fields.items():
        header[field] = value
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    return path


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize(("qform", "sform"), [(1, 2), (0, 4), (1, 0), (0, 0)])
def test_read_as_nibabel_reads_it(tmp_path, kind, qform, sform):
    path = written(tmp_path, image(qform=qform, sform=sform, kind=kind))
    found, expected = read_volume(path), nib.load(path)
    assert np.array_equal(found.data, expected.dataobj)
    assert np.array_equal(found.grid.vox2ras, expected.affine)
    assert found.grid.xform_codes == (qform, sform)
    assert found.grid.oriented == bool(qform or sform)
    assert not found.notes


@given(
    st.sampled_from([np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64]),
    st.sampled_from("<>"),
    st.sampled_from([(1, 0), (0.5, 10), (3e-4, -1.25), (0, 7), (float("nan"), 0), (1e30, 0)]),
)
def test_every_type_order_and_scaling_gives_nibabels_bits(tmp_path_factory, dtype, order, scaling):
    header = nib.Nifti1Header(endianness=order)
    header.set_data_dtype(dtype)
    made = nib.Nifti1Image(VALUES.astype(dtype), np.eye(4), header)
    path = written(tmp_path_factory.mktemp("type"), made, scl_slope=scaling[0], scl_inter=scaling[1])
    expected = np.asanyarray(nib.load(path).dataobj)
    found = read_volume(path).data
    assert found.dtype == expected.dtype
    assert np.array_equal(found, expected)


def test_an_intercept_that_is_no_number_is_refused(tmp_path):
    path = written(tmp_path, image(), scl_slope=2, scl_inter=np.nan)
    with pytest.raises(ImageError, match="scl_inter is nan"):
        read_volume(path)


@pytest.mark.parametrize("turn", [(180, 0, 0), (180, 45, 10), (0, 180, 0), (179.999, 3, 0)])
@pytest.mark.parametrize("excess", [1 + 2e-7, 1 + 1e-6])
def test_a_quaternion_that_is_a_hair_too_long(tmp_path, turn, excess):
    """Half turns have w = 0; float32 rounding makes the other three longer than 1. nibabel refuses such files."""
    axes = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
    for sform in (2, 0):
        made = image(axes=axes, sform=sform)
        long = {name: made.header[name] * np.float32(excess) for name in ("quatern_b", "quatern_c", "quatern_d")}
        found = read_volume(written(tmp_path, made, **long)).grid
        expected = image(axes=axes).affine
        assert np.allclose(found.vox2ras, expected, atol=0.02 if sform == 0 else 1e-5)
        assert found.xform_codes == (1, sform)
        if sform:
            assert np.allclose(found.qform2ras, expected, atol=0.02)


def test_a_half_turn_whose_quaternion_is_longer_by_a_part_in_500(tmp_path):
    half_turn = {"quatern_b": 1.002, "quatern_c": 0, "quatern_d": 0}
    found = read_volume(written(tmp_path, image(axes=np.diag([1.0, -1, -1]), sform=0), **half_turn)).grid
    assert found.orientation == "RPI"
    assert np.allclose(found.vox2ras, image(axes=np.diag([1.0, -1, -1])).affine, atol=1e-4)


def test_a_quaternion_that_is_no_rotation(tmp_path):
    wrong = {"quatern_b": 2.0, "quatern_c": 0.5}
    with pytest.raises(ImageError, match=r"quaternion has length 2\.\d+, expected 1 at most"):
        read_volume(written(tmp_path, image(sform=0), **wrong))
    found = read_volume(written(tmp_path, image(sform=4), **wrong))
    assert np.allclose(found.grid.vox2ras, image().affine)
    assert found.grid.xform_codes == (4, 4)
    assert "sform is used for both" in found.notes[0]
    write_volume(found, tmp_path / "y.nii")
    assert np.allclose(nib.load(tmp_path / "y.nii").get_qform(), image().affine, atol=1e-4)


@pytest.mark.parametrize("pixdim", [(0, 0, 0), (np.nan, 1, 1), (np.inf, 1, 1)])
def test_pixdim_without_a_size_is_taken_from_the_sform(tmp_path, pixdim, capfd):
    made = image()
    found = read_volume(written(tmp_path, made, pixdim=[1, *pixdim, 0, 0, 0, 0]))
    assert np.allclose(found.grid.voxel_size_mm, (0.9, 1, 1.2), atol=1e-6)
    assert "the sform's is used" in found.notes[0]
    with pytest.raises(ImageError, match=r"pixdim .* is no voxel size, and no sform"):
        read_volume(written(tmp_path, image(sform=0), pixdim=[1, *pixdim, 0, 0, 0, 0]))
    assert capfd.readouterr() == ("", ""), "no raw line of a library"


def test_negative_pixdim_is_read_by_its_size(tmp_path, capfd):
    found = read_volume(written(tmp_path, image(), pixdim=[-1, -0.9, 1, -1.2, 0, 0, 0, 0]))
    assert np.allclose(found.grid.voxel_size_mm, (0.9, 1, 1.2))
    assert "negative" in found.notes[0]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("qfac", [0, 7, np.nan])
def test_an_odd_qfac_is_taken_for_1(tmp_path, qfac):
    found = read_volume(written(tmp_path, image(sform=0), pixdim=[qfac, 0.9, 1, 1.2, 0, 0, 0, 0]))
    assert np.allclose(found.grid.vox2ras, image().affine, atol=1e-5)


REFUSED = {
    "dimension of 0": ({"dim": [3, 7, 0, 9, 1, 1, 1, 1]}, "dimension of 0"),
    "negative dimension": ({"dim": [3, 7, -8, 9, 1, 1, 1, 1]}, "dimension of -8"),
    "two dimensions": ({"dim": [2, 7, 72, 1, 1, 1, 1, 1]}, "expected a 3-D image, found shape"),
    "no frame": ({"dim": [4, 7, 8, 9, 0, 1, 1, 1]}, "expected a 3-D image, found shape"),
    "large dimension": ({"dim": [3, 30000, 30000, 30000, 1, 1, 1, 1]}, "do not fit into a file of"),
    "unknown type": ({"datatype": 1234}, "values of type 1234 cannot be read"),
    "bits": ({"datatype": 1}, "single bits"),
    "colours": ({"datatype": 128}, "colours"),
    "complex": ({"datatype": 32}, "complex"),
    "offset before the header's end": ({"vox_offset": 12}, "vox_offset is 12, expected 352"),
    "offset of 0 before extensions": ({"vox_offset": 0, "extender": 1}, "nobody knows where the voxels begin"),
    "offset beyond the file": ({"vox_offset": 1e9}, "do not fit into a file of"),
    "offset that is no number": ({"vox_offset": np.nan}, "vox_offset is nan"),
    "pair": ({"magic": b"ni1"}, "header of a pair"),
    "no magic": ({"magic": b""}, "no NIfTI header"),
    "far away": ({"qoffset_x": 1e30, "sform_code": 0}, "mm from the scanner's centre"),
    "srow without numbers": ({"srow_x": [np.nan] * 4}, "singular"),
    "srow without numbers, both for scanner space": ({"srow_x": [np.nan] * 4, "sform_code": 1}, "singular"),
    "no size in metres": (
        {"pixdim": [1] + [np.nan] * 7, "xyzt_units": 1, "sform_code": 0},
        "pixdim nan x nan x nan is",
    ),
    "flat": ({"srow_x": [0, 0, 0, 0]}, "singular"),
    "metres": (
        {"xyzt_units": 1, "pixdim": [1, 9e-4, 1e-3, 1.2e-3, 0, 0, 0, 0], "sform_code": 0},
        "voxel sizes in metres (0.0009 x 0.001 x 0.0012), expected mm",
    ),
    "micrometres": ({"xyzt_units": 3, "pixdim": [1, 900, 1000, 1200, 0, 0, 0, 0], "sform_code": 0}, "must be mm"),
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("name", ["x.nii", "x.nii.gz"])
def test_a_header_of_no_head_is_one_line_once(tmp_path, what, name, capfd):
    fields, word = REFUSED[what]
    path = written(tmp_path, image(), name, **fields)
    if what == "large dimension" and name == "x.nii.gz":
        assert path.stat().st_size < 5000
    with pytest.raises(ImageError) as error:
        read_volume(path)
    assert str(error.value).startswith(f"{path}: ")
    assert word in str(error.value)
    assert "\n" not in str(error.value)
    assert str(error.value).count(str(path)) == 1
    assert capfd.readouterr() == ("", ""), "no raw line of a library"


def test_codes_that_nifti_does_not_have_are_told(tmp_path, capfd):
    found = read_volume(written(tmp_path, image(), qform_code=257, sform_code=-3))
    assert [note.split(" is ")[0] for note in found.notes] == ["qform_code 257", "sform_code -3"]
    assert not found.grid.oriented
    assert capfd.readouterr() == ("", "")


def test_an_offset_of_0_is_the_end_of_the_header(tmp_path):
    assert np.array_equal(read_volume(written(tmp_path, image(), vox_offset=0)).data, VALUES)


@pytest.mark.parametrize(("sform_code", "told"), [(1, True), (4, False)])
def test_a_qform_that_contradicts_the_sform_is_told(tmp_path, sform_code, told):
    """OpenNeuro ds000218 sub-19 has both for scanner space (nipreps/fmriprep issue 2281)."""
    made = image(axes=np.eye(3))
    made.set_qform(np.diag([1, 1, -1, 1]) @ made.affine, 1)
    made.header["sform_code"] = sform_code
    found = read_volume(written(tmp_path, made))
    assert found.grid.orientation == "RAS"
    assert bool(found.notes) == told
    if told:
        assert "RAI, the sform RAS; the sform is used" in found.notes[0]


def test_units_of_metres_with_sizes_of_mm_are_read(tmp_path):
    """The unit is wrong far more often than a head is 200 m long."""
    assert read_volume(written(tmp_path, image(), xyzt_units=1)).grid.voxel_volume_mm3 == pytest.approx(1.08)


def test_a_header_whose_size_was_left_empty(tmp_path):
    assert np.array_equal(read_volume(written(tmp_path, image(), sizeof_hdr=0)).data, VALUES)


@pytest.mark.parametrize("length", [0, 1, 100, 347])
def test_a_header_that_is_cut_off(length):
    with pytest.raises(ContentError, match=f"cut off: {length} bytes found, the header has 348"):
        read_nifti_header(image().to_bytes()[:length])


@pytest.mark.parametrize(
    ("start", "word"),
    [
        (bytes(128) + b"DICM" + bytes(300), "dcm2niix"),
        (encode_volume(Volume(VALUES, Grid(SHAPE, np.eye(4))), "a.mgh"), ".mgz"),
    ],
)
def test_another_format_is_named(start, word):
    with pytest.raises(ContentError, match=word):
        read_nifti_header(start[:540])


@pytest.mark.parametrize(
    ("units", "pixdim4", "expected_s"),
    [("sec", 2.3, 2.3), ("msec", 2300, 2.3), ("unknown", 2.3, 0), ("sec", np.nan, 0)],
)
@pytest.mark.parametrize("out", ["y.nii", "y.mgz"])
def test_repetition_time_is_kept(tmp_path, units, pixdim4, expected_s, out):
    made = image()
    made.header.set_xyzt_units("mm", units)
    volume = read_volume(written(tmp_path, made, pixdim=[1, 0.9, 1, 1.2, pixdim4, 0, 0, 0]))
    write_volume(volume, tmp_path / out)
    header = nib.load(tmp_path / out).header
    found_s = float(header["pixdim"][4]) if out == "y.nii" else float(header["tr"]) / 1000
    assert found_s == pytest.approx(expected_s)
    assert read_volume(tmp_path / out).grid.repetition_time_ms == pytest.approx(1000 * expected_s)


TABLE = ColorTable(
    (
        Structure(0, "Unknown", (0, 0, 0, 0)),
        Structure(26, "Left-Ärmel", (234, 197, 102, 0)),
        Structure(853, "b", (1, 2, 3, 255)),
    )
)


@pytest.mark.parametrize("colors", [TABLE, read_ctab()], ids=["odd", "shipped"])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".mgz"])
def test_surfa_reads_the_colour_table_inside(tmp_path, colors, suffix, monkeypatch):
    # surfa 0.6.3 reads through a mode of fromstring that NumPy 2.3 dropped.
    monkeypatch.setattr(np, "fromstring", lambda content, dtype=float, **_: np.frombuffer(content, dtype).copy())
    labels = Volume(np.full((4, 5, 6), 853, np.int32), grid_about([1, 2, 3], (4, 5, 6), OBLIQUE, (1, 1, 1.2)))
    path = tmp_path / f"seg{suffix}"
    write_volume(labels, path, colors)
    found = surfa.load_volume(str(path))
    assert np.array_equal(found.data, labels.data)
    assert len(found.labels) == len(colors)
    for structure in colors:
        element = found.labels[structure.index]
        assert element.name == structure.name
        assert tuple(int(c) for c in element.color[:3]) == structure.rgba[:3]
        assert element.color[3] == pytest.approx(1 - structure.rgba[3] / 255)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_nibabel_reads_labels_and_extension(tmp_path, suffix):
    labels = Volume(VALUES, grid_about([1, 2, 3], SHAPE, OBLIQUE, (1, 1, 1.2)))
    write_volume(labels, tmp_path / f"seg{suffix}", TABLE)
    loaded = nib.load(tmp_path / f"seg{suffix}")
    assert np.array_equal(loaded.dataobj, VALUES)
    assert np.allclose(loaded.affine, labels.grid.vox2ras, atol=1e-5)
    (extension,) = loaded.header.extensions
    assert extension.get_code() == 14
    content = extension.get_content()
    assert content[:4] == b">\0\0\1"
    assert content[-13:] == struct.pack(">iq", -1, 1) + b"*"
    assert struct.unpack(">iq", content[4:16]) == (1, len(TABLE.to_mgh_tag()))
    assert extension.get_sizeondisk() % 16 == 0
    assert np.array_equal(read_volume(tmp_path / f"seg{suffix}").data, VALUES)


def test_the_table_is_the_one_that_the_original_writes(tmp_path, shared):
    """Index, name and colour of each structure, in the tag that the published tool's images have."""
    reference = nib.load(shared / "reference/seg/t1/pumi2mm.sclimbic.nii.gz").header.extensions[0].get_content()
    tag = read_ctab().to_mgh_tag()
    assert reference[:16] == b">\0\0\1" + struct.pack(">iq", 1, len(tag))
    assert reference[16 : 16 + len(tag)] == tag


def test_an_axis_that_the_format_cannot_count(tmp_path):
    volume = Volume(np.zeros((40000, 1, 1), np.int16), Grid((40000, 1, 1), np.eye(4)))
    with pytest.raises(ImageError, match=r"40000 voxels along an axis.*write \.mgz"):
        encode_volume(volume, tmp_path / "x.nii")
    assert encode_volume(volume, tmp_path / "x.mgz")
