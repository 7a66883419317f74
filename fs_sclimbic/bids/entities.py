"""Names in BIDS: entities such as ``sub-01_ses-1``, a suffix such as ``T1w``, an ending such as ``.nii.gz``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

LONG_NAMES = {
    "sub": "subject",
    "tpl": "template",
    "ses": "session",
    "cohort": "cohort",
    "sample": "sample",
    "task": "task",
    "tracksys": "tracksys",
    "acq": "acquisition",
    "nuc": "nucleus",
    "voi": "volume",
    "ce": "ceagent",
    "trc": "tracer",
    "stain": "staining",
    "rec": "reconstruction",
    "dir": "direction",
    "run": "run",
    "mod": "modality",
    "echo": "echo",
    "flip": "flip",
    "inv": "inv",
    "mt": "mt",
    "part": "part",
    "proc": "proc",
    "hemi": "hemi",
    "space": "space",
    "split": "split",
    "recording": "recording",
    "chunk": "chunk",
    "atlas": "atlas",
    "seg": "segmentation",
    "scale": "scale",
    "res": "resolution",
    "den": "density",
    "label": "label",
    "desc": "description",
}
"""The entities of BIDS 1.10 in the order in which they stand in a name, with the words that PyBIDS' filters use."""

PLACES = {key: place for place, key in enumerate(LONG_NAMES)}

NUMBERED = frozenset(("run", "echo", "flip", "inv", "split"))
"""Entities whose labels are numbers: ``run-1`` and ``run-01`` are the same."""

CASE_SUFFIXES = frozenset(("T1w", "UNIT1", "dseg", "morph"))
"""Suffixes of files by which people call a case; of control_a the a is none."""

FILE_ENDINGS = frozenset(("nii", "nii.gz", "mgz", "mgh", "tsv"))
"""Endings, without the first dot, of files by which people call a case."""

ENTITY = re.compile(r"([a-zA-Z]+)-([a-zA-Z0-9+]+)")
LABEL = re.compile(r"[a-zA-Z0-9+]+")
SUFFIX = re.compile(r"[a-zA-Z][a-zA-Z0-9]*")


@dataclass(frozen=True)
class BidsName:
    """A name in parts."""

    entities: Mapping[str, str]
    """Labels by the short names of the entities, in the order of the name."""
    suffix: str = ""
    """Such as ``T1w``; empty for a name of entities alone."""
    ending: str = ""
    """From the first dot on."""

    def subset(self, *keys: str) -> dict[str, str]:
        """The labels of these entities, those that the name has."""
        return {key: self.entities[key] for key in keys if key in self.entities}


def parse_file_name(name: str) -> BidsName | None:
    """Take the name of a BIDS file apart.

    Parameters
    ----------
    name : str
        Without folders.

    Returns
    -------
    BidsName or None
        None for a name that does not begin with ``sub-``, has no suffix, or an entity twice.

    Examples
    --------
    >>> parse_file_name("sub-01_ses-1_T1w.nii.gz")
    BidsName(entities={'sub': '01', 'ses': '1'}, suffix='T1w', ending='.nii.gz')
    """
    stem, dot, rest = name.partition(".")
    *parts, suffix = stem.split("_")
    if not parts or not SUFFIX.fullmatch(suffix):
        return None
    entities = _entities(parts)
    return BidsName(entities, suffix, dot + rest) if entities else None


def parse_case_name(name: str) -> BidsName | None:
    """Take a name that people give a subject or case apart: ``sub-01``, ``01``, ``sub-01_ses-1``, ``01_ses-1_T1w``.

    Parameters
    ----------
    name : str
        The name of an image with its ending is taken, too.

    Returns
    -------
    BidsName or None
        None for a name that is none of BIDS.

    Examples
    --------
    >>> parse_case_name("01") == parse_case_name("sub-01") == BidsName({"sub": "01"})
    True
    """
    stem, dot, rest = name.partition(".")
    parts = stem.split("_")
    if LABEL.fullmatch(parts[0]):
        parts[0] = f"sub-{parts[0]}"
    suffix = parts.pop() if len(parts) > 1 and parts[-1] in CASE_SUFFIXES else ""
    if dot and not (suffix and rest in FILE_ENDINGS):  # as in sub-01.long.base, sub-01_T1w.long.base
        return None
    entities = _entities(parts)
    return BidsName(entities, suffix, dot + rest) if entities else None


def _entities(parts: list[str]) -> dict[str, str] | None:
    found = [ENTITY.fullmatch(part) for part in parts]
    pairs = [(match[1], match[2]) for match in found if match]
    is_whole = len(pairs) == len(parts) == len({key for key, _ in pairs})
    return dict(pairs) if is_whole and pairs[0][0] == "sub" else None


def format_entities(entities: Mapping[str, str]) -> str:
    """Entities as they stand in a name, in the order of BIDS; those that BIDS does not know stand last.

    Examples
    --------
    >>> format_entities({"run": "1", "sub": "01", "ses": "pre"})
    'sub-01_ses-pre_run-1'
    """
    keys = sorted(entities, key=lambda key: PLACES.get(key, len(PLACES)))
    return "_".join(f"{key}-{entities[key]}" for key in keys)


def same_label(key: str, one: str, other: str) -> bool:
    """Whether two labels of an entity are the same: numbers of runs by value, all others by their letters.

    Parameters
    ----------
    key : str
        The entity's short name.
    one, other : str

    Returns
    -------
    bool

    Examples
    --------
    >>> same_label("run", "1", "01"), same_label("sub", "1", "01")
    (True, False)
    """
    if key in NUMBERED and one.isdecimal() and other.isdecimal():
        return int(one) == int(other)
    return one == other


def bare_label(key: str, text: str) -> str:
    """A label without its entity, as people may give both: ``sub-01`` and ``01``.

    Parameters
    ----------
    key : str
        The entity's short name.
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> bare_label("sub", "sub-01"), bare_label("sub", "01")
    ('01', '01')
    """
    return text.removeprefix(f"{key}-")
