"""surfa's interpolation, which is FreeSurfer's: the numbers are the same."""

from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from numpy.typing import NDArray


def _load() -> Callable[..., NDArray[Any]]:
    """Load surfa's interpolation alone: importing all of surfa takes a third of a second."""
    package = find_spec("surfa")
    for folder in (package.submodule_search_locations or []) if package else []:
        for suffix in EXTENSION_SUFFIXES:  # the most particular first
            file = Path(folder, "image", f"interp{suffix}")
            if file.is_file():
                spec = spec_from_file_location("surfa.image.interp", file)
                assert spec is not None
                assert spec.loader is not None
                module = module_from_spec(spec)
                spec.loader.exec_module(module)
                return module.interpolate  # type: ignore[no-any-return]
    from surfa.image.interp import interpolate

    return interpolate  # type: ignore[no-any-return]


interpolate = _load()
