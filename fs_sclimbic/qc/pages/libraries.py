"""The libraries that pages use in the browser: found in the user's own installation, and copied beside the pages.

DataTables comes with itables, NiiVue with nilearn. Neither package is imported: that takes seconds, and only a file of
each is needed.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ...errors import UsageError

INSTALL_ADVICE = 'python -m pip install "fs_sclimbic[qc]"'
TABLE_SCRIPT, TABLE_STYLE = Path("html", "dt_bundle.js"), Path("html", "dt_bundle.css")
VIEWER_SCRIPT = "niivue*.js"
VIEWER_GLOBAL = b"niivue={}"
"""What a script says that gives its names to a page without modules, which pages from disk cannot load."""


@dataclass(frozen=True, kw_only=True)
class PageLibraries:
    """Scripts and styles of other people, as they are copied beside the pages."""

    tables: bytes
    """A script that gives DataTables as ``Sclimbic.dataTables``, a promise."""
    table_style: bytes
    viewer: bytes | None
    """NiiVue; None if nilearn does not bring it."""
    viewer_problem: str
    """Why there is no viewer; empty if there is one."""


def package_folder(name: str) -> Path | None:
    """Folder of an installed package, which is not imported; None if it is not installed."""
    package = find_spec(name)
    return Path(package.origin).parent if package and package.origin else None


def read_libraries(folder_of: Callable[[str], Path | None] = package_folder) -> PageLibraries:
    """Read the scripts from the installed packages.

    Parameters
    ----------
    folder_of : callable
        Finds the folder of a package by its name.

    Returns
    -------
    PageLibraries

    Raises
    ------
    UsageError
        If itables is not installed, or brings no DataTables.
    """
    home = folder_of("itables")
    if home is None:
        raise UsageError(f"pages need itables, which brings the tables: {INSTALL_ADVICE}")
    try:
        module = (home / TABLE_SCRIPT).read_text("utf-8")
        style = (home / TABLE_STYLE).read_bytes()
    except OSError as error:
        raise UsageError(
            f"{error.filename}: is missing; install a version from 2.9 to below 3: {INSTALL_ADVICE}"
        ) from error
    viewer = _find_viewer(folder_of("nilearn"))
    problem = (
        ""
        if viewer
        else f"These pages were made without the viewer: it comes with nilearn from 0.14 ({INSTALL_ADVICE})."
    )
    return PageLibraries(
        tables=script_of_module(module).encode(), table_style=style, viewer=viewer, viewer_problem=problem
    )


def script_of_module(source: str) -> str:
    """A plain script that loads a module: browsers load no module files for pages from disk.

    Parameters
    ----------
    source : str
        Of the module, which must import nothing.

    Returns
    -------
    str
    """
    return (
        "window.Sclimbic = window.Sclimbic || {};\n"
        "(function () {\n"
        f"  const source = {encode_json(source)};\n"
        '  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));\n'
        "  window.Sclimbic.dataTables = import(address);\n"
        "})();\n"
    )


def encode_json(value: object) -> str:
    """JSON that may stand in a script, also inside a page: nothing in it ends the script.

    Parameters
    ----------
    value : object
        Of json's types; numbers that are not finite are null.

    Returns
    -------
    str
        ASCII; bytes of file names that are not UTF-8 are lone surrogates, as in Python.
    """
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _find_viewer(home: Path | None) -> bytes | None:
    """NiiVue from nilearn's assets, wherever this version keeps them."""
    for path in sorted(home.glob(f"**/{VIEWER_SCRIPT}")) if home else ():
        content = path.read_bytes()
        if VIEWER_GLOBAL in content[:2000]:
            return content
    return None
