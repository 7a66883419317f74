"""SHA-256 of files and texts."""

import hashlib
from os import PathLike

from ..errors import ModelError

PIECE_BYTES = 1 << 20


def sha256_of_text(text: str) -> str:
    """SHA-256 of a text, hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def sha256_of(path: str | PathLike[str]) -> str:
    """SHA-256 of a file's bytes, hexadecimal.

    Raises
    ------
    ModelError
        If the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while piece := file.read(PIECE_BYTES):
                digest.update(piece)
        return digest.hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
