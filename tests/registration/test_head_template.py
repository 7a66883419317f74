"""The average head that eTIV is measured against."""

import numpy as np
import pytest
from scipy import ndimage

from fs_sclimbic.files.resources import data_file
from fs_sclimbic.image.volume import Grid, Volume, read_volume
from fs_sclimbic.registration.average import split_frames
from fs_sclimbic.registration.brain_template import shipped_brain
from fs_sclimbic.registration.head_template import (
    AVERAGE_HEAD,
    RIM_MM,
    STRIPPED_RIM_MM,
    measure_brain_distance,
    prepare_head,
    shipped_head,
)


@pytest.fixture(scope="module")
def average():
    return read_volume(data_file(*AVERAGE_HEAD), frames=True)


def at(average, points):
    """Probability of brain at MNI305 points."""
    to_voxel = np.linalg.inv(average.grid.vox2ras)
    where = to_voxel[:3, :3] @ points.T + to_voxel[:3, 3:]
    return ndimage.map_coordinates(average.data[..., 1] / 255.0, where, order=1)


def test_the_file_is_two_frames_on_an_upright_2_mm_grid(average):
    assert average.data.shape[3] == 2
    assert average.grid.orientation == "RAS"
    np.testing.assert_allclose(average.grid.voxel_size_mm, 2)
    np.testing.assert_array_equal(average.grid.vox2ras[:3, :3], 2 * np.eye(3))
    assert average.data.min() == 0
    assert average.data[..., 1].max() == 255, "255 is a probability of 1"
    assert data_file(*AVERAGE_HEAD).stat().st_size < 1.1e6


def test_the_brain_in_it_has_the_size_and_place_of_a_brain_in_mni305(average):
    probability = average.data[..., 1] / 255
    litres = probability.sum() * average.grid.voxel_volume_mm3 / 1e6
    assert 1.6 < litres < 2.0, "MNI305 is larger than life"
    middle = average.grid.vox2ras @ [*np.array(ndimage.center_of_mass(probability)), 1]
    np.testing.assert_allclose(middle[:3], shipped_brain().covered.fine.points.mean(axis=0), atol=4)
    mirrored = probability[::-1]  # its middle plane is x = 0
    assert np.abs(probability - mirrored).mean() < 0.02


def test_what_counts_lies_around_the_brain(average):
    head = shipped_head()
    assert at(average, head.inner).min() > 0.9
    assert at(average, head.ring).max() < 0.5
    distance = measure_brain_distance(Volume(average.data[..., 1] / 255, average.grid)).data
    for look, rim in ((head.whole, RIM_MM), (head.stripped, STRIPPED_RIM_MM)):
        for level in (look.coarse, look.fine):
            index = np.rint((level.points - average.grid.vox2ras[:3, 3]) / 2).astype(int)
            assert distance[tuple(index.T)].max() <= rim
            assert (level.points >= head.corners.min(axis=0) - 0.01).all()
            assert (level.points <= head.corners.max(axis=0) + 0.01).all()
            assert level.design.shape == (len(level.points), 23)
            assert level.values.std() == pytest.approx(1, rel=1e-3)
            np.testing.assert_allclose(level.normal, level.normal.T)
        assert len(look.fine.points) > 3 * len(look.coarse.points)
    assert head.corners.shape == (8, 3)


def test_without_its_head_the_ring_is_dark_and_the_brain_the_same():
    head = shipped_head()
    voxels = {
        look: dict(zip(map(tuple, look.fine.points), look.fine.values, strict=True))
        for look in (head.whole, head.stripped)
    }
    deep = [point for point in map(tuple, head.inner) if point in voxels[head.whole]]
    assert len(deep) > 100
    whole, stripped = (np.array([voxels[look][point] for point in deep]) for look in (head.whole, head.stripped))
    np.testing.assert_allclose(whole / whole.mean(), stripped / stripped.mean(), atol=0.1)
    assert np.abs(whole / whole.mean() - stripped / stripped.mean()).mean() < 0.005
    distance = np.linalg.norm(head.stripped.fine.points - head.stripped.fine.points.mean(axis=0), axis=1)
    far = distance > np.percentile(distance, 99)
    assert head.stripped.fine.values[far].mean() < 0.5 * head.whole.fine.values.mean()


def test_it_is_prepared_once():
    assert shipped_head() is shipped_head()


def test_the_brightness_of_an_average_does_not_matter(average):
    scaled = average.data.astype(np.float32)
    scaled[..., 0] *= 0.5
    head, usual = prepare_head(split_frames(Volume(scaled, average.grid))), shipped_head()
    np.testing.assert_allclose(head.whole.fine.values, usual.whole.fine.values, rtol=1e-4)
    np.testing.assert_array_equal(head.ring, usual.ring)


def test_distance_to_a_ball():
    grid = Grid((40, 40, 40), np.diag([2.0, 2, 2, 1]))
    radius = np.linalg.norm(np.moveaxis(np.indices(grid.shape), 0, -1) - 19.5, axis=-1) * 2
    distance = measure_brain_distance(Volume((radius < 30).astype(float), grid)).data
    assert np.abs(distance - (radius - 30)).max() < 3.5
    assert distance.shape == grid.shape
