"""One image from Python, in each form, with messages about arguments."""

import nibabel as nib
import numpy as np
import pytest

from fs_sclimbic import ImageError, Options, SegmentedImage, segment
from fs_sclimbic.image.volume import read_volume
from tests.conftest import CENTER, grid_about, synthetic_head


def test_each_form_of_an_image_gives_the_same(head, head_file, predictor):
    results = [segment(t1, predictor) for t1 in (head, head_file, str(head_file), nib.load(head_file))]
    assert [result.name for result in results] == ["image", "head", "head", "image"]
    for result in results:
        assert isinstance(result, SegmentedImage)
        assert np.array_equal(result.labels.data, results[0].labels.data)
        assert result.stats == results[0].stats
        assert result.t1.grid.matches(head.grid)


def test_errors_speak_of_arguments_and_name_the_file(tmp_path, head_file, predictor):
    coarse = synthetic_head(grid_about(CENTER, (30, 28, 25), np.eye(3), (2, 2, 2)))
    with pytest.raises(ImageError, match=r"^voxels are 2 x 2 x 2 mm.*use Options\(conform=True\) to resample$"):
        segment(coarse, predictor)
    assert segment(coarse, predictor, Options(conform=True)).stats.structures
    with pytest.raises(ImageError, match=r"nowhere\.mgz: image does not exist"):
        segment(tmp_path / "nowhere.mgz", predictor)
    with pytest.raises(TypeError, match="t1 is a ndarray; give a file name, a Volume"):
        segment(read_volume(head_file).data, predictor)


def test_warnings_speak_of_arguments(head, predictor):
    hot = head.data.copy()
    hot[2, 2, 2] = 20 * hot.max()
    result = segment(type(head)(hot, head.grid), predictor, Options(percentile=99.99))
    assert not any("--" in warning for warning in result.warnings)
