"""Import the libraries that run a network: quietly, and so that they send nothing and write nothing.

``import openvino`` starts OpenVINO's telemetry, which looks up a host, posts a lasting id and writes ``~/intel``.
``import keras`` makes ``~/.keras``. Both are held back here.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType

from ..files.environment import module_is_absent, variable_is

DEFAULT_BACKEND = "tensorflow"
TELEMETRY_MODULE = "openvino_telemetry"
KERAS_HOME_VARIABLE = "KERAS_HOME"
# What Keras takes in its keras.json.
FLOATS = ("float32", "float16", "float64")
DATA_FORMATS = ("channels_last", "channels_first")
# Keras imports these if they are there, for what is not used here. They write a cache (matplotlib) and shared memory
# (joblib behind sklearn), and take as long as TensorFlow itself.
UNUSED_BY_KERAS = ("matplotlib", "sklearn")


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Drop what is written to file descriptor 2: TensorFlow's C++ start-up notes bypass every log level."""
    try:
        sys.stderr.flush()
        kept = os.dup(2)
    except (AttributeError, OSError):  # started without a file 2: nothing can be printed
        yield
        return
    try:
        with open(os.devnull, "wb") as sink:
            os.dup2(sink.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def keras_accepts(path: str) -> bool:
    """Whether a ``keras.json`` is there, and holds what Keras can start with.

    It is edited by hand, and processes that start together on one home once wrote over each other's.
    """
    try:
        with open(path, encoding="utf-8") as file:
            settings = json.load(file)
    except (OSError, ValueError, RecursionError):
        return False
    return (
        isinstance(settings, dict)
        and settings.get("floatx", FLOATS[0]) in FLOATS
        and settings.get("image_data_format", DATA_FORMATS[0]) in DATA_FORMATS
        and isinstance(settings.get("epsilon", 0.0), float)
    )


def start_keras() -> None:
    """Import Keras with its backend: TensorFlow, unless ``KERAS_BACKEND`` says otherwise.

    Call it before the first import of a module that imports Keras; later calls do nothing. A user's ``keras.json`` is
    read if it is valid, and none is written.
    """
    os.environ.setdefault("KERAS_BACKEND", DEFAULT_BACKEND)
    # Only errors.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    home = os.environ.get(KERAS_HOME_VARIABLE) or os.path.join(os.path.expanduser("~"), ".keras")
    # Keras makes its folder and a keras.json if there is none; in os.devnull it can make neither.
    has_settings = keras_accepts(os.path.join(home, "keras.json"))
    with ExitStack() as held_back:
        held_back.enter_context(variable_is(KERAS_HOME_VARIABLE, home if has_settings else os.devnull))
        for name in UNUSED_BY_KERAS:
            if name not in sys.modules:  # a program that has loaded it may want it in Keras, too
                held_back.enter_context(module_is_absent(name))
        held_back.enter_context(silent_stderr())
        import keras  # noqa: F401


def import_openvino() -> ModuleType:
    """Import OpenVINO without its telemetry: the only place that imports it.

    Returns
    -------
    module
        ``openvino``.
    """
    # What OpenVINO imports then uses its stub of the telemetry, which does nothing.
    with module_is_absent(TELEMETRY_MODULE):
        import openvino
    return openvino  # type: ignore[no-any-return,unused-ignore]
