import numpy as np
import pytest

from fs_sclimbic.errors import UsageError
from fs_sclimbic.training import curves as plots
from fs_sclimbic.training.checkpoint import Epoch
from fs_sclimbic.training.curves import plot_training


def picture(path):
    import matplotlib.image

    return matplotlib.image.imread(path)


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
