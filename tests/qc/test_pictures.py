"""Pictures show each structure on the side that the marks say, however the image is stored."""

import numpy as np
import pytest
from matplotlib.image import imread

from fs_sclimbic.image.volume import Volume
from fs_sclimbic.qc.pictures import draw_labels, plot_labels
from tests.conftest import CENTER, LEFT_BALL, RIGHT_BALL, TWO_BALLS, grid_about, synthetic_head

LEFT, RIGHT = TWO_BALLS.foreground
AXES = {"RAS": np.eye(3), "LIA": [[-1, 0, 0], [0, 0, 1], [0, -1, 0]], "LPS": np.diag([-1, -1, 1])}


def labelled_head(axes):
    """A head and the labels of its two balls, on a grid with given axes."""
    t1 = synthetic_head(grid_about(CENTER, (60, 56, 50), axes, (1, 1, 1.5)))
    ras = np.moveaxis(np.indices(t1.grid.shape), 0, -1) @ t1.grid.vox2ras[:3, :3].T + t1.grid.vox2ras[:3, 3]
    labels = np.zeros(t1.grid.shape, np.int32)
    labels[np.linalg.norm(ras - LEFT_BALL, axis=-1) < 5] = LEFT.index
    labels[np.linalg.norm(ras - RIGHT_BALL, axis=-1) < 5] = RIGHT.index
    return t1, Volume(labels, t1.grid)


def columns_of(overlay, structure) -> np.ndarray:
    """The columns of a drawn slice that hold a structure's colour."""
    color = np.array(structure.rgba[:3]) / 255
    return np.nonzero((np.abs(overlay[..., :3] - color).max(-1) < 0.01) & (overlay[..., 3] > 0))[1]


@pytest.mark.parametrize("axes", AXES.values(), ids=AXES)
def test_left_is_where_the_mark_says(axes):
    t1, labels = labelled_head(axes)
    figure = draw_labels(t1, labels, TWO_BALLS)
    rows = np.reshape(figure.axes, (3, 4))
    for panel in rows.flat:
        low, high = (text.get_text() for text in panel.texts)
        assert panel.texts[0].get_position()[0] < 0.5 < panel.texts[1].get_position()[0]
        assert (low, high) == (("P", "A") if panel in rows[0] else ("L", "R"))
    seen = [
        (columns_of(overlay, LEFT).max(), columns_of(overlay, RIGHT).min())
        for overlay in (panel.images[1].get_array() for panel in rows[1:].flat)
        if len(columns_of(overlay, LEFT)) and len(columns_of(overlay, RIGHT))
    ]
    assert seen
    assert all(left < right for left, right in seen)


def test_picture_is_written(tmp_path):
    plot_labels(tmp_path / "labels.png", *labelled_head(np.eye(3)), TWO_BALLS, "two balls")
    assert imread(tmp_path / "labels.png").shape[0] > 500


def test_picture_of_no_structure(tmp_path):
    t1, labels = labelled_head(np.eye(3))
    plot_labels(tmp_path / "labels.png", t1, Volume(np.zeros_like(labels.data), t1.grid), TWO_BALLS)
    assert (tmp_path / "labels.png").is_file()
