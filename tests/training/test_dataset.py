import numpy as np
import pytest

from fs_sclimbic.errors import ImageError, TableError, UsageError
from fs_sclimbic.image.labels import ColorTable, Structure
from fs_sclimbic.image.volume import Volume, write_volume
from fs_sclimbic.training.dataset import (
    UINT8_ONE,
    HeadFiles,
    hold_out,
    pair_folders,
    read_example,
    read_list,
    sha256_of_files,
)
from tests.heads import FOUR, ORIENTATIONS, labelled_head, write_heads

FOV = 48


def saved(tmp_path, t1, targets):
    write_volume(t1, tmp_path / "t1.nii.gz")
    write_volume(targets, tmp_path / "targets.nii.gz")
    return HeadFiles("a", tmp_path / "t1.nii.gz", tmp_path / "targets.nii.gz", "train")


def whole(example):
    """Label channels over the whole image."""
    labels = np.zeros(example.image.shape, int)
    box = tuple(slice(s, s + n) for s, n in zip(example.start, example.targets.shape[:3], strict=True))
    labels[box] = example.targets.argmax(-1)
    return labels


@pytest.mark.parametrize("axes", ORIENTATIONS)
def test_labels_of_any_orientation_come_out_voxel_by_voxel(tmp_path, axes):
    t1, truth = labelled_head(5, axes=axes)
    example = read_example(saved(tmp_path, t1, truth), FOUR, FOV)
    # The same by another way: reorient both with nibabel, where 48 voxels of 1 mm fill the box.
    import nibabel as nib

    image, labels = (nib.as_closest_canonical(nib.Nifti1Image(v.data, v.grid.vox2ras)).get_fdata() for v in (t1, truth))
    assert np.abs(example.image / UINT8_ONE - image / image.max()).max() < 0.51 / UINT8_ONE
    index = np.array([structure.index for structure in FOUR])
    assert np.array_equal(index[whole(example)], labels)
    assert np.allclose(example.middle, np.argwhere(labels).mean(0))
    assert example.has_structures == [True] * 4


def test_other_voxel_size_keeps_volume_and_place(tmp_path):
    t1, truth = labelled_head(5, size_mm=0.8, axes=np.eye(3))
    example = read_example(saved(tmp_path, t1, truth), FOUR, FOV)
    for channel, structure in enumerate(FOUR.foreground, 1):
        volume = example.targets[..., channel].sum() / UINT8_ONE
        assert volume == pytest.approx((truth.data == structure.index).sum() * 0.8**3, rel=0.03)
    assert np.abs(example.targets.astype(int).sum(-1) - UINT8_ONE).max() <= 2


def test_posteriors_as_targets(tmp_path):
    t1, truth = labelled_head(2, axes=np.eye(3))
    frames = np.stack([0.8 * (truth.data == s.index) for s in FOUR], -1).astype(np.float32)
    frames[..., 0] = 1 - frames[..., 1:].sum(-1)
    example = read_example(saved(tmp_path, t1, Volume(frames, truth.grid)), FOUR, FOV)
    assert set(np.unique(example.targets[..., 1:])) == {0, round(0.8 * UINT8_ONE)}
    with pytest.raises(ImageError, match="5 frames found, the colour table has 3 rows"):
        read_example(HeadFiles("a", tmp_path / "t1.nii.gz", tmp_path / "targets.nii.gz", "train"), _table(11, 50), FOV)


def _table(*indices):
    background = Structure(0, "Unknown", (0, 0, 0, 0))
    return ColorTable((background, *(Structure(i, f"S{i}", (1, 2, 3, 0)) for i in indices)))


def test_prepared_head(tmp_path):
    image = np.zeros((FOV,) * 3, np.uint8)
    image[10:40, 10:40, 10:40] = 100
    posteriors = np.zeros((6, 7, 8, 3), np.uint8)
    posteriors[..., 0], posteriors[1:4, 1:4, 1:4] = UINT8_ONE, (0, UINT8_ONE, 0)
    np.savez(tmp_path / "a.npz", t1=image, posteriors=posteriors, box=np.array([20, 21, 22]), vox2ras=np.eye(4))
    example = read_example(HeadFiles("a", tmp_path / "a.npz", None, "train"), _table(1, 2), FOV)
    assert example.start == (20, 21, 22)
    assert example.tissue == pytest.approx(100 / 255)
    assert np.allclose(example.middle, [22, 23, 24])
    assert example.has_structures == [True, False]
    with pytest.raises(ImageError, match=r"a\.npz.*4 channels"):
        read_example(HeadFiles("a", tmp_path / "a.npz", None, "train"), _table(1, 2, 3), FOV)
    (tmp_path / "b.npz").write_text("x")
    with pytest.raises(ImageError, match=r"b\.npz: not a prepared head"):
        read_example(HeadFiles("b", tmp_path / "b.npz", None, "train"), _table(1, 2), FOV)


def test_labels_that_the_table_does_not_have(tmp_path):
    source = saved(tmp_path, *labelled_head(1))
    with pytest.raises(ImageError, match=r"targets\.nii\.gz: holds no voxel of a structure"):
        read_example(source, _table(7), FOV)
    assert read_example(source, _table(11), FOV).targets.shape[3] == 2


def test_list(tmp_path):
    path = tmp_path / "list.tsv"
    path.write_text(
        "case\timage\ttargets\tsplit\tweight\na\ta.nii\tal.nii\ttrain\t2\nb\tb.npz\t\tvalidate\t\nc\tc.npz\t\ttest\t1\n"
    )
    sources = read_list(path)
    assert sources[0] == HeadFiles("a", tmp_path / "a.nii", tmp_path / "al.nii", "train", 2.0)
    assert sources[1] == HeadFiles("b", tmp_path / "b.npz", None, "validate", 1.0)
    assert read_list(path, "/else")[2].image.as_posix() == "/else/c.npz"
    assert hold_out(sources, 0.5, 1) == sources
    path.write_text("case\timage\torigin\tsha256\na\ta.npz\tOpenNeuro\tabc\n")
    assert read_list(path)[0].notes == (("origin", "OpenNeuro"), ("sha256", "abc"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected a tab-separated table"),
        ("case,image\na,b\n", "expected a tab-separated table"),
        ("case\timage\na\ta.nii\n", ":2: expected case, image and targets"),
        ("case\timage\ttargets\tweight\na\ta.nii\tb.nii\t0\n", ":2: .*weight above 0"),
        ("case\timage\ttargets\na\ta.nii\tb.nii\na\tc.nii\td.nii\n", ":3: case a comes twice"),
    ],
)
def test_broken_lists(tmp_path, text, words):
    (tmp_path / "list.tsv").write_text(text)
    with pytest.raises(TableError, match=words):
        read_list(tmp_path / "list.tsv")
    with pytest.raises(TableError, match="cannot be read"):
        read_list(tmp_path / "none.tsv")


def test_folders(tmp_path):
    images, labels = write_heads(tmp_path, [1, 2])
    assert [(s.name, s.targets.name) for s in pair_folders(images, labels)] == [
        ("head1", "head1.nii.gz"),
        ("head2", "head2.nii.gz"),
    ]
    (labels / "head2.nii.gz").rename(labels / "head3.nii.gz")
    with pytest.raises(UsageError, match=r"head2 only in .*images; head3 only in .*labels"):
        pair_folders(images, labels)
    with pytest.raises(UsageError, match="no such folder"):
        pair_folders(images, tmp_path / "none")


def test_hold_out_is_seeded_and_takes_at_least_one():
    sources = [HeadFiles(str(i), None, None, "train") for i in range(20)]
    chosen = [s.name for s in hold_out(sources, 0.2, 4) if s.split == "validate"]
    assert len(chosen) == 4
    assert chosen == [s.name for s in hold_out(sources, 0.2, 4) if s.split == "validate"]
    assert chosen != [s.name for s in hold_out(sources, 0.2, 5) if s.split == "validate"]
    assert sum(s.split == "validate" for s in hold_out(sources, 0.001, 4)) == 1


def test_hash_covers_both_files(tmp_path):
    source = saved(tmp_path, *labelled_head(1))
    before = sha256_of_files(source)
    (tmp_path / "targets.nii.gz").write_bytes(b"x")
    assert sha256_of_files(source) != before
