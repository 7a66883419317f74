"""What stands for a study in the browser's store, where the marks of many studies lie."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from ...files.content import ContentError, read_small_file
from ...files.system import host_name

IDENTITY = "identity.json"
"""Beside the pages: the study's id, and the folders for which it was chosen."""
MAX_IDENTITY_BYTES = 10_000
ID_DIGITS = 16


def study_id(source: Path) -> str:
    """An id for a study that has none yet.

    Parameters
    ----------
    source : Path
        The folder of results. Containers call the folders of many studies by one name, so its inode counts, too.

    Returns
    -------
    str
        16 hexadecimal digits; neither the folder nor the machine can be read from it.
    """
    return _short_hash(f"{host_name()}\0{source.resolve()}\0{_inode_of(source)}")


def choose_identity(pages: Path, source: Path) -> tuple[str, bytes]:
    """The id of a study: that of its earlier pages, else a new one.

    Marks stay when another machine makes the pages again: the nodes of a cluster have different names, and a container
    has a new one each time. Folders that were moved or are mounted elsewhere are known by their inodes. Pages that were
    copied, or are of another study now, get a new id.

    Parameters
    ----------
    pages : Path
        Folder of the pages.
    source : Path
        Folder of the results.

    Returns
    -------
    str
        The id.
    bytes
        What the pages keep, as ``identity.json``.
    """
    folders = {"pages": _place_of(pages), "source": _place_of(source)}
    try:
        kept = json.loads(read_small_file(pages / IDENTITY, noun="identity", max_bytes=MAX_IDENTITY_BYTES))
        is_same = all(_is_same(kept[name], place) for name, place in folders.items())
        found = str(kept["id"]) if is_same else study_id(source)
    except (ContentError, OSError, ValueError, KeyError, TypeError, AttributeError):
        found = study_id(source)
    return found, json.dumps({"id": found, **folders}).encode()


def _place_of(folder: Path) -> dict[str, str | int]:
    return {"path": _short_hash(str(folder.resolve())), "inode": _inode_of(folder)}


def _is_same(kept: Mapping[str, str | int], place: Mapping[str, str | int]) -> bool:
    """Whether a folder is the one that was noted: some file systems give other inodes each time, some other paths."""
    return kept["path"] == place["path"] or (bool(place["inode"]) and kept["inode"] == place["inode"])


def _inode_of(folder: Path) -> int:
    """0 where there is none."""
    try:
        return folder.stat().st_ino
    except OSError:
        return 0


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:ID_DIGITS]
