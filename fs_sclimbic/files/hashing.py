"""SHA-256 of files and texts."""

import hashlib
from os import PathLike
from pathlib import Path

from ..errors import ModelError
from .content import PIECE_BYTES, ContentError, check_content


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
    file, digest = Path(path), hashlib.sha256()
    if file.exists() and not file.is_file():  # a pipe would be waited for
        try:
            check_content(file)
        except ContentError as error:
            raise ModelError(f"{path}: cannot be read ({error})") from error
    try:
        with open(file, "rb") as stream:
            while piece := stream.read(PIECE_BYTES):
                digest.update(piece)
        return digest.hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
