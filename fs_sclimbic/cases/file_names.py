"""File names that a file system takes."""

import os
from collections.abc import Iterable
from pathlib import Path

from ..errors import SclimbicError

DEFAULT_NAME_BYTES, DEFAULT_PATH_BYTES = 255, 4096
"""Limits of most file systems, where the system does not say."""


def check_file_names(paths: Iterable[Path]) -> None:
    """Fail if a name is longer than its file system takes.

    Raises
    ------
    SclimbicError
        With the first such name.
    """
    for path in paths:
        whole = path.absolute()
        folder = _existing_parent(whole)
        name_bytes, path_bytes = _limit(folder, "PC_NAME_MAX", DEFAULT_NAME_BYTES), DEFAULT_PATH_BYTES
        new_names = whole.parts[len(folder.parts) :]
        longest = max((len(os.fsencode(name)) for name in new_names), default=0)
        if longest > name_bytes or len(os.fsencode(whole)) >= path_bytes:
            raise SclimbicError(
                f"{path}: the name of this output is too long for {folder} (a name may have {name_bytes} bytes, a path "
                f"{path_bytes - 1}); give a shorter name or folder"
            )


def _existing_parent(path: Path) -> Path:
    for parent in path.parents:
        try:
            if parent.exists():
                return parent
        except OSError:  # a name in it is too long
            continue
    return Path(path.anchor)


def _limit(folder: Path, name: str, default: int) -> int:
    try:
        return os.pathconf(folder, name)
    except (OSError, ValueError, AttributeError):  # AttributeError: Windows
        return default
