"""Grids put voxels where their matrix says, whatever their orientation."""

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_sclimbic.image.grid import Grid, Volume
from tests.conftest import grid_about

GRIDS = {
    "RAS": grid_about([1, 2, 3], (7, 8, 9), np.eye(3), (1, 1, 1)),
    "LIA": grid_about([1, 2, 3], (7, 8, 9), [[-1, 0, 0], [0, 0, 1], [0, -1, 0]], (1, 1, 1)),
    "LPS": grid_about([0, 0, 0], (7, 8, 9), np.diag([-1, -1, 1]), (0.7, 0.8, 2)),
    "oblique": grid_about([5, -40, 12], (7, 8, 9), nib.eulerangles.euler2mat(0.2, -0.1, 0.3), (0.7, 0.7, 1.3)),
}


def test_values_of_an_anisotropic_grid():
    grid = GRIDS["LPS"]
    assert grid.orientation == "LPS"
    assert grid.voxel_volume_mm3 == pytest.approx(0.7 * 0.8 * 2)
    assert np.allclose(grid.center_ras, 0)


@pytest.mark.parametrize("name", ["RAS", "LIA", "LPS"])
def test_orientation_names_the_direction_of_each_axis(name):
    assert GRIDS[name].orientation == name


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_voxel_sizes_are_the_column_norms_unless_stated(grid):
    assert np.allclose(grid.voxel_size_mm, np.linalg.norm(grid.vox2ras[:3, :3], axis=0))
    stated = Grid(grid.shape, grid.vox2ras, voxel_size_mm=np.array([1.0, 2, 3]))
    assert stated.voxel_volume_mm3 == 6


def test_arrays_of_a_grid_cannot_be_changed():
    matrix = np.eye(4)
    grid = Grid((2, 2, 2), matrix)
    with pytest.raises(ValueError, match="read-only"):
        grid.vox2ras[0, 0] = 5
    matrix[0, 0] = 7
    assert grid.vox2ras[0, 0] == 1, "the grid has its own copy"


def test_other_values_than_shape_and_matrix_are_named():
    with pytest.raises(TypeError):
        Grid((2, 2, 2), np.eye(4), np.ones(3))


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_grids_match_when_all_voxels_coincide(grid):
    nudge = np.zeros((4, 4))
    nudge[0, 3] = 5e-4
    assert grid.matches(Grid(grid.shape, grid.vox2ras + nudge))
    assert not grid.matches(Grid(grid.shape, grid.vox2ras + 10 * nudge))
    assert not grid.matches(Grid((7, 8, 10), grid.vox2ras))
    assert sum(grid.matches(other) for other in GRIDS.values()) == 1


@given(st.integers(1, 2), st.floats(0.005, 0.05))
def test_a_turn_that_moves_a_far_corner_does_not_match(axis, radians):
    """A small turn about the first voxel leaves that voxel in place and moves the opposite corner."""
    grid = Grid((200, 200, 200), np.eye(4))
    turn = np.eye(4)
    turn[0, 0] = turn[axis, axis] = np.cos(radians)
    turn[0, axis], turn[axis, 0] = -np.sin(radians), np.sin(radians)
    assert not grid.matches(Grid(grid.shape, turn))


@pytest.mark.parametrize(("codes", "kept"), [((1, 4), 4), ((2, 0), 2), ((0, 0), 1)])
def test_a_derived_grid_states_its_space(codes, kept):
    grid = Grid((4, 4, 4), np.eye(4), xform_codes=codes, qform2ras=np.eye(4), oriented=False)
    derived = grid.derived((2, 2, 2), 2 * np.eye(4), np.full(3, 2.0))
    assert derived.xform_codes == (kept, kept)
    assert derived.qform2ras is None
    assert derived.oriented


@pytest.mark.parametrize("shape", [(2, 2, 3), (2, 2), (2, 2, 2, 1, 1)])
def test_data_must_lie_on_the_grid(shape):
    with pytest.raises(ValueError, match="do not lie"):
        Volume(np.zeros(shape), Grid((2, 2, 2), np.eye(4)))
