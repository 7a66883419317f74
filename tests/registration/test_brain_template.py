"""The average brain that is searched for, prepared."""

import numpy as np
import pytest

from fs_sclimbic.image.grid import Grid, Volume
from fs_sclimbic.registration.average import Average
from fs_sclimbic.registration.brain_template import (
    BRAIN_CENTER_MNI_MM,
    SEARCH_PITCH_DEG,
    SEARCH_SCALES,
    prepare_brain,
    shipped_brain,
)

GRID = Grid((43, 53, 43), np.array([[4.0, 0, 0, -84], [0, 4, 0, -124], [0, 0, 4, -80], [0, 0, 0, 1]]))


@pytest.fixture(scope="module")
def egg():
    """A brain in the shape of an ellipsoid, brighter on top."""
    ras = np.moveaxis(np.indices(GRID.shape), 0, -1) * 4 + GRID.vox2ras[:3, 3]
    radius = np.linalg.norm((ras - BRAIN_CENTER_MNI_MM) / [60, 76, 56], axis=-1)
    probability = 255 / (1 + np.exp((radius - 1) * 30))
    brightness = np.where(radius < 1.1, 150 + ras[..., 2], 30)
    return prepare_brain(Average(*(Volume(x.astype(np.float32), GRID) for x in (brightness, probability)))), radius


def radius_of(points):
    return np.linalg.norm((points - BRAIN_CENTER_MNI_MM) / [60, 76, 56], axis=-1)


def test_every_pose_is_a_normalised_pattern(egg):
    for contrast in (egg[0].covered, egg[0].stripped):
        assert len(contrast.poses) == len(SEARCH_SCALES) * len(SEARCH_PITCH_DEG)
        for pose in contrast.poses:
            assert np.sum(pose.values**2) == pytest.approx(1, rel=1e-4)
            assert not pose.values[pose.mask == 0].any()
            assert pose.values.sum() == pytest.approx(0, abs=1e-2)
            assert set(np.unique(pose.mask)) == {0, 1}


def test_poses_bring_the_middle_of_the_brain_to_the_origin(egg):
    for pose in egg[0].covered.poses:
        assert np.allclose(pose.mni2ras @ [*BRAIN_CENTER_MNI_MM, 1], [0, 0, 0, 1])
    sizes = {round(float(np.cbrt(np.linalg.det(pose.mni2ras[:3, :3]))), 6) for pose in egg[0].covered.poses}
    assert sizes == set(SEARCH_SCALES)


def test_a_smaller_pose_has_a_smaller_mask(egg):
    half = len(SEARCH_PITCH_DEG)
    small, large = (
        sum(pose.mask.sum() for pose in poses) for poses in (egg[0].covered.poses[:half], egg[0].covered.poses[half:])
    )
    assert small / large == pytest.approx((SEARCH_SCALES[0] / SEARCH_SCALES[1]) ** 3, rel=0.15)


def test_only_brain_counts_when_covered_and_its_rim_when_stripped(egg):
    brain, _ = egg
    assert radius_of(brain.covered.fine.points).max() < 1.02
    assert 1.1 < radius_of(brain.stripped.fine.points).max() < 1.3
    assert radius_of(brain.ring).min() > 1.05
    outside = radius_of(brain.stripped.fine.points) > 1.1
    assert brain.stripped.fine.values[outside].max() < 0.2 * brain.stripped.fine.values[~outside].mean()


def test_the_fine_level_has_four_times_the_points_of_the_coarse_one(egg):
    for contrast in (egg[0].covered, egg[0].stripped):
        assert len(contrast.fine.points) / len(contrast.coarse.points) == pytest.approx(4, rel=0.1)


def test_it_is_prepared_once():
    assert shipped_brain() is shipped_brain()
