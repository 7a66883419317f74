"""Pictures show each structure in its colour, on the side that the marks say, however the image is stored."""

import sys

import numpy as np
import pytest
from matplotlib.image import imread

from fs_sclimbic.errors import UsageError
from fs_sclimbic.image.volume import Volume
from fs_sclimbic.qc.pictures import draw_labels, plot_labels
from tests.conftest import CENTER, LEFT_BALL, RIGHT_BALL, TWO_BALLS, grid_about, synthetic_head
from tests.heads import FOUR, labelled_head

LEFT, RIGHT = TWO_BALLS.foreground
AXES = {"RAS": np.eye(3), "LIA": [[-1, 0, 0], [0, 0, 1], [0, -1, 0]], "LPS": np.diag([-1, -1, 1])}


def head_with_balls(axes):
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
    t1, labels = head_with_balls(axes)
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


def test_labels_show_in_their_colours(tmp_path):
    t1, truth = labelled_head(3, size_mm=0.9)
    plot_labels(tmp_path / "labels.png", t1, truth, FOUR, "title")
    pixels = imread(tmp_path / "labels.png")[..., :3]
    # Each colour, mixed with the grey below it at 60 %, and solid in the legend.
    for structure in FOUR.foreground:
        solid = np.array(structure.rgba[:3]) / 255
        assert (np.abs(pixels - solid).max(-1) < 0.02).sum() > 50
        mixed = (np.abs((pixels - 0.6 * solid) / 0.4 - pixels.mean()).max(-1) < 2) & (
            pixels @ solid > 0.5 * solid.sum()
        )
        assert mixed.sum() > 500


def test_an_empty_segmentation_is_drawn_too(tmp_path):
    t1, truth = labelled_head(3)
    plot_labels(tmp_path / "none.png", t1, Volume(0 * truth.data, truth.grid), FOUR)
    assert imread(tmp_path / "none.png").shape[2] == 4


def test_without_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    t1, truth = labelled_head(3)
    with pytest.raises(UsageError, match="pip install matplotlib"):
        plot_labels(tmp_path / "labels.png", t1, truth, FOUR)
