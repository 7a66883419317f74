"""Copy the published weights into the user's folder: the only code here that may use the network."""

import os
import tempfile
from os import PathLike
from pathlib import Path

import pooch

from ..errors import ModelError, UsageError
from ..files.hashing import sha256_of
from ..files.staging import write_atomically
from .store import KNOWN_WEIGHTS, MODELS_FOLDER_VARIABLE, PUBLISHED_NAME, KnownWeights, models_folder


def install_model(source: str | PathLike[str], known: KnownWeights = KNOWN_WEIGHTS) -> Path:
    """Copy the published weights into the user's folder, from a file or a URL.

    Parameters
    ----------
    source : path-like or str
        A local file, FreeSurfer's folder or its folder ``models``, or an address that starts with http://, https://
        or ftp://.
    known : KnownWeights
        The SHA-256 that the file must have.

    Returns
    -------
    Path
        The installed file.

    Raises
    ------
    ModelError
        If the source cannot be read, or its SHA-256 is not the published one; nothing is installed then.
    UsageError
        If the source is an address of another kind.
    """
    target = models_folder() / PUBLISHED_NAME
    source = os.fspath(source)
    for file in (Path(source) / PUBLISHED_NAME, Path(source) / "models" / PUBLISHED_NAME):
        if "://" not in source and file.is_file():
            source = str(file)
    content = _fetch(source, known.published_sha256)
    try:
        write_atomically(target, content)
    except OSError as error:
        raise ModelError(
            f"{target}: cannot be written ({error.strerror}); {MODELS_FOLDER_VARIABLE} names another folder"
        ) from error
    return target


def _fetch(source: str, sha256: str) -> bytes:
    """The bytes of the file with this SHA-256, from a file or an address; nothing else is returned."""
    if source.startswith(("http://", "https://", "ftp://")):
        with tempfile.TemporaryDirectory() as folder:
            try:
                return Path(
                    pooch.retrieve(source, known_hash=f"sha256:{sha256}", fname=PUBLISHED_NAME, path=folder)
                ).read_bytes()
            except ValueError as error:
                raise ModelError(
                    f"{source}: is not the published file (SHA-256 differs); nothing was installed"
                ) from error
            except OSError as error:
                raise ModelError(f"{source}: download failed ({str(error)[:150]})") from error
    if "://" in source:
        raise UsageError(f"{source}: give a local file or an address that starts with http://, https:// or ftp://")
    found = sha256_of(source)
    if found != sha256:
        raise ModelError(
            f"{source}: is not the published file (SHA-256 {found[:12]}..., expected {sha256[:12]}...); "
            "nothing was installed. Use other weights with --model FILE --ctab TABLE"
        )
    return Path(source).read_bytes()
