"""A trained harmonisation as a JSON file, to apply to new subjects of the same sites."""

import json
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from ..._version import __version__
from ...errors import TableError
from .combat import Combat
from .kept_columns import Kept, KeptLabels, KeptNumber

FORMAT = "fs_sclimbic site harmonisation"
VERSION = 1
MAX_BYTES = 50_000_000


@dataclass(frozen=True, eq=False, kw_only=True)
class SiteModel:
    """A harmonisation and what it was learned from."""

    combat: Combat
    measure: str
    """First cell of the table, such as ``Measure:volume``."""
    structures: tuple[str, ...]
    site_column: str
    sites: tuple[str, ...]
    site_sizes: tuple[int, ...]
    kept: tuple[Kept, ...]
    made_with: tuple[str, ...] = ()
    """Weights, settings and source of eTIV of the rows, in words."""


def format_model(model: SiteModel) -> str:
    """The text of the model's file."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "program": f"fs_sclimbic {__version__}",
        "method": "ComBat, parametric empirical Bayes",
        "measure": model.measure,
        "site_column": model.site_column,
        "sites": dict(zip(model.sites, model.site_sizes, strict=True)),
        "kept": [
            {"name": one.name, "levels": list(one.levels)} if isinstance(one, KeptLabels) else asdict(one)
            for one in model.kept
        ],
        "made_with": list(model.made_with),
        "structures": list(model.structures),
        **{name: value.tolist() for name, value in asdict(model.combat).items()},
    }
    return json.dumps(content, indent=1) + "\n"


def read_model(path: str | PathLike[str]) -> SiteModel:
    """Read a trained harmonisation.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    SiteModel

    Raises
    ------
    TableError
        If the file is no such model, or its parts do not fit each other.
    """
    file = Path(path)
    expected = "expected a model that fs_sclimbic harmonize --model wrote"
    try:
        with open(file, "rb") as stream:
            content = json.loads(stream.read(MAX_BYTES).decode("utf-8"))
        if content["format"] != FORMAT or content["version"] != VERSION:
            raise ValueError(f"format {content['format']!r}, version {content['version']!r}")
        kept: list[Kept] = [
            KeptLabels(one["name"], tuple(one["levels"]))
            if "levels" in one
            else KeptNumber(one["name"], float(one["low"]), float(one["high"]))
            for one in content["kept"]
        ]
        parts = {name: np.array(content[name], np.float64) for name in Combat.__dataclass_fields__}
        if not parts["slopes"].size:  # JSON does not tell (0, m) from (0,)
            parts["slopes"] = np.zeros((0, len(content["structures"])))
        model = SiteModel(
            combat=Combat(**parts),
            measure=str(content["measure"]),
            structures=tuple(content["structures"]),
            site_column=str(content["site_column"]),
            sites=tuple(content["sites"]),
            site_sizes=tuple(content["sites"].values()),
            kept=tuple(kept),
            made_with=tuple(content["made_with"]),
        )
    except OSError as error:
        raise TableError(f"{file}: cannot be read ({error.strerror}); {expected}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        found = f"{type(error).__name__} {error}" if not isinstance(error, ValueError) else str(error)
        raise TableError(f"{file}: {expected}, found {found[:80]}") from error
    s, m = len(model.sites), len(model.structures)
    k = sum(1 if isinstance(one, KeptNumber) else len(one.levels) - 1 for one in model.kept)
    shapes = {"intercept": (m,), "slopes": (k, m), "pooled_sd": (m,), "shift": (s, m), "scale": (s, m)}
    for name, shape in shapes.items():
        part = getattr(model.combat, name)
        if part.shape != shape:
            raise TableError(f"{file}: {expected}; '{name}' has the shape {part.shape}, expected {shape}")
        if not np.isfinite(part).all() or (name in ("pooled_sd", "scale") and not (part > 0).all()):
            raise TableError(f"{file}: {expected}; '{name}' holds numbers that make no sense")
    return model
