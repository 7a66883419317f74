"""Keras: a user's settings, and bfloat16."""

import json
import os
import subprocess
import sys

import numpy as np

from fs_sclimbic.image.volume import Grid, Volume
from fs_sclimbic.network.predictor import NetworkPredictor
from tests.conftest import ROOT
from tests.networks import RNG


def test_a_users_keras_settings_change_nothing(tiny_model, tmp_path):
    """keras.json may say channels_first and float16; the network is what it is."""
    settings = {"image_data_format": "channels_first", "floatx": "float16"}
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    ctab = tiny_model.weights.with_name("tiny.ctab")
    script = (
        "import numpy as np\n"
        "from fs_sclimbic import Grid, Volume, load_model\n"
        f"model = load_model({str(tiny_model.weights)!r}, {str(ctab)!r}, fov=48, features=2, engine='tensorflow')\n"
        "import keras; assert keras.config.floatx() == 'float16'\n"
        "out = model.predict(Volume(np.full((48, 48, 48), 0.9, 'f4'), Grid((48, 48, 48), np.eye(4)))).data\n"
        "print(out.dtype, out.shape, out[20, 20, 20].argmax())"
    )
    environment = {**os.environ, "KERAS_HOME": str(tmp_path)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "float32 (48, 48, 48, 3) 2", done.stderr


def test_bfloat16_is_near_and_not_the_same(random_model):
    image = Volume(RNG.random((12, 12, 12), np.float32), Grid((12, 12, 12), np.eye(4)))
    exact, rounded = (
        NetworkPredictor(random_model, threads=1, engine="tensorflow", precision=precision).predict(image).data
        for precision in ("float32", "bfloat16")
    )
    assert rounded.dtype == np.float32
    assert np.allclose(rounded.sum(-1), 1, atol=1e-5)
    assert 1e-5 < np.abs(rounded - exact).max() < 0.1
