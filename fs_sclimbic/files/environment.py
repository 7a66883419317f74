"""Change this process's surroundings for a moment, and find a folder for what a library must keep."""

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PRIVATE_MODE = 0o700
GROUP_AND_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@contextmanager
def module_is_absent(name: str) -> Iterator[None]:
    """Let every ``import`` of a module fail with ImportError; afterwards ``sys.modules`` is as before.

    Parameters
    ----------
    name : str
        The module; its submodules cannot be imported either.
    """
    kept = {key: module for key, module in sys.modules.items() if key == name or key.startswith(f"{name}.")}
    for key in kept:
        del sys.modules[key]
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.modules.pop(name, None)
        sys.modules.update(kept)


@contextmanager
def variable_is(name: str, value: str) -> Iterator[None]:
    """Set an environment variable; afterwards it is as before.

    Parameters
    ----------
    name, value : str
    """
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before


def private_folder(parent: Path | None = None) -> Path:
    """A folder of this user alone in the system's temporary folder, the same for each run.

    Parameters
    ----------
    parent : Path, optional
        By default the system's temporary folder.

    Returns
    -------
    Path
        If the folder of that name is another's, or open to others: a new one of a random name.

    Raises
    ------
    OSError
        If no folder can be made.
    """
    folder = (parent or Path(tempfile.gettempdir())) / f"fs_sclimbic-{os.geteuid()}"
    try:
        folder.mkdir(mode=PRIVATE_MODE)
    except FileExistsError:
        found = folder.lstat()  # a link of someone else must not lead our writing elsewhere
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & GROUP_AND_OTHERS:
            return Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    return folder
