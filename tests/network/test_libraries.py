"""Keras starts without a word on the terminal."""

import os
import subprocess
import sys

import pytest

from fs_sclimbic.network.libraries import keras_accepts
from tests.conftest import ROOT


def test_keras_starts_quietly_on_the_default_backend():
    environment = {
        name: text for name, text in os.environ.items() if name not in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL")
    }
    script = (
        "import sys; from fs_sclimbic.network.libraries import start_keras; assert 'keras' not in sys.modules\n"
        "start_keras(); print(sys.modules['keras'].backend.backend()); print('heard', file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("tensorflow\n", "heard\n")


IMPORTS = """
import sys

import pytest
from fs_sclimbic.network.libraries import import_openvino, start_keras
import_openvino() if sys.argv[1] == "openvino" else start_keras()
print(*sorted(name for name in ("openvino_telemetry", "matplotlib", "sklearn") if name in sys.modules))
import openvino_telemetry
print(openvino_telemetry.__name__)
"""


@pytest.mark.parametrize("library", ["openvino", "keras"])
def test_what_is_held_back_is_not_loaded_and_can_be_loaded_later(library, tmp_path):
    pytest.importorskip("openvino_telemetry")
    environment = {**os.environ, "HOME": str(tmp_path), "KERAS_BACKEND": "tensorflow"}
    environment.pop("KERAS_HOME", None)
    command = [sys.executable, "-c", IMPORTS, library]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["", "openvino_telemetry"], done.stderr
    assert not any(tmp_path.iterdir())


def test_a_users_telemetry_stays_what_it_was():
    """A program that has loaded it keeps it; OpenVINO gets its stub all the same."""
    pytest.importorskip("openvino_telemetry")
    script = (
        "import sys, openvino_telemetry as before\n"
        "from fs_sclimbic.network.libraries import import_openvino\n"
        "import_openvino()\n"
        "assert sys.modules['openvino_telemetry'] is before\n"
        "from openvino.tools.ovc import telemetry_utils\n"
        "print(telemetry_utils.tm.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "openvino.tools.ovc.telemetry_stub\n", done.stderr


SETTINGS = {
    "curly quotes": '{\u201cfloatx\u201d: "float32"}',
    "half a file": '{"floatx": "flo',
    "a list": "[]",
    "another float": '{"floatx": "bfloat16"}',
    "a whole number": '{"epsilon": 1}',
    "another order": '{"image_data_format": "th"}',
    "not utf-8": b"\xff\xfe",
}


@pytest.mark.parametrize("text", SETTINGS.values(), ids=SETTINGS)
def test_settings_of_keras_that_it_cannot_read(text, tmp_path):
    path = tmp_path / "keras.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert not keras_accepts(str(path))
    assert not keras_accepts(str(tmp_path / "none"))
    path.write_text('{"floatx": "float16", "backend": "torch"}')
    assert keras_accepts(str(path))
