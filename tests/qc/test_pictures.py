import sys

import matplotlib.image
import numpy as np
import pytest

from fs_sclimbic.errors import UsageError
from fs_sclimbic.image.volume import Volume
from fs_sclimbic.qc.pictures import plot_labels
from tests.heads import FOUR, labelled_head

picture = matplotlib.image.imread


def test_labels_show_in_their_colours(tmp_path):
    t1, truth = labelled_head(3, size_mm=0.9)
    plot_labels(tmp_path / "labels.png", t1, truth, FOUR, "title")
    pixels = picture(tmp_path / "labels.png")[..., :3]
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
    assert picture(tmp_path / "none.png").shape[2] == 4


def test_without_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    t1, truth = labelled_head(3)
    with pytest.raises(UsageError, match="pip install matplotlib"):
        plot_labels(tmp_path / "labels.png", t1, truth, FOUR)
