"""Messages for callers from Python: they name arguments where those of the commands name flags."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import SclimbicError

ARGUMENTS = {
    "--conform": "Options(conform=True)",
    "--preset study": "Options.study()",
    "--percentile 99.9": "Options(percentile=99.9)",
    "--percentile": "Options(percentile=...)",
    "--population-stats": "read_population()",
    "--fov": "fov",
    "--features": "features",
    "--nchannels": "channels",
    "--model FILE --ctab TABLE": "load_model(FILE, TABLE)",
    "--model FILE": "a weight file",
    "--model": "weights",
    "--ctab": "ctab",
    "--engine tensorflow": "engine='tensorflow'",
    "--engine": "engine",
    "--precision": "precision",
    "--cuda-device": "device",
    "--threads": "threads",
    "--etiv-from-image": "register()",
}
"""What stands for a flag in a message of `segment` and `load_model`."""

FLAG = re.compile(
    "(?:" + "|".join(re.escape(flag) for flag in sorted(ARGUMENTS, key=len, reverse=True)) + r")(?![\w-])"
)


def name_arguments(text: str) -> str:
    """A message with arguments in place of flags.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    return FLAG.sub(lambda found: ARGUMENTS[found[0]], text)


@contextmanager
def naming_arguments() -> Iterator[None]:
    """Let errors from inside name arguments in place of flags."""
    try:
        yield
    except SclimbicError as error:
        text = name_arguments(str(error))
        if text == str(error):
            raise
        raise type(error)(text) from error
