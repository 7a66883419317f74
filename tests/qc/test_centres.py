"""Structures are found where their voxels are, and lost ones are expected where they would be."""

import numpy as np
import pytest

from fs_sclimbic.image.labels import read_ctab
from fs_sclimbic.image.volume import Volume
from fs_sclimbic.qc.centres import fit_similarity, locate_structures, read_usual_sites
from tests.conftest import ONE_BALL, grid_about
from tests.heads import RAS2MNI

COLORS = read_ctab()


def usual_labels(lost=(), axes=None) -> Volume:
    """Balls at the usual positions of the structures in a head that lies as RAS2MNI says."""
    mni2ras = np.linalg.inv(RAS2MNI)
    axes = np.eye(3) if axes is None else axes
    grid = grid_about(mni2ras[:3, 3], (80, 90, 84), axes, (1.0, 1.0, 1.2))
    ras = np.moveaxis(np.indices(grid.shape), 0, -1) @ grid.vox2ras[:3, :3].T + grid.vox2ras[:3, 3]
    labels = np.zeros(grid.shape, np.int32)
    for structure in COLORS.foreground:
        if structure.name not in lost:
            labels[np.linalg.norm(ras - position_of(structure.name), axis=-1) < 1.6] = structure.index
    return Volume(labels, grid)


def position_of(name) -> np.ndarray:
    """Scanner RAS, mm."""
    return (np.linalg.inv(RAS2MNI) @ [*read_usual_sites()[name].centre, 1])[:3]


def ras_of(voxel, grid) -> np.ndarray:
    return grid.vox2ras[:3, :3] @ voxel + grid.vox2ras[:3, 3]


LOST = ("Left-Fornix", "Right-Fornix", "Right-Nucleus-Accumbens")


@pytest.mark.parametrize("ras2mni", [None, RAS2MNI, np.diag([3.0, 3.0, 3.0, 1.0])], ids=["none", "good", "failed"])
def test_lost_structures_are_expected_near_where_they_would_be(ras2mni):
    labels = usual_labels(LOST)
    locations = locate_structures(labels, COLORS, ras2mni)
    assert list(locations.centres) == [structure.name for structure in COLORS.foreground]
    for name, centre in locations.centres.items():
        assert centre.is_found == (name not in LOST)
        assert np.linalg.norm(ras_of(centre.voxel, labels.grid) - position_of(name)) < (4 if name in LOST else 1)


def test_the_middle_does_not_hang_on_what_is_found():
    whole, few = (locate_structures(usual_labels(lost), COLORS).middle for lost in ((), LOST))
    assert np.abs(whole - few).max() < 2


def test_with_few_structures_a_transform_says_where():
    lost = [structure.name for structure in COLORS.foreground][1:]
    labels = usual_labels(lost)
    for ras2mni, tolerance_mm in ((RAS2MNI, 0.5), (None, 12)):
        centre = locate_structures(labels, COLORS, ras2mni).centres["Right-Fornix"]
        assert np.linalg.norm(ras_of(centre.voxel, labels.grid) - position_of("Right-Fornix")) < tolerance_mm


def test_an_empty_image_has_its_middle():
    empty = Volume(np.zeros((20, 30, 40), np.int32), grid_about((0, 0, 0), (20, 30, 40), np.eye(3), (1, 1, 1)))
    locations = locate_structures(empty, COLORS)
    assert not locations.centres
    assert locations.middle.tolist() == [9.5, 14.5, 19.5]
    assert all(not centre.is_found for centre in locate_structures(empty, COLORS, RAS2MNI).centres.values())


def test_a_structure_of_another_model_is_found_but_not_guessed():
    data = np.zeros((20, 20, 20), np.int32)
    data[4:8, 5:9, 6:10] = 7
    data[18, 18, 18] = 7  # an island
    labels = Volume(data, grid_about((0, 0, 0), data.shape, np.eye(3), (1, 1, 1)))
    assert locate_structures(labels, ONE_BALL).centres["Ball"].voxel.tolist() == [5.5, 6.5, 7.5]
    assert not locate_structures(Volume(0 * data, labels.grid), ONE_BALL, RAS2MNI).centres


def test_a_similarity_is_found_without_a_mirror():
    rng = np.random.default_rng(1)
    points = rng.normal(0, 20, (8, 3))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    matrix = fit_similarity(points, 0.8 * points @ turn.T + [1, 2, 3])
    assert np.allclose(matrix[:3, :3], 0.8 * turn)
    assert np.allclose(matrix[:3, 3], [1, 2, 3])
    mirrored = fit_similarity(points, points * [-1, 1, 1])
    assert np.linalg.det(mirrored[:3, :3]) > 0
