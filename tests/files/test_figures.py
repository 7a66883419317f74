import sys

import numpy as np
import pytest

from fs_sclimbic.errors import UsageError
from fs_sclimbic.files.figures import load_pyplot, write_figure

pytest.importorskip("matplotlib")


def test_a_figure_is_a_png_of_its_size_and_is_closed(tmp_path):
    pyplot = load_pyplot()
    before = pyplot.get_fignums()
    figure, axes = pyplot.subplots(figsize=(4, 2), facecolor="red")
    axes.set_axis_off()
    write_figure(figure, tmp_path / "deep/figure.png")
    assert pyplot.get_fignums() == before
    pixels = pyplot.imread(tmp_path / "deep/figure.png")
    assert pixels.shape[:2] == (220, 440)
    assert np.allclose(pixels[0, 0, :3], [1, 0, 0]), "the figure's own background"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["figure.png"]


def test_a_figure_that_cannot_be_written_leaves_the_old_one(tmp_path):
    (tmp_path / "file").write_text("old")
    figure = load_pyplot().figure()
    with pytest.raises(OSError, match="below"):
        write_figure(figure, tmp_path / "file/below.png")
    assert (tmp_path / "file").read_text() == "old"


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match="python -m pip install matplotlib"):
        load_pyplot()
