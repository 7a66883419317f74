import nibabel as nib
import numpy as np
import pytest

from fs_sclimbic.image.box import Box
from fs_sclimbic.image.conform import conform, is_isotropic_1mm, reorient_ras, resample_nearest, resize
from fs_sclimbic.image.volume import Grid, Volume
from tests.conftest import CENTER, RIGHT_BALL, grid_about, synthetic_head

RNG = np.random.default_rng(1)
RAS = np.eye(3)
AXES = {
    "RAS": np.eye(3),
    "LIA": [[-1, 0, 0], [0, 0, 1], [0, -1, 0]],
    "LPS": np.diag([-1, -1, 1]),
    "PIR": [[0, 0, 1], [-1, 0, 0], [0, -1, 0]],
    "SAL": [[0, 0, -1], [0, 1, 0], [1, 0, 0]],
    "oblique": nib.eulerangles.euler2mat(0.2, -0.15, 0.3),
}


def ramp(grid):
    """A + B . RAS: linear interpolation gives it back exactly."""
    ras = np.moveaxis(np.indices(grid.shape), 0, -1) @ grid.vox2ras[:3, :3].T + grid.vox2ras[:3, 3]
    return (ras @ [1.0, 10.0, 100.0] + 5).astype(np.float32)


@pytest.mark.parametrize("axes", AXES.values(), ids=AXES)
def test_reorient_moves_no_voxel(axes):
    grid = grid_about(CENTER, (5, 6, 7), axes, (1, 1.5, 2))
    upright = reorient_ras(Volume(ramp(grid), grid))
    assert upright.grid.orientation == "RAS"
    assert np.allclose(upright.data, ramp(upright.grid), atol=1e-3)
    assert sorted(upright.data.ravel()) == sorted(ramp(grid).ravel())
    assert upright.grid.voxel_volume_mm3 == pytest.approx(3)


def test_reorient_at_45_degrees():
    axes = nib.eulerangles.euler2mat(z=np.pi / 4)
    grid = grid_about(CENTER, (5, 6, 7), axes, (1, 1, 1))
    upright = reorient_ras(Volume(ramp(grid), grid))
    assert np.allclose(upright.data, ramp(upright.grid), atol=1e-3)


@pytest.mark.parametrize("axes", AXES.values(), ids=AXES)
def test_resize_is_linear_and_keeps_the_centre(axes):
    grid = grid_about(CENTER, (20, 21, 22), axes, (0.8, 1.25, 2))
    resized = resize(Volume(ramp(grid), grid), np.ones(3))
    assert resized.grid.shape == (16, 27, 44)
    assert np.allclose(resized.grid.center_ras, CENTER)
    inner = (slice(3, -3),) * 3
    assert np.allclose(resized.data[inner], ramp(resized.grid)[inner], atol=2e-2)


def test_resize_leaves_an_image_of_that_size_alone():
    volume = Volume(RNG.random((4, 4, 4), np.float32), Grid((4, 4, 4), np.eye(4)))
    assert resize(volume, np.ones(3)) is volume


@pytest.mark.parametrize("shape", [(8, 8, 8), (9, 7, 8), (5, 12, 13), (20, 3, 8)])
def test_box_is_centred_and_voxels_keep_their_place(shape):
    grid = grid_about(CENTER, shape, np.eye(3), (1, 1, 1))
    image = ramp(grid)
    conformed = conform(Volume(image, grid), 8)
    box = conformed.block(conformed.box)
    assert box.data.shape == (8, 8, 8)
    filled = np.zeros((8, 8, 8), bool)
    filled[conformed.image.clipped(conformed.box).slices] = True
    assert filled.sum() == np.prod(np.minimum(shape, 8))
    assert not box.data[~filled].any()
    expected = (ramp(box.grid) - image.min()) / (image.max() - image.min())
    assert np.allclose(box.data[filled], expected[filled], atol=1e-3)
    assert np.all(np.abs(box.grid.center_ras - CENTER) <= 0.5)


@pytest.mark.parametrize("axes", AXES.values(), ids=AXES)
def test_conform_puts_the_head_where_it_was(axes):
    head = synthetic_head(grid_about(CENTER, (70, 64, 66), axes, (0.8, 0.9, 1.1)))
    conformed = conform(head, 64)
    box = conformed.block(conformed.box)
    assert box.data.shape == (64, 64, 64)
    assert np.allclose(np.linalg.norm(box.grid.vox2ras[:3, :3], axis=0), 1)
    centre = (box.grid.vox2ras @ [*np.mean(np.argwhere(box.data > 0.75), axis=0), 1])[:3]
    assert np.allclose(centre, RIGHT_BALL, atol=0.15)


BLOCKS = [Box((3, 5, 7), (41, 30, 20)), Box((-9, -20, 5), (12, 80, 55)), Box((70, 70, 70), (80, 80, 80))]


@pytest.mark.parametrize("sizes", [(1, 1, 1), (0.8, 0.9, 1.1)], ids=str)
@pytest.mark.parametrize("block", BLOCKS, ids=str)
@pytest.mark.parametrize("axes", AXES.values(), ids=AXES)
def test_a_block_is_the_same_to_the_bit_as_that_part_of_everything(axes, block, sizes):
    grid = grid_about(CENTER, (50, 55, 45), axes, sizes)
    conformed = conform(Volume(RNG.random(grid.shape, np.float32), grid), 48)
    everything = Box((-24, -24, -24), (96, 96, 96))
    whole = conformed.block(everything)
    part = conformed.block(block)
    assert np.array_equal(part.data, whole.data[block.seen_from(everything).slices])
    assert np.allclose(part.grid.vox2ras[:3, 3], (conformed.grid.vox2ras @ [*block.low, 1])[:3])


def test_an_image_that_goes_on_beyond_the_box():
    def goes_on(shape):
        grid = grid_about(CENTER, shape, np.eye(3), (1, 1, 1))
        return conform(Volume(ramp(grid), grid), 8).goes_on.tolist()

    assert goes_on((8, 9, 20)) == [False, False, True]


@pytest.mark.parametrize("axes", AXES.values(), ids=AXES)
def test_labels_come_back_to_their_voxels(axes):
    """Nearest resampling of a RAS label image onto a turned grid of the same voxels."""
    grid = grid_about(CENTER, (12, 14, 10), axes, (1, 1, 1))
    labels = RNG.integers(1, 900, grid.shape).astype(np.int32)
    upright = reorient_ras(Volume(labels, grid))
    assert np.array_equal(resample_nearest(upright, grid).data, labels)


@pytest.mark.parametrize("sizes", [(1, 1, 1), (0.7, 1.2, 0.9)], ids=str)
@pytest.mark.parametrize("axes", AXES.values(), ids=AXES)
def test_labels_far_from_a_corner_come_back_too(axes, sizes):
    """Only the part of the image where labels are is looked up; the result is that of looking everywhere."""
    from surfa.image.interp import interpolate

    labels = Volume(
        RNG.integers(0, 5, (9, 8, 7)).astype(np.int32), grid_about(CENTER + [3, -4, 6], (9, 8, 7), RAS, (1, 1, 1))
    )
    grid = grid_about(CENTER, (40, 38, 42), axes, sizes)
    affine = np.linalg.inv(labels.grid.vox2ras) @ grid.vox2ras
    if np.allclose(affine, np.rint(affine), atol=1e-5):
        affine = np.rint(affine)
    everywhere = interpolate(labels.data[..., None], grid.shape, "nearest", affine=affine)[..., 0]
    found = resample_nearest(labels, grid).data
    assert found.any()
    assert np.array_equal(found, everywhere)


def test_outside_is_background():
    small = Volume(np.full((2, 2, 2), 7, np.int32), grid_about([0, 0, 0], (2, 2, 2), np.eye(3), (1, 1, 1)))
    big = resample_nearest(small, grid_about([0, 0, 0], (6, 6, 6), np.eye(3), (1, 1, 1)))
    assert big.data.sum() == 8 * 7


def test_one_mm_within_a_hundredth():
    assert is_isotropic_1mm(Grid((2, 2, 2), np.diag([1.009, 0.991, 1, 1])))
    assert not is_isotropic_1mm(Grid((2, 2, 2), np.diag([1.02, 1, 1, 1])))


@pytest.mark.parametrize("size", [0.85937501, 0.8594, 1.00002])
def test_a_voxel_size_a_hair_off_moves_the_box_only_without_a_tolerance(size):
    exact = 1.0 if size > 1 else 0.859375
    image = RNG.random((64, 64, 64), np.float32)

    def block(voxel_mm, tolerance):
        grid = grid_about(CENTER, image.shape, np.eye(3), (voxel_mm,) * 3)
        conformed = conform(Volume(image, grid), 48, size_tolerance_voxels=tolerance)
        return conformed.block(conformed.box).data

    assert np.abs(block(size, 0.0) - block(exact, 0.0)).max() > 0.3, "as in the published tool"
    assert np.abs(block(size, 0.01) - block(exact, 0.01)).max() < 0.01
    assert np.array_equal(block(exact, 0.0), block(exact, 0.01))
