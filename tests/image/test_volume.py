import gzip
import os
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

from fs_sclimbic.errors import ImageError
from fs_sclimbic.image.conform import shift_grid
from fs_sclimbic.image.labels import read_ctab
from fs_sclimbic.image.volume import Grid, Volume, encode_volume, read_volume, write_volume
from tests.conftest import ROOT, grid_about

OBLIQUE = nib.eulerangles.euler2mat(0.2, -0.1, 0.3)
GRIDS = {
    "RAS": grid_about([1, 2, 3], (7, 8, 9), np.eye(3), (1, 1, 1)),
    "LIA": grid_about([1, 2, 3], (7, 8, 9), [[-1, 0, 0], [0, 0, 1], [0, -1, 0]], (1, 1, 1)),
    "LPS": grid_about([0, 0, 0], (7, 8, 9), np.diag([-1, -1, 1]), (0.7, 0.8, 2)),
    "oblique": grid_about([5, -40, 12], (7, 8, 9), OBLIQUE, (0.7, 0.7, 1.3)),
}


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
@pytest.mark.parametrize("suffix", [".mgz", ".mgh", ".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32])
def test_round_trip(tmp_path, grid, suffix, dtype):
    data = np.arange(7 * 8 * 9).reshape(7, 8, 9).astype(dtype)
    write_volume(Volume(data, grid), tmp_path / f"x{suffix}")
    back = read_volume(tmp_path / f"x{suffix}")
    assert np.array_equal(back.data, data)
    assert back.grid.matches(grid, 1e-4)
    assert np.allclose(back.grid.voxel_size_mm, grid.voxel_size_mm, atol=1e-6)


def test_same_content_is_the_same_file(tmp_path):
    volume = Volume(np.ones((4, 4, 4), np.int32), Grid((4, 4, 4), np.eye(4)))
    assert encode_volume(volume, "a.mgz") == encode_volume(volume, "b.mgz")


@pytest.mark.parametrize("suffix", [".mgz", ".nii.gz"])
def test_posteriors_have_frames(tmp_path, suffix):
    data = np.random.default_rng(0).random((4, 5, 6, 3), np.float32)
    write_volume(Volume(data, grid_about([0, 0, 0], (4, 5, 6), np.eye(3), (1, 1, 2))), tmp_path / f"p{suffix}")
    image = nib.load(tmp_path / f"p{suffix}")
    assert image.shape == (4, 5, 6, 3)
    assert image.get_data_dtype().newbyteorder("=") == np.float32
    assert np.array_equal(np.asarray(image.dataobj), data)


def test_one_frame_4d_and_scaled_integers(tmp_path):
    image = nib.Nifti1Image(np.arange(27, dtype=np.int16).reshape(3, 3, 3, 1), np.eye(4))
    image.header.set_slope_inter(0.5, 10)
    nib.save(image, tmp_path / "x.nii")
    volume = read_volume(tmp_path / "x.nii")
    assert volume.data.shape == (3, 3, 3)
    assert volume.data[0, 0, 1] == 10.5


def test_xform_codes_travel(tmp_path):
    image = nib.Nifti1Image(np.zeros((3, 3, 3), np.uint8), np.eye(4))
    image.set_qform(np.eye(4), 0)
    image.set_sform(np.eye(4), 4)
    nib.save(image, tmp_path / "x.nii")
    write_volume(read_volume(tmp_path / "x.nii"), tmp_path / "y.nii")
    header = nib.load(tmp_path / "y.nii").header
    assert (int(header["qform_code"]), int(header["sform_code"])) == (0, 4)


def test_mgh_geometry_goes_back_to_the_same_bits(tmp_path):
    """Directions of recon-all are not quite unit vectors; nothing may round them."""
    image = nib.MGHImage(np.zeros((256, 250, 244), np.uint8), np.eye(4))
    image.header["Mdc"] = [[-0.99999988, 0, 1.0186341e-10], [0, 0, -0.99999994], [-8.2945917e-10, 0.99999994, 0]]
    image.header["Pxyz_c"] = [-0.2281723, -10.434319, 7.7521667]
    (tmp_path / "x.mgh").write_bytes(image.to_bytes())
    write_volume(read_volume(tmp_path / "x.mgh"), tmp_path / "y.mgh")
    assert (tmp_path / "x.mgh").read_bytes()[28:90] == (tmp_path / "y.mgh").read_bytes()[28:90]


@pytest.mark.parametrize("suffix", [".mgh", ".mgz", ".nii"])
def test_a_header_without_orientation_is_noticed(tmp_path, suffix):
    volume = Volume(np.zeros((4, 4, 4), np.int32), Grid((4, 4, 4), np.eye(4)))
    path = tmp_path / f"x{suffix}"
    if suffix == ".nii":
        write_volume(Volume(volume.data, Grid((4, 4, 4), np.eye(4), xform_codes=(0, 0))), path)
    else:
        content = bytearray(encode_volume(volume, "x.mgh"))
        content[28:30] = b"\0\0"
        path.write_bytes(gzip.compress(content) if suffix == ".mgz" else content)
    assert not read_volume(path).grid.oriented
    # The default that was used for reading is what the results say.
    write_volume(read_volume(path), tmp_path / "y.mgz")
    assert read_volume(tmp_path / "y.mgz").grid.matches(read_volume(path).grid)


def test_labels_are_small_integers_and_wide_when_they_must(tmp_path):
    grid = Grid((2, 2, 2), np.eye(4))
    for top, dtype in ((870, np.int16), (70000, np.int32)):
        write_volume(Volume(np.full((2, 2, 2), top, np.int32), grid), tmp_path / "x.nii")
        assert nib.load(tmp_path / "x.nii").get_data_dtype() == dtype
        assert read_volume(tmp_path / "x.nii").data.max() == top


def test_color_table_lies_after_the_mgh_footer(tmp_path):
    volume = Volume(np.zeros((2, 2, 2), np.int32), Grid((2, 2, 2), np.eye(4)))
    write_volume(volume, tmp_path / "x.mgz", read_ctab())
    content = gzip.decompress((tmp_path / "x.mgz").read_bytes())
    footer = content[284 + 8 * 4 :]
    assert footer[20:28] == b"\0\0\0\1\xff\xff\xff\xfe"
    assert b"Left-Nucleus-Accumbens\0" in footer
    assert nib.load(tmp_path / "x.mgz").shape == (2, 2, 2)


def broken_files(folder):
    write = (folder / "good.mgz", folder / "good.nii.gz")
    for path in write:
        write_volume(
            Volume(np.random.default_rng(0).random((20, 20, 20), np.float32), Grid((20, 20, 20), np.eye(4))), path
        )
    (folder / "cut.mgz").write_bytes((folder / "good.mgz").read_bytes()[:5000])
    (folder / "cut.nii.gz").write_bytes((folder / "good.nii.gz").read_bytes()[:5000])
    (folder / "cut.mgh").write_bytes(gzip.decompress((folder / "good.mgz").read_bytes())[:5000])
    (folder / "text.nii").write_text("this is no image\n" * 50)
    (folder / "text.mgz").write_text("this is no image\n" * 50)
    (folder / "empty.nii.gz").write_bytes(b"")
    nib.save(nib.Nifti1Image(np.zeros((3, 3, 3, 5), np.float32), np.eye(4)), folder / "four.nii")
    nib.save(nib.Nifti1Image(np.zeros((30, 30), np.float32), np.eye(4)), folder / "flat.nii")
    rgb = np.zeros((3, 3, 3), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    nib.save(nib.Nifti1Image(rgb, np.eye(4)), folder / "rgb.nii")
    nib.save(nib.Nifti1Image(np.zeros((3, 3, 3), np.complex64), np.eye(4)), folder / "complex.nii")
    template = nib.Nifti1Image(np.zeros((3, 3, 3), np.float32), np.diag([1.2, 1.2, 1.2, 1]))
    template.header["pixdim"][1:4] = 1
    nib.save(template, folder / "contradiction.nii")
    micro = nib.Nifti1Image(np.zeros((3, 3, 3), np.float32), np.diag([0.001, 0.001, 0.001, 1]))
    nib.save(micro, folder / "metres.nii")
    (folder / "folder.nii").mkdir()


BROKEN = {
    "cut.mgz": "cut off|damaged",
    "cut.nii.gz": "cut off|damaged",
    "cut.mgh": "cut off|damaged",
    "text.nii": "not a .nii",
    "text.mgz": "not a .mgz|damaged",
    "empty.nii.gz": "0 bytes",
    "four.nii": "found 5",
    "flat.nii": "3-D",
    "rgb.nii": "colours",
    "complex.nii": "complex",
    "contradiction.nii": "contradicts itself",
    "metres.nii": "cannot be a head",
    "none.mgz": "does not exist",
    "folder.nii": "is not a file",
    "t1.dcm": "ends in",
}


@pytest.mark.parametrize("name", BROKEN)
def test_bad_image_is_one_clear_line(tmp_path, name):
    broken_files(tmp_path)
    with pytest.raises(ImageError, match=BROKEN[name]) as error:
        read_volume(tmp_path / name)
    assert str(error.value).startswith(str(tmp_path / name))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("suffix", [".mgz", ".nii"])
@pytest.mark.parametrize("values", [[-40000, 5], [0, 2_000_000_000], [True, False], [0.5, -1e30]])
def test_values_come_back(tmp_path, suffix, values):
    data = np.zeros((2, 2, 2), np.asarray(values).dtype)
    data.ravel()[:2] = values
    write_volume(Volume(data, Grid((2, 2, 2), np.eye(4))), tmp_path / f"x{suffix}")
    assert np.allclose(read_volume(tmp_path / f"x{suffix}").data.astype(float), data.astype(float), rtol=1e-6, atol=0)


@pytest.mark.parametrize("suffix", [".mgz", ".nii"])
@pytest.mark.parametrize(
    ("value", "word"), [(3_000_000_000, "do not fit"), (2**40, "do not fit"), (1j, "cannot be stored")]
)
def test_values_that_a_file_cannot_hold_are_refused(tmp_path, suffix, value, word):
    with pytest.raises(ImageError, match=word):
        write_volume(Volume(np.full((2, 2, 2), value), Grid((2, 2, 2), np.eye(4))), tmp_path / f"x{suffix}")


def test_nifti_header_says_where_and_how_large(tmp_path):
    grid = grid_about([5, -40, 12], (7, 8, 9), OBLIQUE, (0.7, 0.7, 1.3))
    write_volume(Volume(np.zeros((7, 8, 9), np.int32), grid), tmp_path / "x.nii")
    header = nib.load(tmp_path / "x.nii").header
    assert np.allclose(header.get_sform(), grid.vox2ras, atol=1e-4)
    assert np.allclose(header.get_qform(), grid.vox2ras, atol=1e-4)
    assert np.allclose(header["pixdim"][1:4], grid.voxel_size_mm)
    assert header.get_xyzt_units()[0] == "mm"


def test_a_qform_of_another_space_is_kept_for_labels(tmp_path):
    """Scanner space in the qform, a template in the sform: labels must lie on the T1 in both."""
    scanner, template = np.diag([1.0, 1, 1, 1]), np.diag([1.0, 1, 1, 1])
    scanner[:3, 3], template[:3, 3] = [-20, 3, 4], [7, 8, 9]
    image = nib.Nifti1Image(np.zeros((4, 4, 4), np.uint8), template)
    image.set_qform(scanner, 1)
    image.set_sform(template, 4)
    nib.save(image, tmp_path / "t1.nii")
    write_volume(read_volume(tmp_path / "t1.nii"), tmp_path / "seg.nii")
    header = nib.load(tmp_path / "seg.nii").header
    assert np.allclose(header.get_qform(), scanner)
    assert np.allclose(header.get_sform(), template)


def test_a_box_of_an_unoriented_image_is_still_in_its_place(tmp_path):
    grid = Grid((20, 20, 20), np.eye(4), xform_codes=(0, 0), oriented=False)
    box = shift_grid(grid, (5, 6, 7), (4, 4, 4))
    write_volume(Volume(np.zeros((4, 4, 4), np.float32), box), tmp_path / "p.nii")
    assert np.allclose(nib.load(tmp_path / "p.nii").affine[:3, 3], [5, 6, 7])


def good(suffix, shape=(20, 20, 20)):
    data = np.random.default_rng(0).random(shape, np.float32)
    return encode_volume(Volume(data, Grid(shape, np.eye(4))), f"x{suffix}")


@pytest.mark.parametrize("suffix", [".nii", ".mgh"])
def test_compression_is_told_by_content_with_a_note(tmp_path, suffix):
    packed_suffix = {".nii": ".nii.gz", ".mgh": ".mgz"}[suffix]
    (tmp_path / f"packed{suffix}").write_bytes(good(packed_suffix))
    (tmp_path / f"plain{packed_suffix}").write_bytes(good(suffix))
    (tmp_path / f"right{suffix}").write_bytes(good(suffix))
    right = read_volume(tmp_path / f"right{suffix}")
    assert not right.notes
    for name, word in ((f"packed{suffix}", "is compressed"), (f"plain{packed_suffix}", "is not compressed")):
        found = read_volume(tmp_path / name)
        assert np.array_equal(found.data, right.data)
        assert word in found.notes[0]


def test_a_file_whose_last_bytes_are_missing_is_read_with_a_note(tmp_path):
    (tmp_path / "x.nii.gz").write_bytes(good(".nii.gz")[:-3])
    found = read_volume(tmp_path / "x.nii.gz")
    assert np.array_equal(found.data, np.random.default_rng(0).random((20, 20, 20), np.float32))
    assert "values are complete" in found.notes[0]


@pytest.mark.parametrize("suffix", [".nii.gz", ".mgz"])
@pytest.mark.parametrize("shape", [(20, 20, 20), (3, 3, 3)], ids=["head", "smaller than a header"])
@pytest.mark.parametrize(
    ("behind", "told"),
    [
        (b"signature-block 123", True),
        (b"\0" * 300_000 + b"signature", True),
        (b"\x1f\x8b", True),
        (b"\x1f\x8b\x07", True),
        (b"\0" * 300_000, False),
        (gzip.compress(b"more"), False),
    ],
    ids=["words", "zeros and words", "half a start", "other gzip", "padding of a tape", "a second member"],
)
def test_bytes_behind_the_compressed_image(tmp_path, suffix, shape, behind, told):
    """Gunzip warns of them, and nibabel reads the image."""
    (tmp_path / f"right{suffix}").write_bytes(good(suffix, shape))
    (tmp_path / f"more{suffix}").write_bytes(good(suffix, shape) + behind)
    right, found = read_volume(tmp_path / f"right{suffix}"), read_volume(tmp_path / f"more{suffix}")
    assert np.array_equal(found.data, right.data)
    assert found.grid.repetition_time_ms == right.grid.repetition_time_ms
    assert ["follow the compressed image" in note for note in found.notes] == [True] * told


def test_bytes_behind_an_image_smaller_than_a_header(tmp_path):
    """The header's read reaches beyond the voxels."""
    (tmp_path / "x.nii").write_bytes(good(".nii", (3, 3, 3)) + bytes(range(250)))
    assert np.array_equal(read_volume(tmp_path / "x.nii").data, np.random.default_rng(0).random((3, 3, 3), np.float32))


def test_bytes_behind_a_member_do_not_hide_that_voxels_are_missing(tmp_path):
    content = good(".nii")
    (tmp_path / "x.nii.gz").write_bytes(gzip.compress(content[:9000]) + b"signature")
    with pytest.raises(ImageError, match="8648 bytes of values found, the header promises 32000"):
        read_volume(tmp_path / "x.nii.gz")
    packed = bytearray(gzip.compress(content) + b"signature")
    packed[-len(b"signature") - 8] ^= 1
    (tmp_path / "x.nii.gz").write_bytes(packed)
    with pytest.raises(ImageError, match="damaged"):
        read_volume(tmp_path / "x.nii.gz")


def test_voxels_that_the_disk_changed_are_not_believed(tmp_path):
    """gzip's checksum is of the whole file; who stops at the last voxel never sees it."""
    content = bytearray(gzip.compress(good(".nii"), 0))
    content[5000] ^= 1
    (tmp_path / "x.nii.gz").write_bytes(content)
    with pytest.raises(ImageError, match="damaged"):
        read_volume(tmp_path / "x.nii.gz")


MEASURED = (
    "import resource, sys, time; from fs_sclimbic.errors import ImageError\n"
    "from fs_sclimbic.image.volume import read_volume\n"
    "def peak():\n"
    "    with open('/proc/self/status') as lines:\n"
    "        return next(int(line.split()[1]) for line in lines if line.startswith('VmHWM'))\n"
    "before = peak()\n"
    "try:\n    read_volume(sys.argv[1]); print('read')\nexcept ImageError as error:\n    print(error)\n"
    "print(peak() - before)"
)


def read_in_a_process(path, memory_bytes=None):
    """What a process prints that reads an image, and how many kB it took."""
    limit = f"resource.setrlimit(resource.RLIMIT_AS, ({memory_bytes},) * 2)\n" if memory_bytes else ""
    code = MEASURED.replace("before = ", f"{limit}before = ")
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not done.stderr
    message, kilobytes = done.stdout.splitlines()
    return message, int(kilobytes)


def test_a_small_file_that_claims_5_gb_takes_no_memory(tmp_path):
    """76 bytes were enough to take 5 GB."""
    header = nib.Nifti1Header()
    header.set_data_shape((1000, 1000, 1250))
    header.set_data_dtype(np.float32)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    (tmp_path / "x.nii.gz").write_bytes(gzip.compress(header.binaryblock + b"\0" * 4))
    assert (tmp_path / "x.nii.gz").stat().st_size < 120
    message, kilobytes = read_in_a_process(tmp_path / "x.nii.gz")
    assert "(1000, 1000, 1250) values of 4 bytes do not fit into a file of" in message
    assert kilobytes < 20_000


def test_a_large_file_that_claims_more_than_it_holds(tmp_path):
    """Half of the 400 MB are there; no more than these are taken."""
    header = nib.Nifti1Header()
    header.set_data_shape((500, 500, 400))
    header.set_data_dtype(np.float32)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    noise = np.random.default_rng(0).bytes(400_000)
    (tmp_path / "x.nii.gz").write_bytes(gzip.compress(header.binaryblock + b"\0" * 4 + noise + bytes(100_000_000), 1))
    message, kilobytes = read_in_a_process(tmp_path / "x.nii.gz")
    assert "100400000 bytes of values found, the header promises 400000000 (500, 500, 400)" in message
    assert kilobytes < 150_000


def test_too_little_memory_says_how_much_is_needed(tmp_path):
    header = nib.Nifti1Header()
    header.set_data_shape((1000, 1000, 1000))
    header.set_data_dtype(np.float32)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    with open(tmp_path / "x.nii", "wb") as file:
        file.write(header.binaryblock + b"\0" * 4)
        file.truncate(352 + 4_000_000_000)  # a sparse file
    message, _ = read_in_a_process(tmp_path / "x.nii", 2 << 30)
    assert message == f"{tmp_path}/x.nii: too little memory: needs about 8.0 GB for (1000, 1000, 1000) voxels"


def test_a_pipe_is_named_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.nii")
    with pytest.raises(ImageError, match=r"x\.nii: is not a file but a named pipe"):
        read_volume(tmp_path / "x.nii")


def test_a_link_to_content_that_is_not_here(tmp_path):
    (tmp_path / "x.nii.gz").symlink_to("../.git/annex/objects/W8/K5/MD5E-s6828969--a.nii.gz/MD5E-s6828969--a.nii.gz")
    with pytest.raises(ImageError, match=r"git-annex link .*\(datalad get x\.nii\.gz\)"):
        read_volume(tmp_path / "x.nii.gz")
