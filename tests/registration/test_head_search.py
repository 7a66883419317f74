"""The head is found wherever it lies, however it was scanned, and not where there is none."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from fs_sclimbic.image.conform import reorient_ras
from fs_sclimbic.image.sample import sample_head
from fs_sclimbic.image.transforms import read_transform
from fs_sclimbic.image.volume import Grid, Volume, read_volume
from fs_sclimbic.registration.brain_template import STRIPPED_RIM_VOXELS, shipped_brain
from fs_sclimbic.registration.head_search import MIN_SCORE, average_blocks, locate_head

# FreeSurfer's matrix from MNI305 to MNI152 (its wiki, "Coordinate Systems"), the sample head's space.
MNI305_TO_MNI152 = np.array(
    [
        [0.9975, -0.0073, 0.0176, -0.0429],
        [0.0146, 1.0009, -0.0024, 1.5496],
        [-0.0130, -0.0093, 0.9971, 1.1840],
        [0, 0, 0, 1],
    ]
)
DEEP_POINTS = np.array([[0, 2, -4], [-10, 8, -8], [10, 8, -8], [0, -10, -14], [-5, -16, 10], [5, -16, 10.0]])
"""About where the limbic structures lie in MNI305: commissure, accumbens, mammillary bodies, fornix."""

IN_PLACE = np.eye(4)


def moved(points, matrix):
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def error_mm(head, to_image=IN_PLACE):
    """Largest distance of predicted deep points from where they are; ``to_image`` goes from MNI152 to the image."""
    actual = moved(DEEP_POINTS, to_image @ MNI305_TO_MNI152)
    return np.linalg.norm(moved(DEEP_POINTS, np.linalg.inv(head.ras2mni)) - actual, axis=1).max()


def padded(volume, before, after):
    vox2ras = volume.grid.vox2ras.copy()
    vox2ras[:3, 3] = moved(-np.array(before, float), vox2ras)
    data = np.pad(volume.data, list(zip(before, after, strict=True)))
    return Volume(data, Grid(data.shape, vox2ras))


@pytest.fixture(scope="module")
def brain() -> Volume:
    pytest.importorskip("nilearn")
    return sample_head()


@pytest.fixture(scope="module")
def covered(brain) -> Volume:
    """The sample's brain with a dark skull, a bright scalp and a neck."""
    image = padded(brain, (20, 20, 60), (20, 20, 20))
    distance = ndimage.distance_transform_edt(ndimage.binary_closing(image.data > 0, iterations=3) == 0)
    scalp = (distance > 9) & (distance < 17)
    x, y, z = np.indices(image.data.shape)
    neck = (np.hypot(x - image.data.shape[0] / 2, y - 0.42 * image.data.shape[1]) < 50) & (z < 66)
    texture = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=image.data.shape), 3) * 30
    around = (scalp * 230 + (neck & ~scalp & (distance > 9)) * 120) * (1 + 0.3 * texture)
    return Volume(np.where(distance > 9, np.clip(around, 0, 255), image.data).astype(np.int16), image.grid)


@pytest.mark.parametrize("look", ["brain", "covered"])
def test_finds_the_sample_head(look, request):
    head = locate_head(request.getfixturevalue(look))
    assert head.score > 0.8
    assert error_mm(head) < 4


@pytest.mark.parametrize("look", ["brain", "covered"])
@pytest.mark.parametrize("axis", [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, 0, 1), (1, -1, 1)])
def test_finds_a_turned_and_shifted_head(look, axis, request):
    image = request.getfixturevalue(look)
    move = np.eye(4)
    move[:3, :3] = Rotation.from_rotvec(np.deg2rad(20) * np.array(axis) / np.linalg.norm(axis)).as_matrix()
    move[:3, 3] = (300, -70, 45)
    head = locate_head(Volume(image.data, Grid(image.grid.shape, move @ image.grid.vox2ras)))
    assert error_mm(head, move) < 4


@pytest.mark.parametrize("look", ["brain", "covered"])
@pytest.mark.parametrize(
    ("before", "after"), [((70, 0, 0), (0, 0, 0)), ((0, 60, 80), (0, 0, 0)), ((0, 0, 0), (9, 8, 90))]
)
def test_the_head_may_lie_anywhere_in_the_field_of_view(look, before, after, request):
    assert error_mm(locate_head(padded(request.getfixturevalue(look), before, after))) < 4


def test_the_field_of_view_may_cut_the_head(covered):
    data = covered.data[40:, :, :-45]
    vox2ras = covered.grid.vox2ras.copy()
    vox2ras[:3, 3] = moved(np.array([40.0, 0, 0]), vox2ras)
    assert error_mm(locate_head(Volume(data, Grid(data.shape, vox2ras)))) < 6


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_the_order_of_axes_does_not_matter(covered, order):
    data = np.flip(covered.data.transpose(order), (0, 1))
    vox2ras = covered.grid.vox2ras.copy()
    vox2ras[:, :3] = vox2ras[:, order]
    vox2ras[:3, 3] += vox2ras[:3, 0] * (data.shape[0] - 1) + vox2ras[:3, 1] * (data.shape[1] - 1)
    vox2ras[:, :2] *= -1
    assert error_mm(locate_head(Volume(data, Grid(data.shape, vox2ras)))) < 4


@pytest.mark.parametrize("size", [(2, 2, 2), (3, 3, 3), (1, 1, 5), (0.7, 0.7, 0.7)])
def test_voxels_may_have_any_size(covered, size):
    data = ndimage.uniform_filter(covered.data.astype(np.float32), np.maximum(np.rint(size), 1).astype(int))
    data = ndimage.affine_transform(
        data, np.array(size), 0.0, tuple((np.array(data.shape) // size).astype(int)), order=1
    )
    vox2ras = covered.grid.vox2ras @ np.diag([*size, 1.0])
    assert error_mm(locate_head(Volume(data, Grid(data.shape, vox2ras)))) < 5


def test_a_bias_field_and_hot_voxels_do_no_harm(covered):
    x, y, z = (axis / n - 0.5 for axis, n in zip(np.indices(covered.data.shape), covered.data.shape, strict=True))
    data = covered.data * np.exp(1.2 * y - 0.8 * z + 0.4 * x)
    data.flat[np.random.default_rng(2).integers(0, data.size, 20)] = 50 * data.max()
    assert error_mm(locate_head(Volume(data, covered.grid))) < 4


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, ">i2", np.uint16, np.float32, ">f8", np.int64])
def test_every_number_type_gives_the_same(brain, dtype):
    head, expected = locate_head(Volume(brain.data.astype(dtype), brain.grid)), locate_head(brain)
    np.testing.assert_allclose(head.ras2mni, expected.ras2mni, atol=1e-3)


def test_scale_and_offset_of_intensities_do_not_matter(brain):
    head = locate_head(Volume(brain.data * 1e-4 - 3.0, brain.grid))
    np.testing.assert_allclose(head.ras2mni, locate_head(brain).ras2mni, atol=1e-2)


def test_the_image_is_not_changed(brain):
    data = brain.data.astype(np.float32)
    locate_head(Volume(data, brain.grid))
    np.testing.assert_array_equal(data, brain.data)


SHAPE = (160, 192, 160)
GRID = Grid(SHAPE, np.diag([1.0, 1.0, 1.0, 1.0]))
FROM_MIDDLE = np.moveaxis(np.indices(SHAPE), 0, -1) - np.array(SHAPE) / 2


def smooth_noise(sigma):
    return ndimage.gaussian_filter(np.random.default_rng(3).normal(size=SHAPE).astype(np.float32), sigma)


@pytest.mark.parametrize(
    "data",
    [
        np.zeros(SHAPE),
        np.full(SHAPE, 7),
        np.full(SHAPE, np.nan),
        smooth_noise(0),
        smooth_noise(4),
        smooth_noise(12),
        (np.linalg.norm(FROM_MIDDLE, axis=-1) < 70) * 100,
        (np.linalg.norm(FROM_MIDDLE / [65, 80, 60], axis=-1) < 1) * (100 + 20 * smooth_noise(1)),
        (np.hypot(FROM_MIDDLE[..., 0], FROM_MIDDLE[..., 1]) < 60) * 100.0,
        np.eye(160, 192)[..., None] * np.ones(160),
    ],
    ids=["blank", "constant", "nan", "noise", "smooth noise", "clouds", "ball", "egg", "cylinder", "sheet"],
)
def test_finds_no_head_where_there_is_none(data):
    assert locate_head(Volume(data, GRID)) is None


@pytest.mark.parametrize("shape", [(1, 1, 1), (200, 200, 1), (8, 8, 8), (2, 90, 90)])
def test_finds_no_head_in_a_scrap(shape):
    data = np.random.default_rng(4).random(shape)
    assert locate_head(Volume(data, Grid(shape, np.eye(4)))) is None


def test_blocks_keep_their_place():
    grid = Grid((40, 41, 27), np.array([[0, 0, 1.5, 3], [-1, 0, 0, 9], [0, 0.9, 0, -4], [0, 0, 0, 1]]))
    ras = moved(np.moveaxis(np.indices(grid.shape), 0, -1), grid.vox2ras)
    weights = np.exp(-((ras - [20, -10, 15]) ** 2).sum(-1) / 200)
    blocks = average_blocks(Volume(weights, grid))
    assert blocks.grid.shape == (10, 10, 9)
    where = moved(np.moveaxis(np.indices(blocks.grid.shape), 0, -1), blocks.grid.vox2ras)
    np.testing.assert_allclose(
        np.average(where.reshape(-1, 3), axis=0, weights=blocks.data.ravel() ** 2), [20, -10, 15], atol=1
    )


def test_the_shipped_brain_lies_in_mni305():
    brain = shipped_brain()
    middle = brain.covered.fine.points.mean(axis=0)
    np.testing.assert_allclose(middle, [0, -20, 10], atol=8)
    assert len(brain.stripped.fine.points) > len(brain.covered.fine.points)
    assert STRIPPED_RIM_VOXELS > 0


@pytest.mark.parity
@pytest.mark.parametrize(
    "name", ["colin27", "t1crop", "coregqa", "ds-04", "stroke", "seg3d", "niimath", "studyforrest"]
)
def test_deep_structures_of_real_heads_are_where_it_says(shared, name):
    """The centre of all structures, by the published network's labels, in MNI305."""
    t1 = next(path for path in (shared / "data/t1").iterdir() if path.name.split(".")[0] == name)
    labels = read_volume(next((shared / "reference/seg/t1").glob(f"{name}.sclimbic.nii.gz")))
    head = locate_head(read_volume(t1))
    assert head.score > MIN_SCORE + 0.2
    # The bodies below the third ventricle, whole in every segmentation: hypothalamus and basal forebrain.
    found = [
        moved(np.argwhere(labels.data == label).mean(axis=0), head.ras2mni @ labels.grid.vox2ras)
        for label in (819, 820, 865, 866)
    ]
    expected = [(-3.1, -4.4, -11.0), (5.1, -4.3, -10.7), (-10.9, -0.4, -10.7), (12.8, -0.1, -9.5)]
    assert np.linalg.norm(np.array(found) - expected, axis=1).mean() < 5


@pytest.mark.parity
def test_agrees_with_recon_all(shared):
    subject = shared / "data/subjects/colin27/mri"
    head = locate_head(reorient_ras(read_volume(subject / "nu.mgz")))
    recon_all = read_transform(subject / "transforms/talairach.xfm")
    difference = moved(DEEP_POINTS, head.ras2mni @ np.linalg.inv(recon_all)) - DEEP_POINTS
    assert np.linalg.norm(difference, axis=1).max() < 5
