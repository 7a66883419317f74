"""Keras starts without a word on the terminal."""

import os
import subprocess
import sys

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
