import numpy as np
import pytest

from fs_sclimbic.files.resources import data_file
from fs_sclimbic.image.grid import Grid, Volume
from fs_sclimbic.image.volume import write_volume
from fs_sclimbic.registration.average import read_average, split_frames
from fs_sclimbic.registration.brain_template import AVERAGE_BRAIN
from fs_sclimbic.registration.head_template import AVERAGE_HEAD


def test_frames_become_two_images_on_one_grid(tmp_path):
    frames = np.random.default_rng(1).integers(0, 256, (4, 5, 6, 2)).astype(np.uint8)
    image = Volume(frames, Grid((4, 5, 6), np.diag([2.0, 2, 2, 1])))
    write_volume(image, tmp_path / "average.nii.gz")
    for average in (split_frames(image), read_average(tmp_path / "average.nii.gz")):
        for frame, part in enumerate((average.brightness, average.probability)):
            assert part.data.dtype == np.float32
            assert np.array_equal(part.data, frames[..., frame])
            assert part.grid.matches(image.grid)


@pytest.mark.parametrize("name", [AVERAGE_BRAIN, AVERAGE_HEAD])
def test_shipped_averages_are_brightest_inside_the_brain(name):
    average = read_average(data_file(*name))
    assert average.probability.grid.matches(average.brightness.grid)
    inside = average.probability.data > 250
    assert average.brightness.data[inside].mean() > 2 * average.brightness.data[~inside].mean()
