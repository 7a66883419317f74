"""An image of nibabel's is the same volume as its file."""

import nibabel as nib
import numpy as np
import pytest

from fs_sclimbic.errors import ImageError
from fs_sclimbic.image.nibabel_image import is_nibabel_image, volume_from_nibabel
from fs_sclimbic.image.volume import Volume, read_volume

AXES = np.array([[-0.9, 0.02, 0.1, 80], [0.03, 0.1, 1.2, -100], [-0.08, -0.85, 0.1, 90], [0, 0, 0, 1]])
VALUES = np.random.default_rng(0).integers(0, 200, (6, 7, 5)).astype(np.int16)


def rotation(matrix):
    """The nearest matrix that a qform can hold."""
    size = np.linalg.norm(matrix[:3, :3], axis=0)
    left, _, right = np.linalg.svd(matrix[:3, :3] / size)
    turned = matrix.copy()
    turned[:3, :3] = left @ right * size
    return turned


def scaled_nifti():
    image = nib.Nifti1Image(VALUES, rotation(AXES))
    image.header.set_slope_inter(0.5, 3)
    image.set_qform(rotation(AXES), 1)
    return image


MAKERS = {
    "nifti.nii": lambda: nib.Nifti1Image(VALUES, AXES),
    "scaled.nii.gz": scaled_nifti,
    "nifti2.nii": lambda: nib.Nifti2Image(VALUES.astype(np.float32), AXES),
    "image.mgz": lambda: nib.MGHImage(VALUES.astype(np.float32), rotation(AXES)),
    "frame.nii": lambda: nib.Nifti1Image(VALUES[..., None], AXES),
    "default.nii": lambda: nib.Nifti1Image(VALUES, None),
}


@pytest.mark.parametrize("name", MAKERS)
def test_it_is_the_same_as_from_the_file(tmp_path, name):
    nib.save(MAKERS[name](), tmp_path / name)
    expected = read_volume(tmp_path / name)
    for image in (MAKERS[name](), nib.load(tmp_path / name)):
        if name == "scaled.nii.gz" and not image.file_map["image"].filename:
            continue  # before it is saved it holds the values as they were given
        found = volume_from_nibabel(image)
        assert np.array_equal(found.data, expected.data)
        assert found.grid.matches(expected.grid, 1e-4)
        assert np.allclose(found.grid.voxel_size_mm, expected.grid.voxel_size_mm)
        assert found.grid.oriented == expected.grid.oriented


def test_a_changed_matrix_counts_and_the_image_stays_as_it_is():
    image = nib.Nifti1Image(VALUES, np.eye(4))
    before = image.header.binaryblock
    image.affine[:3, 3] = [1, 2, 3]
    assert volume_from_nibabel(image).grid.vox2ras[:3, 3].tolist() == [1, 2, 3]
    assert image.header.binaryblock == before


def test_another_format_with_a_matrix_is_taken():
    image = nib.Spm99AnalyzeImage(VALUES, np.diag([-2.0, 2, 2, 1]))
    assert volume_from_nibabel(image).grid.orientation == "LAS"


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (nib.Nifti1Image(np.zeros((4, 4, 4, 3), np.float32), np.eye(4)), "expected one frame, found 3"),
        (nib.Nifti1Image(np.zeros((4, 4), np.float32), np.eye(4)), "expected a 3-D image"),
        (nib.Nifti1Image(np.zeros((4, 4, 4), np.complex64), np.eye(4)), "expected real numbers"),
        (nib.Nifti1Image(np.zeros((4, 4, 4), np.float32), np.diag([1.0, 1, 50, 1])), "50"),
    ],
)
def test_what_is_no_head_is_an_error(image, words):
    with pytest.raises(ImageError, match=words):
        volume_from_nibabel(image)


def test_only_images_are_taken_for_images(head):
    assert is_nibabel_image(nib.Nifti1Image(VALUES, np.eye(4)))
    assert not is_nibabel_image("head.nii.gz")
    assert not is_nibabel_image(VALUES)
    assert not is_nibabel_image(Volume(head.data, head.grid))
