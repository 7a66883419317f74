import numpy as np
import pytest

from fs_sclimbic.image.labels import ColorTable, Structure
from fs_sclimbic.image.volume import Volume
from fs_sclimbic.segmentation.measure import label_image, measure, winning_channels
from tests.conftest import grid_about

COLORS = ColorTable(
    tuple(Structure(i, n, (0, 0, 0, 0)) for i, n in [(0, "Unknown"), (26, "A"), (853, "B"), (870, "C")])
)


@pytest.fixture
def posteriors():
    data = np.zeros((10, 4, 4, 4), np.float32)
    data[..., 0] = 1
    for x, a in ((1, 0.8), (2, 0.6), (3, 0.3), (8, 0.9)):  # three voxels of A, one apart, and a soft rim
        data[x, 1, 1] = [1 - a, a, 0, 0]
    data[5, 1, 1] = [0.1, 0, 0.9, 0]
    return Volume(data, grid_about([0, 0, 0], (10, 4, 4), np.eye(3), (0.5, 1, 2)))


def test_counts_volumes_confidence(posteriors):
    stats = measure(posteriors, winning_channels(posteriors), COLORS, etiv_mm3=1.5e6)
    a, b, c = stats.structures
    assert (a.n_voxels, b.n_voxels, c.n_voxels) == (3, 1, 0)
    assert a.volume_mm3 == pytest.approx(0.8 + 0.6 + 0.3 + 0.9)  # a voxel is 1 mm^3 here
    assert a.confidence == pytest.approx((0.8 + 0.6 + 0.9) / 3)
    assert (c.volume_mm3, c.confidence) == (0, 0)
    assert (a.detached_voxels, b.detached_voxels, c.detached_voxels) == (1, 0, 0)
    assert stats.etiv_mm3 == 1.5e6


def test_voxel_counts_and_exclusion(posteriors):
    coarse = Volume(posteriors.data, grid_about([0, 0, 0], (10, 4, 4), np.eye(3), (2, 2, 2)))
    stats = measure(coarse, winning_channels(coarse), COLORS, exclude=frozenset({853}), voxel_counts=True)
    assert [(row.structure.index, row.volume_mm3) for row in stats.structures] == [(26, 24.0), (870, 0.0)]


def test_label_image_holds_all(posteriors):
    labels = label_image(winning_channels(posteriors), COLORS, posteriors.grid)
    assert labels.data.dtype == np.int32
    assert sorted(np.unique(labels.data)) == [0, 26, 853]
    assert labels.data[3, 1, 1] == 0
