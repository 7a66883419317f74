"""BIDS filter files: which images are taken, as fMRIPrep and other BIDS Apps read them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .entities import LONG_NAMES, bare_label, same_label
from .tree import SUFFIX, T1Image

ABSENT, PRESENT, OPTIONAL = "absent", "present", "optional"
QUERIES = {"NONE": ABSENT, "ANY": PRESENT, "REQUIRED": PRESENT, "OPTIONAL": OPTIONAL}
"""PyBIDS' words for whether an entity stands in a name."""
OTHER_NAMES = {"desc": "desc", "inversion": "inv", "mtransfer": "mt", "processing": "proc", "hemisphere": "hemi"}


@dataclass(frozen=True)
class ImageFilter:
    """For each entity what its label may be."""

    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By short name: labels, of which one must fit."""
    queries: Mapping[str, str] = field(default_factory=dict)
    """By short name: whether the entity stands in the name."""
    endings: tuple[str, ...] = ()
    """Endings of the file; empty: any."""

    def names(self, *keys: str) -> bool:
        """Whether the filter says something about one of these entities."""
        return any(key in self.labels or key in self.queries for key in keys)

    def fits(self, image: T1Image) -> bool:
        """Whether an image passes.

        Parameters
        ----------
        image : T1Image

        Returns
        -------
        bool
        """
        entities = image.name.entities
        if self.endings and image.name.ending not in self.endings:
            return False
        for key, query in self.queries.items():
            if query != OPTIONAL and (key in entities) != (query == PRESENT):
                return False
        return all(
            key in entities and any(same_label(key, entities[key], label) for label in labels)
            for key, labels in self.labels.items()
        )


NO_FILTER = ImageFilter()


def read_filter_file(path: Path) -> ImageFilter:
    """Read the part ``t1w`` of a BIDS filter file: entities with a label, a list of labels, or null.

    Parameters
    ----------
    path : Path
        Such as ``{"t1w": {"session": "1", "acquisition": null, "run": [1, 2]}}``. null means that the entity is not
        there, ``"Query.ANY"`` that it is.

    Returns
    -------
    ImageFilter

    Raises
    ------
    UsageError
        If the file is not as expected, or names what is no entity.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: filter file cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: filter file is no JSON ({error})") from error
    parts = [key for key in content if key.lower() == "t1w"] if isinstance(content, dict) else []
    if len(parts) != 1 or not isinstance(content[parts[0]], dict):
        found = ", ".join(map(repr, content))[:80] if isinstance(content, dict) else type(content).__name__
        raise UsageError(f'{path}: expected {{"t1w": {{"session": "1"}}}}, found {found}')
    return _parse(path, content[parts[0]])


def _parse(path: Path, part: Mapping[str, Any]) -> ImageFilter:
    labels: dict[str, tuple[str, ...]] = {}
    queries: dict[str, str] = {}
    endings: tuple[str, ...] = ()
    for name, value in part.items():
        values = _texts(path, name, value)
        if name in ("datatype", "suffix"):
            expected = "anat" if name == "datatype" else SUFFIX
            if expected not in values:
                raise UsageError(f"{path}: {name} is {value!r}; only {expected} images are segmented")
        elif name == "extension":
            endings = tuple(text if text.startswith(".") else f".{text}" for text in values)
        elif value is None:
            queries[_short_name(path, name)] = ABSENT
        elif len(values) == 1 and "Query." in values[0]:
            queries[_short_name(path, name)] = _query(path, values[0])
        else:
            key = _short_name(path, name)
            labels[key] = tuple(bare_label(key, text) for text in values)
    return ImageFilter(labels, queries, endings)


def _texts(path: Path, name: str, value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    if any(isinstance(one, bool) or not isinstance(one, str | int) for one in values):
        raise UsageError(f"{path}: {name}: expected a label, a list of labels or null, found {value!r:.60}")
    return tuple(map(str, values))


def _short_name(path: Path, name: str) -> str:
    known = {long: short for short, long in LONG_NAMES.items()} | OTHER_NAMES
    short = name if name in LONG_NAMES else known.get(name)
    if short is None:
        raise UsageError(f"{path}: '{name}' is no entity of BIDS; some are {', '.join(list(known)[:12])}")
    return short


def _query(path: Path, text: str) -> str:
    word = text.strip("<>").split("Query.")[1].split(":")[0].strip()
    if word not in QUERIES:
        raise UsageError(
            f"{path}: 'Query.{word}' is not known; give {', '.join(f'Query.{known}' for known in QUERIES)}"
        )
    return QUERIES[word]
