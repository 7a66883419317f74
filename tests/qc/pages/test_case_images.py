"""What the viewer shows: the structures with some of the head around them, in few bytes, where they are."""

import base64
import gzip
import struct

import nibabel as nib
import numpy as np
import pytest

from fs_sclimbic.errors import ImageError
from fs_sclimbic.image.grid import Volume
from fs_sclimbic.image.labels import ColorTable
from fs_sclimbic.qc.pages.case_images import LABEL_INTENT, MAX_CROP_VOXELS, cut_case_images, encode_image
from tests.conftest import grid_about
from tests.heads import FOUR, ORIENTATIONS, labelled_head

POSTERIOR = 0.8


def posteriors_of(truth: Volume) -> Volume:
    frames = np.stack([truth.data == structure.index for structure in FOUR], -1) * np.float32(POSTERIOR)
    return Volume(frames, truth.grid)


def ras_of_label(volume: Volume, value: int) -> np.ndarray:
    """Middle of a label, scanner RAS."""
    middle = np.argwhere(volume.data == value).mean(0)
    return (volume.grid.vox2ras @ [*middle, 1])[:3]


@pytest.mark.parametrize("axes", ORIENTATIONS, ids=["RAS", "LIA", "LPS"])
def test_structures_lie_where_they_are(axes):
    t1, truth = labelled_head(3, axes=axes)
    images = cut_case_images(t1, truth, posteriors_of(truth), FOUR)
    for number, structure in enumerate(images.structures, 1):
        assert (images.labels.data == number).sum() == (truth.data == structure.index).sum()
        assert ras_of_label(images.labels, number) == pytest.approx(ras_of_label(truth, structure.index), abs=1e-4)
        assert images.labels.data[images.centers[number - 1]] == number
    assert (np.diag(images.labels.grid.vox2ras)[:3] > 0).all()
    assert np.unique(images.posteriors.data[images.labels.data > 0]) == [round(255 * POSTERIOR)]
    assert not images.posteriors.data[images.labels.data == 0].any()
    assert images.notes == ()


def test_labels_and_posteriors_on_other_voxels_than_the_t1():
    """As of a run with --conform, and posteriors that hold the structures alone."""
    t1, truth = labelled_head(3, size_mm=0.8, axes=ORIENTATIONS[0])
    _, coarse = labelled_head(3, size_mm=1.0, axes=ORIENTATIONS[0])
    images = cut_case_images(t1, coarse, posteriors_of(coarse), FOUR)
    assert images.labels.grid.voxel_size_mm == pytest.approx(0.8)
    assert images.gray.grid.shape == images.labels.grid.shape == images.posteriors.grid.shape
    for number, structure in enumerate(images.structures, 1):
        assert ras_of_label(images.labels, number) == pytest.approx(ras_of_label(truth, structure.index), abs=0.5)
    assert images.posteriors.data[images.labels.data > 0].mean() > 0.8 * 255 * POSTERIOR
    assert "the labels are shown on the voxels of the T1" in images.notes[0]


def test_a_large_image_is_shown_with_larger_voxels():
    grid = grid_about((0, 0, 0), (220, 220, 220), np.eye(3), (0.4, 0.4, 0.4))
    labels = np.zeros(grid.shape, np.int32)
    labels[10:14, 100:140, 100:140], labels[200:210, 100:140, 100:140] = 11, 50
    t1 = Volume(np.where(labels, 200, 100).astype(np.float32), grid)
    images = cut_case_images(t1, Volume(labels, grid), None, FOUR)
    assert images.gray.data.size <= 1.1 * MAX_CROP_VOXELS
    assert "shown with voxels of" in images.notes[0]
    assert ras_of_label(images.labels, 2) == pytest.approx(ras_of_label(Volume(labels, grid), 50), abs=0.6)
    assert len(encode_image(images.gray)) < 1_000_000


def test_an_empty_segmentation_and_no_t1():
    t1, truth = labelled_head(3)
    images = cut_case_images(t1, Volume(0 * truth.data, truth.grid), None, FOUR)
    assert images.centers == (None,) * 4
    assert images.gray.data.max() > 200
    images = cut_case_images(None, truth, None, FOUR)
    assert not images.gray.data.any()
    assert "no longer there" in images.notes[0]


def test_labels_that_the_table_lacks_have_a_number():
    t1, truth = labelled_head(3)
    images = cut_case_images(t1, truth, None, ColorTable(FOUR.structures[:2]))
    assert [one.name for one in images.structures] == ["Left-Ball", "SegId-16", "SegId-50", "SegId-80"]
    with pytest.raises(ImageError, match="whole numbers"):
        cut_case_images(t1, Volume(truth.data * 0.5, truth.grid), None, FOUR)


def test_noise_in_the_t1_does_not_stop_it():
    t1, truth = labelled_head(3)
    data = t1.data.copy()
    data[0, 0, 0], data[1, 1, 1] = np.nan, np.inf
    assert cut_case_images(Volume(data, t1.grid), truth, None, FOUR).gray.data.max() > 200


def test_encoded_images_are_nifti(tmp_path):
    t1, truth = labelled_head(3)
    images = cut_case_images(t1, truth, None, FOUR)
    content = gzip.decompress(base64.b64decode(encode_image(images.labels, labels=True)))
    assert struct.unpack_from("<h", content, 68)[0] == LABEL_INTENT
    (tmp_path / "labels.nii").write_bytes(content)
    read = nib.load(tmp_path / "labels.nii")
    assert read.affine == pytest.approx(images.labels.grid.vox2ras, abs=1e-4)
    assert (np.asarray(read.dataobj) == images.labels.data).all()
