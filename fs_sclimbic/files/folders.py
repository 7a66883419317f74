"""List a folder."""

import os
from pathlib import Path

from ..errors import UsageError, describe_unreadable


def list_folder(folder: Path, noun: str) -> list[str]:
    """Names of what lies in a folder.

    Parameters
    ----------
    folder : Path
    noun : str
        What it is, for the message of an error.

    Returns
    -------
    list of str
        Sorted.

    Raises
    ------
    UsageError
        If the folder does not exist, or cannot be listed.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: {noun} does not exist")
    try:
        return sorted(os.listdir(folder))
    except OSError as error:
        raise UsageError(f"{folder}: {noun} {describe_unreadable(error)}") from error
