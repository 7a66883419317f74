"""Where the files shipped with the package lie: colour tables and stats templates."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def data_file(folder: str, name: str) -> Path:
    """Path of a shipped file: in a wheel inside the package, in a checkout beside it.

    Parameters
    ----------
    folder : {"ctab", "stats_templates", "templates", "models"}
    name : str
        File name inside the folder.

    Returns
    -------
    Path

    Raises
    ------
    FileNotFoundError
        If the installation is incomplete.
    """
    for home in (_PACKAGE, _PACKAGE.parent):
        path = home / folder / name
        if path.is_file():
            return path
    raise FileNotFoundError(f"{folder}/{name} is missing from the installation at {_PACKAGE}")
