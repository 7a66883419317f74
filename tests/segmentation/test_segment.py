from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from fs_sclimbic.errors import ImageError, TransformError
from fs_sclimbic.image.volume import Volume, write_volume
from fs_sclimbic.segmentation.options import Options
from fs_sclimbic.segmentation.segment import prepare, segment
from tests.conftest import BALL_VOLUME_MM3, CENTER, LEFT_BALL, RIGHT_BALL, grid_about, synthetic_head

ANY_VOXEL = Options(conform=True, exclude=frozenset())
GRIDS = {
    "RAS 1 mm": (np.eye(3), (1, 1, 1)),
    "LIA 1 mm": ([[-1, 0, 0], [0, 0, 1], [0, -1, 0]], (1, 1, 1)),
    "LPS 0.7 mm": (np.diag([-1, -1, 1]), (0.7, 0.7, 0.7)),
    "PIR anisotropic": ([[0, 0, 1], [-1, 0, 0], [0, -1, 0]], (1, 0.8, 1.25)),
    "oblique": (nib.eulerangles.euler2mat(0.25, -0.15, 0.2), (1, 1, 1)),
    "oblique 0.8 mm": (nib.eulerangles.euler2mat(-0.2, 0.3, 0.1), (0.8, 0.9, 0.8)),
}


def head_on(axes, sizes):
    shape = np.round(np.array([54, 54, 54]) / np.abs(np.asarray(sizes))).astype(int)
    return synthetic_head(grid_about(CENTER, shape, axes, sizes))


def centre_of(labels, index):
    return (labels.grid.vox2ras @ [*np.mean(np.argwhere(labels.data == index), axis=0), 1])[:3]


@pytest.mark.parametrize("case", GRIDS.values(), ids=GRIDS)
def test_balls_of_known_size_at_known_places(case, predictor):
    """Volume, count, place and side of two balls, whatever the grid they were imaged on."""
    head = head_on(*case)
    result = segment(head, predictor, ANY_VOXEL, etiv_mm3=1.5e6)
    assert result.labels.grid.matches(head.grid)
    assert result.labels.data.dtype == np.int32
    left, right = result.stats.structures
    for row, index, where in ((left, 26, LEFT_BALL), (right, 853, RIGHT_BALL)):
        assert np.allclose(centre_of(result.labels, index), where, atol=0.5 * max(case[1]))
        assert row.volume_mm3 == pytest.approx(BALL_VOLUME_MM3, rel=0.06)
        assert row.n_voxels * result.stats.voxel_volume_mm3 == pytest.approx(row.volume_mm3, rel=0.06)
        in_image = np.count_nonzero(result.labels.data == index) * head.grid.voxel_volume_mm3
        assert in_image == pytest.approx(row.volume_mm3, rel=0.06)
        assert 0.75 < row.confidence <= 1
    assert result.stats.etiv_mm3 == 1.5e6
    assert result.posteriors.data.shape[-1] == 3
    assert np.allclose(result.posteriors.grid.voxel_size_mm, head.grid.voxel_size_mm)


def test_posteriors_lie_where_the_labels_are(predictor):
    head = head_on(*GRIDS["LPS 0.7 mm"])
    result = segment(head, predictor, ANY_VOXEL)
    weights = result.posteriors.data[..., 1]
    centre = [np.average(axis, weights=weights) for axis in np.indices(weights.shape)]
    assert np.allclose((result.posteriors.grid.vox2ras @ [*centre, 1])[:3], LEFT_BALL, atol=0.2)


def test_excluded_structures_stay_in_the_image(head, predictor):
    result = segment(head, predictor)
    assert [row.structure.index for row in result.stats.structures] == [26]
    assert set(np.unique(result.labels.data)) == {0, 26, 853}


def test_one_mm_only_without_conform(predictor):
    with pytest.raises(ImageError, match=r"0\.7 x 0\.7 x 0\.7 mm.*--conform"):
        segment(head_on(*GRIDS["LPS 0.7 mm"]), predictor)


def test_percentile_brings_a_head_with_a_hot_voxel_back(head, predictor):
    hot = head.data.copy()
    hot[5, 5, 5] = 2000
    spoiled = Volume(hot, head.grid)
    everything = Options(exclude=frozenset())
    assert segment(spoiled, predictor, everything).stats.structures[1].n_voxels == 0, (
        "all of the head is black beside it"
    )
    rescued = segment(spoiled, predictor, replace(everything, percentile=99.9))
    assert rescued.stats.structures[1].volume_mm3 == pytest.approx(BALL_VOLUME_MM3, rel=0.06)


def test_a_transform_that_is_none(head, predictor):
    for wrong in (np.zeros((4, 4)), np.full((4, 4), np.nan)):
        with pytest.raises(TransformError, match="singular or not finite"):
            segment(head, predictor, ras2mni=wrong)


def test_nothing_found_is_a_failure(head, predictor):
    grey = 100 + 20 * (head.data > 100)
    grey[5, 5, 5], grey[57, 5, 5] = 0, 200  # the range, outside the network's box
    with pytest.raises(ImageError, match="no structure found"):
        segment(Volume(grey, head.grid), predictor)


def test_an_error_names_the_file_it_was_given(tmp_path, predictor):
    write_volume(head_on(*GRIDS["LPS 0.7 mm"]), tmp_path / "x.mgz")
    with pytest.raises(ImageError, match=r"x\.mgz: voxels are"):
        segment(tmp_path / "x.mgz", predictor)


def test_a_hot_voxel_is_named_where_nothing_is_found(head, predictor):
    grey = np.where(head.data > 100, 120, 100).astype(np.float32)
    grey[5, 5, 5], grey[57, 5, 5] = 240, 0
    with pytest.raises(ImageError, match=r"no structure found.*--percentile 99\.9"):
        segment(Volume(grey, head.grid), predictor)


def test_squeezed_content_is_named_before_the_head_is_searched(head, predictor):
    squeezed = head.data.copy()
    squeezed[5, 5, 5] = -3000
    image = Volume(squeezed, head.grid)

    def no_search(_image):
        raise AssertionError

    with pytest.raises(ImageError, match=r"-3000 to .* % of that range.*--preset study"):
        prepare(image, predictor.spec, Options(), locate=no_search)
    kept = segment(image, predictor, Options.study(exclude=frozenset()))
    assert kept.stats.structures[1].volume_mm3 == pytest.approx(BALL_VOLUME_MM3, rel=0.06)


def test_a_size_a_hair_off_is_noted_in_published_runs_only(predictor):
    grid = grid_about(CENTER, (64, 64, 64), np.eye(3), (0.85937501, 0.85937501, 0.85937501))
    head = synthetic_head(grid)
    published = segment(head, predictor, ANY_VOXEL)
    assert [note for note in published.notes if "gets 56 voxels" in note]
    study = segment(head, predictor, Options.study(conform=True))
    assert not [note for note in study.notes if "gets 56 voxels" in note]
