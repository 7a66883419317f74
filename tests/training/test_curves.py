import numpy as np
import pytest

from fs_sclimbic.errors import UsageError
from fs_sclimbic.qc.pictures import plot_labels
from fs_sclimbic.training import curves as plots
from fs_sclimbic.training.checkpoint import Epoch
from fs_sclimbic.training.curves import plot_training
from tests.heads import FOUR, labelled_head


def picture(path):
    import matplotlib.image

    return matplotlib.image.imread(path)


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
    plot_labels(tmp_path / "none.png", t1, type(truth)(0 * truth.data, truth.grid), FOUR)
    assert picture(tmp_path / "none.png").shape[2] == 4


def test_training(tmp_path):
    epochs = [Epoch(i, 10 * i, 1 / i, 1e-3, {"A": 0.1 * i, "B": 0.2 * i}, 1.0) for i in (1, 2, 3)]
    plot_training(tmp_path / "t.png", list(np.linspace(2, 0.2, 30)), epochs)
    plot_training(tmp_path / "early.png", [2.0, 1.9], [])
    assert picture(tmp_path / "t.png").std() > 0.05
    assert picture(tmp_path / "early.png").shape == picture(tmp_path / "t.png").shape


def test_without_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(UsageError, match="pip install matplotlib"):
        plots.plot_training(tmp_path / "t.png", [1.0], [])
