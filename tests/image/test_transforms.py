import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fs_sclimbic.errors import TransformError
from fs_sclimbic.image.transforms import format_lta, format_xfm, parse_lta, parse_xfm, read_transform
from fs_sclimbic.registration.etiv import etiv_mm3
from tests.conftest import XFM

matrices = hnp.arrays(np.float64, (3, 4), elements=st.floats(-500, 500, allow_subnormal=False))


@given(matrices)
def test_round_trips(rows):
    matrix = np.vstack([rows, [0, 0, 0, 1]])
    assert np.array_equal(parse_xfm(format_xfm(matrix)), matrix)
    assert np.allclose(parse_lta(format_lta(matrix)), matrix, rtol=1e-14, atol=0)


@given(hnp.arrays(np.float64, (3, 3), elements=st.floats(-0.3, 0.3)), st.floats(0.8, 1.4))
def test_etiv_of_a_written_transform_is_the_same_to_the_last_printed_digit(shear, size):
    matrix = np.eye(4)
    matrix[:3, :3] = size * np.eye(3) + shear
    if np.linalg.det(matrix) > 0.1:
        printed = f"{etiv_mm3(matrix):.6f}"
        assert f"{etiv_mm3(parse_xfm(format_xfm(matrix))):.6f}" == printed
        assert f"{etiv_mm3(parse_lta(format_lta(matrix))):.6f}" == printed


def test_golden_text():
    matrix = np.eye(4)
    matrix[0, 3] = -2.5
    assert format_xfm(matrix) == (
        "MNI Transform File\n% fs_sclimbic\n\nTransform_Type = Linear;\nLinear_Transform = \n"
        "1.0 0.0 0.0 -2.5\n0.0 1.0 0.0 0.0\n0.0 0.0 1.0 0.0;\n"
    )


def vox_to_vox_lta(matrix, size):
    rows = "\n".join(" ".join(f"{x:.12e}" for x in row) for row in matrix)

    def info(name, voxel, cras):
        return (
            f"{name} volume info\nvalid = 1  # volume info valid\nfilename = x.mgz\nvolume = 256 256 200\n"
            f"voxelsize = {voxel} {voxel} {voxel}\nxras   = -1 0 0\nyras   = 0 0 -1\nzras   = 0 1 0\ncras   = {cras}\n"
        )

    return (
        "type      = 0 # LINEAR_VOX_TO_VOX\nnxforms   = 1\nmean      = 0 0 0\nsigma     = 1\n1 4 4\n"
        f"{rows}\n{info('src', size, '1 2 3')}{info('dst', 1.0, '0 0 0')}subject fsaverage\n"
    )


def test_voxel_to_voxel_lta_is_turned_into_ras():
    """A 0.8 mm subject: the raw determinant would be wrong by the voxel volume."""

    def vox2ras(size, cras):
        matrix = np.eye(4)
        matrix[:3, :3] = np.array([[-1, 0, 0], [0, 0, 1], [0, -1, 0]]) * size
        matrix[:3, 3] = np.array(cras) - matrix[:3, :3] @ [128, 128, 100]
        return matrix

    wanted = np.array([[1.1, 0.05, 0, 4], [-0.02, 1.0, 0.1, -3], [0, -0.1, 1.2, 7], [0, 0, 0, 1]])
    vox2vox = np.linalg.inv(vox2ras(1.0, [0, 0, 0])) @ wanted @ vox2ras(0.8, [1, 2, 3])
    found = parse_lta(vox_to_vox_lta(vox2vox, 0.8))
    assert np.allclose(found, wanted, atol=1e-9)
    assert np.linalg.det(vox2vox) / np.linalg.det(found) == pytest.approx(0.8**3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "MNI Transform File\n",
        XFM.replace(";\n", "\n").replace("Linear;", "Linear"),
        XFM.replace("-2", "x"),
        XFM.replace("0 0 1.1 3;", ";"),
        XFM.replace("1.1 0 0 1", "nan 0 0 1"),
    ],
)
def test_bad_xfm(text):
    with pytest.raises(TransformError, match=r"^bert\.xfm"):
        parse_xfm(text, "bert.xfm")


def test_bad_lta():
    good = format_lta(np.eye(4))
    for text in ("", good.replace("= 1 #", "= 14 #"), good.replace("1 4 4", "1 3 3"), good.replace("1.0000", "x")):
        with pytest.raises(TransformError, match=r"^bert\.lta"):
            parse_lta(text, "bert.lta")
    with pytest.raises(TransformError, match="invalid"):
        parse_lta(good.replace("= 1 #", "= 0 #"), "bert.lta")


def test_missing_and_unknown_files(tmp_path):
    with pytest.raises(TransformError, match="does not exist"):
        read_transform(tmp_path / "a.xfm")
    with pytest.raises(TransformError, match=r"\.xfm or \.lta"):
        read_transform(tmp_path / "a.mat")


def test_real_pairs_agree(shared):
    """The same registration as .xfm and as .lta, one of them voxel-to-voxel."""
    for subject in ("colin27", "studyforrest", "ecog.long.base"):
        folder = shared / "data/subjects" / subject / "mri/transforms"
        assert np.allclose(
            read_transform(folder / "talairach.xfm"), read_transform(folder / "talairach.xfm.lta"), atol=2e-4
        )


def test_variants_of_real_files(tmp_path):
    plain = parse_xfm(XFM)
    (tmp_path / "a.xfm").write_bytes(b"\xef\xbb\xbf" + XFM.replace("% avi2talxfm", "% von M\xfcller").encode("latin-1"))
    assert np.array_equal(read_transform(tmp_path / "a.xfm"), plain)
    (tmp_path / "b.xfm").write_bytes(XFM.replace("\n", "\r\n").encode())
    assert np.array_equal(read_transform(tmp_path / "b.xfm"), plain)
    inverted = XFM.replace("Linear_Transform", "Invert_Flag = True;\nLinear_Transform")
    assert np.allclose(parse_xfm(inverted), np.linalg.inv(plain))
    with pytest.raises(TransformError, match="several"):
        parse_xfm(XFM + XFM.split("\n", 2)[2])


def test_lta_with_a_blank_line_and_a_broken_row():
    good = vox_to_vox_lta(np.eye(4), 1.0)
    assert np.array_equal(parse_lta(good.replace("voxelsize", "\nvoxelsize")), parse_lta(good))
    with pytest.raises(TransformError, match="last row"):
        parse_lta(vox_to_vox_lta(np.full((4, 4), 5.0), 1.0))


def test_commas_in_the_volume_info():
    """FastSurfer's cc_up.lta has them (Deep-MI/fsqc issue 101)."""
    plain = vox_to_vox_lta(np.diag([1.1, 1.2, 1.3, 1]), 1.0)
    lines = [
        line.replace(" ", ", ").replace(",", "", 2) if line.startswith(("volume ", "voxelsize")) else line
        for line in plain.splitlines()
    ]
    with_commas = "\n".join(lines)
    assert with_commas.count(",") >= 8
    assert np.array_equal(parse_lta(with_commas), parse_lta(plain))


ROWS = ("1.1 0 0 1", "0 1.1 0 -2", "0 0 1.1 3")


@pytest.mark.parametrize("ends", [";\n", " ;\n", ";", " ; \r\n"])
def test_a_semicolon_behind_each_row(ends):
    """As minctools' and some pipelines' writers do it."""
    start = "MNI Transform File\nTransform_Type = Linear;\nLinear_Transform =\n"
    assert np.array_equal(parse_xfm(start + "".join(row + ends for row in ROWS)), parse_xfm(XFM))


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ("1.1 0 0 1;\n0 1.1 0 -2;\n0 0 1.1 3", "cut off"),
        ("1.1 0 0 1;\n0 1.1 0 -2;\n", "12 finite numbers"),
        ("1.1 0 0 1;\n0 1.1 0;\n0 0 1.1 3;", "12 finite numbers"),
        ("1.1 0 0;\n0 1.1 0;\n0 0 1.1;", "12 finite numbers"),
        ("1.1 0 0 1\n0 1.1 0 -2\n0 0 1.1 3", "cut off"),
        ("1.1 0 0 1e999\n0 1.1 0 -2\n0 0 1.1 3;", "12 finite numbers"),
    ],
)
def test_rows_that_are_cut_off_or_too_few(rows, word):
    with pytest.raises(TransformError, match=word):
        parse_xfm(f"MNI Transform File\nLinear_Transform =\n{rows}\n")


def test_an_inverted_singular_matrix_is_an_error():
    text = "MNI Transform File\nInvert_Flag = True;\nLinear_Transform =\n1 0 0 0\n0 1 0 0\n0 0 0 0;\n"
    with pytest.raises(TransformError, match="singular"):
        parse_xfm(text)


def test_a_message_shows_no_escape_codes():
    with pytest.raises(TransformError, match="numbers") as error:
        parse_xfm("MNI Transform File\nLinear_Transform =\n1 0 0 \x1b[2J\n;")
    assert str(error.value).isprintable()


def test_what_is_no_transform_file_says_what_it_is(tmp_path):
    (tmp_path / "a.xfm").symlink_to(".git/annex/objects/x/y/z")
    with pytest.raises(TransformError, match=r"a\.xfm: is a git-annex link"):
        read_transform(tmp_path / "a.xfm")
    (tmp_path / "b.lta").write_bytes(bytes(17 << 20))
    with pytest.raises(TransformError, match="larger than 16 MB"):
        read_transform(tmp_path / "b.lta")
