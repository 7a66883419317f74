"""Import the libraries that run a network: quietly, and with the settings that they read only when they start."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

DEFAULT_BACKEND = "tensorflow"


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


def start_keras() -> None:
    """Import Keras with its backend: TensorFlow, unless ``KERAS_BACKEND`` says otherwise.

    Call it before the first import of a module that imports Keras; later calls do nothing.
    """
    os.environ.setdefault("KERAS_BACKEND", DEFAULT_BACKEND)
    # Only errors.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with silent_stderr():
        import keras  # noqa: F401
