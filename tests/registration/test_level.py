"""The parts of a registration, each against what geometry says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from fs_sclimbic.image.grid import Grid, Volume
from fs_sclimbic.registration.level import (
    BRAIN_RADIUS_MM,
    field_terms,
    make_level,
    multiply_transposed,
    pitch_matrix,
    sample,
    smooth,
    voxel_points,
)
from tests.conftest import grid_about

RNG = np.random.default_rng(4)
AXES = {
    "RAS": np.eye(3),
    "LIA": np.array([[-1, 0, 0], [0, 0, 1], [0, -1, 0]]),
    "oblique": Rotation.from_euler("xyz", [20, -12, 8], degrees=True).as_matrix(),
}


def ras_of(grid):
    return np.moveaxis(np.indices(grid.shape), 0, -1) @ grid.vox2ras[:3, :3].T + grid.vox2ras[:3, 3]


@pytest.mark.parametrize("axes", AXES.values(), ids=AXES)
def test_sampling_a_ramp_gives_the_ramp(axes):
    """Linear interpolation gives a linear function back, on any grid."""
    grid = grid_about([3, -11, 7], (20, 22, 24), axes, (0.8, 1.5, 2))
    volume = Volume((ras_of(grid) @ [1.0, 10.0, 100.0] + 5).astype(np.float32), grid)
    to_ras = np.eye(4)
    to_ras[:3, :3], to_ras[:3, 3] = pitch_matrix(1.1, 0.2), (1, 2, 3)
    points = RNG.uniform(-25, 25, (300, 3)).astype(np.float32)
    values, inside = sample(volume, to_ras, points)
    ras = points @ to_ras[:3, :3].T + to_ras[:3, 3]
    index = (ras - grid.vox2ras[:3, 3]) @ np.linalg.inv(grid.vox2ras[:3, :3]).T
    assert np.array_equal(inside, ((index >= 0) & (index <= np.array(grid.shape) - 1)).all(axis=1))
    assert 10 < inside.sum() < 300
    assert np.allclose(values[inside], ras[inside] @ [1.0, 10.0, 100.0] + 5, atol=0.05)
    far = np.full((1, 3), 500, np.float32)
    assert sample(volume, to_ras, far) == (0, False)


@pytest.mark.parametrize("sizes", [(1, 1, 1), (0.7, 1, 2)])
def test_smoothing_spreads_a_point_by_sigma_in_mm(sizes):
    grid = grid_about([0, 0, 0], (61, 51, 41), np.eye(3), sizes)
    data = np.zeros(grid.shape, np.float32)
    data[30, 25, 20] = 1
    blurred = smooth(Volume(data, grid), 3.0)
    assert blurred.data.sum() == pytest.approx(1, rel=1e-3)
    away = ras_of(grid) - ras_of(grid)[30, 25, 20]
    variance = np.sum(blurred.data[..., np.newaxis] * away**2, axis=(0, 1, 2))
    assert np.allclose(np.sqrt(variance), 3.0, rtol=0.08), "the Gaussian ends at 2.5 sigma"


@pytest.mark.parametrize("axes", AXES.values(), ids=AXES)
def test_points_are_those_of_the_chosen_voxels(axes):
    grid = grid_about([1, 2, 3], (5, 6, 7), axes, (1, 2, 3))
    chosen = RNG.random(grid.shape) > 0.5
    assert np.allclose(voxel_points(grid, chosen), ras_of(grid)[chosen])


@given(st.floats(0.5, 2), st.floats(-1, 1))
def test_a_pitch_lifts_the_nose_and_scales(scale, radians):
    matrix = pitch_matrix(scale, radians)
    assert np.allclose(matrix.T @ matrix, scale**2 * np.eye(3))
    assert np.allclose(matrix, scale * Rotation.from_euler("x", radians).as_matrix())
    nose = matrix @ [0, 1, 0]
    assert np.sign(nose[2]) == np.sign(np.sin(radians))


def test_a_bias_field_has_ten_terms():
    points = np.array([[0, 0, 0], [BRAIN_RADIUS_MM, 0, 0], [BRAIN_RADIUS_MM, 2 * BRAIN_RADIUS_MM, -BRAIN_RADIUS_MM]])
    assert np.allclose(
        field_terms(points), [[1] + [0] * 9, [1, 1, 0, 0, 1, 0, 0, 0, 0, 0], [1, 1, 2, -1, 1, 4, 1, 2, -1, -2]]
    )


@pytest.mark.parametrize("rows", [1, 399, 400, 401, 2345])
def test_products_in_blocks_are_the_products(rows):
    one, other = (RNG.standard_normal((rows, n)).astype(np.float32) for n in (5, 3))
    assert np.allclose(multiply_transposed(one, other), one.T.astype(float) @ other, atol=1e-3)


def test_a_level_predicts_what_a_small_move_does():
    """The design's columns are derivatives: they foretell the values after a small shift, turn and gain."""
    grid = Grid((40, 40, 40), np.array([[2.0, 0, 0, -39], [0, 2, 0, -39], [0, 0, 2, -39], [0, 0, 0, 1]]))
    ras = ras_of(grid)
    template = Volume((np.exp(-np.sum((ras / [18, 24, 30]) ** 2, axis=-1)) * 100).astype(np.float32), grid)
    chosen = np.linalg.norm(ras, axis=-1) < 25
    level = make_level(template, chosen, smoothing_mm=1.5, redundancy=60.0)
    assert (level.smoothing_mm, level.redundancy) == (1.5, 60.0)
    assert level.values.std() == pytest.approx(1, rel=1e-3)
    assert level.design.shape == (chosen.sum(), 23)
    assert np.allclose(level.normal, level.design.T.astype(float) @ level.design, rtol=1e-3, atol=1)
    move = np.zeros((3, 4))
    move[:, 3] = (0.4, -0.3, 0.2)
    move[0, 1], move[1, 0] = 0.5, -0.5
    unit = template.data[chosen].std()
    warp = np.eye(4)
    warp[:3, :3] += move[:, :3] / BRAIN_RADIUS_MM
    warp[:3, 3] = move[:, 3]
    moved = sample(template, warp, level.points)[0] / unit
    unknowns = np.concatenate([move.reshape(-1), 1.1 * np.eye(10)[0], [0.3]])
    foretold = level.design @ unknowns
    assert np.abs(foretold - (moved + 0.1 * level.values + 0.3)).max() < 0.05
    assert np.abs(moved - level.values).max() > 0.1, "the move is no trifle"
