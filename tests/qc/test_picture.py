"""A picture is written as the kind of file that its name says, small, and shown by notebooks."""

import io

import numpy as np
import pytest
from PIL import Image

from fs_sclimbic.errors import UsageError
from fs_sclimbic.qc.picture import SMALL_FILE_BYTES, Picture

RED_LINE = np.zeros((40, 60, 3), np.uint8)
RED_LINE[20:22] = (255, 0, 0)


def pixels_of(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), int)


@pytest.mark.parametrize(("ending", "tolerance"), [(".png", 0), (".webp", 110), (".jpg", 60), (".JPEG", 60)])
def test_a_picture_comes_back(tmp_path, ending, tolerance):
    Picture(RED_LINE).save(tmp_path / f"picture{ending}")
    found = pixels_of((tmp_path / f"picture{ending}").read_bytes())
    assert np.abs(found - RED_LINE).max() <= tolerance


def test_noise_is_compressed_until_it_is_small():
    noise = np.random.default_rng(0).integers(0, 60, (700, 900, 1), np.uint8).repeat(3, axis=2)
    assert len(Picture(noise).encode(".webp")) < SMALL_FILE_BYTES < len(Picture(noise).encode(".png"))


def test_notebooks_show_it():
    assert np.array_equal(pixels_of(Picture(RED_LINE)._repr_png_()), RED_LINE)
    assert repr(Picture(RED_LINE, "a line")) == "<Picture 60 x 40: a line>"


def test_another_kind_is_an_error_and_leaves_nothing(tmp_path):
    with pytest.raises(UsageError, match=r"'\.gif': expected a picture that ends in \.webp"):
        Picture(RED_LINE).save(tmp_path / "picture.gif")
    assert not list(tmp_path.iterdir())
