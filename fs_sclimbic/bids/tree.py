"""Find the T1 images of a BIDS dataset: a plain walk through its folders, without an index."""

import os
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError, describe_unreadable
from .entities import BidsName, parse_file_name
from .ignore import IgnoreRules, read_ignore_rules

SUFFIX = "T1w"
ENDINGS = (".nii.gz", ".nii")
N_READERS, PEOPLE_PER_TURN = 16, 32
"""Threads that wait for a network file system at the same time, and participants that each takes at once."""


@dataclass(frozen=True)
class T1Image:
    """A T1 image of a dataset."""

    path: Path
    source: str
    """Path within the dataset, with ``/`` between folders."""
    name: BidsName
    problem: str | None = None
    """Why it cannot be taken for what its name says."""


@dataclass(frozen=True, kw_only=True)
class FoundImages:
    """What a walk through a dataset finds."""

    participants: tuple[str, ...]
    """Labels of all participants that were looked at, without ``sub-``, sorted."""
    images: tuple[T1Image, ...]
    """Sorted by participant, session and name."""
    odd_names: tuple[str, ...] = ()
    """Images in folders of anatomy that end as a T1w but have no name of BIDS."""
    unreadable: tuple[str, ...] = ()
    """Folders that cannot be listed, one line each."""


def find_t1_images(dataset: Path, participants: Collection[str] = ()) -> FoundImages:
    """Find the T1w images of a BIDS dataset, raw or derived.

    Parameters
    ----------
    dataset : Path
    participants : collection of str
        Labels, without ``sub-``; empty: everybody.

    Returns
    -------
    FoundImages
        All files ``sub-*/[ses-*/]anat/*_T1w.nii[.gz]`` that .bidsignore does not name. Whether links have content is
        not looked at.

    Raises
    ------
    UsageError
        If the dataset cannot be listed, has no participant, or lacks one who is asked for.
    """
    try:
        names = os.listdir(dataset)
    except OSError as error:
        raise UsageError(f"{dataset}: BIDS dataset {describe_unreadable(error)}") from error
    rules = read_ignore_rules(dataset)
    there = sorted(name[4:] for name in names if name.startswith("sub-") and "." not in name)
    if not there:
        raise UsageError(f"{dataset}: expected a BIDS dataset, found no folder sub-*; the folders are {_some(names)}")
    unknown = sorted(set(participants) - set(there))
    if unknown:
        raise UsageError(
            f"{dataset}: no participant {', '.join(f'sub-{label}' for label in unknown)}; there are {len(there)}: "
            f"{_some(f'sub-{label}' for label in there)}"
        )
    wanted = [label for label in there if not participants or label in participants]
    turns = [wanted[start : start + PEOPLE_PER_TURN] for start in range(0, len(wanted), PEOPLE_PER_TURN)]
    # Threads: a network file system takes milliseconds to list a folder, and answers many at once.
    with ThreadPoolExecutor(N_READERS) as pool:
        walks = list(pool.map(lambda turn: [_walk(dataset, label, rules) for label in turn], turns))
    found = [walk for turn in walks for walk in turn]
    return FoundImages(
        participants=tuple(wanted),
        images=tuple(image for walk in found for image in walk.images),
        odd_names=tuple(name for walk in found for name in walk.odd_names),
        unreadable=tuple(line for walk in found for line in walk.unreadable),
    )


def _walk(dataset: Path, label: str, rules: IgnoreRules) -> FoundImages:
    """What lies in the folders of one participant."""
    home = f"sub-{label}"
    unreadable: list[str] = []
    folders = ["anat", *(f"{name}/anat" for name in _names_in(dataset, home, unreadable) if name.startswith("ses-"))]
    images, odd = [], []
    for folder in folders:
        # Most often there is no such folder, or one: to list it is one call, to ask first is two.
        for name in _names_in(dataset, f"{home}/{folder}", unreadable):
            source = f"{home}/{folder}/{name}"
            if name.startswith(".") or not name.endswith(tuple(SUFFIX + ending for ending in ENDINGS)):
                continue
            if rules.patterns and rules.ignores(source):
                continue
            parts = parse_file_name(name)
            if parts is None or parts.suffix != SUFFIX:
                odd.append(source)
            else:
                path = Path(dataset, source)
                images.append(T1Image(path, source, parts, _misplaced(path, parts, home, folder)))
    return FoundImages(participants=(label,), images=tuple(images), odd_names=tuple(odd), unreadable=tuple(unreadable))


def _names_in(dataset: Path, folder: str, unreadable: list[str]) -> list[str]:
    try:
        return sorted(os.listdir(os.path.join(dataset, folder)))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:  # another user's folder: it costs this participant alone
        unreadable.append(f"{dataset / folder}: {describe_unreadable(error)}")
        return []


def _misplaced(path: Path, name: BidsName, home: str, folder: str) -> str | None:
    """What is wrong if the name is of another participant or session than the folder."""
    session = folder.removesuffix("anat").rstrip("/")
    expected = {"sub": home[4:], **({"ses": session[4:]} if session else {})}
    if name.subset("sub", "ses") == expected:
        return None
    return f"{path}: the folder is of {'_'.join(filter(None, (home, session)))}, the name is not; rename the file"


def _some(names: Iterable[str], most: int = 8) -> str:
    listed = sorted(names)
    return ", ".join(listed[:most]) + (" ..." if len(listed) > most else "") if listed else "none"
