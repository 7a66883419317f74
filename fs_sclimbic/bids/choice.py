"""Which T1 images of a dataset are segmented: labels, filters, and the rule for several images of one session."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..errors import UsageError
from .cases import case_name
from .entities import format_entities
from .filters import NO_FILTER, ImageFilter
from .tree import FoundImages, T1Image

PREPROCESSED = "preproc"
MAX_LISTED = 5


@dataclass(frozen=True, kw_only=True)
class ImageRequest:
    """Which images a user asks for."""

    sessions: frozenset[str] = frozenset()
    """Labels, without ``ses-``; empty: all sessions, and images without one."""
    filter: ImageFilter = NO_FILTER
    derived: bool = False
    """The dataset is a derivative, of fMRIPrep for example: its ``desc-preproc`` images are meant."""


@dataclass(frozen=True)
class ChosenImages:
    """The images to segment, and what is to be known about the others."""

    images: tuple[T1Image, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    """Participants without an image, names that cannot be read."""


def choose_images(found: FoundImages, request: ImageRequest) -> ChosenImages:
    """Choose the images to segment: every T1w image of every session but those that are no whole T1 of a head.

    Left out are the phase and the real and imaginary parts of an image (``part-``), pieces (``chunk-``), images in
    the space of a template (``space-``), and of several echoes all but their combination, or the first. Runs,
    acquisitions and reconstructions (``run-``, ``acq-``, ``rec-``, ``ce-``) are images of their own. A filter that
    names such an entity goes before this rule.

    Parameters
    ----------
    found : FoundImages
    request : ImageRequest

    Returns
    -------
    ChosenImages

    Raises
    ------
    UsageError
        If no image is left.
    """
    notes: list[str] = []
    images = [image for image in found.images if not request.sessions or _session(image) in request.sessions]
    if request.sessions:
        _check_sessions(found.images, request.sessions)
    images = _kept(images, request.filter.fits, "the filter file does not fit them", notes)
    for keys, fits, reason in _rules(request):
        if not request.filter.names(*keys):
            images = _kept(images, fits, reason, notes)
    if not request.filter.names("echo"):
        chosen = _without_echoes(images)
        images = _kept(images, lambda image: image.source in chosen, "another echo, or all combined, is taken", notes)
    if not images:
        raise UsageError(_why_none(found, request, notes))
    return ChosenImages(tuple(_with_twins(images)), tuple(notes), tuple(_warnings(found, images)))


def _rules(request: ImageRequest) -> list[tuple[tuple[str, ...], Callable[[T1Image], bool], str]]:
    """Entities that a rule is about, what it lets pass, and why others are left out."""

    def label(image: T1Image, key: str) -> str:
        return image.name.entities.get(key, "")

    wanted, what = (PREPROCESSED, "not desc-preproc") if request.derived else ("", "derived (desc-)")
    return [
        (("space",), lambda image: not label(image, "space"), "in the space of a template (space-)"),
        (("desc",), lambda image: label(image, "desc") == wanted, what),
        (("part",), lambda image: label(image, "part") in ("", "mag"), "a phase, real or imaginary part (part-)"),
        (("chunk",), lambda image: not label(image, "chunk"), "a piece of the head (chunk-)"),
    ]


def _kept(images: Sequence[T1Image], fits: Callable[[T1Image], bool], reason: str, notes: list[str]) -> list[T1Image]:
    out = [image.source for image in images if not fits(image)]
    if out:
        notes.append(f"{len(out)} T1w image(s) left out, {reason}: {_listed(out)}")
    return [image for image in images if fits(image)]


def _session(image: T1Image) -> str | None:
    return image.name.entities.get("ses")


def _check_sessions(images: Iterable[T1Image], sessions: frozenset[str]) -> None:
    there = sorted({label for image in images if (label := _session(image)) is not None})
    unknown = sorted(sessions.difference(there))
    if unknown:
        names = ", ".join(f"ses-{label}" for label in there) or "none"
        raise UsageError(f"no T1w image of {', '.join(f'ses-{label}' for label in unknown)}; the sessions are {names}")


def _without_echoes(images: Iterable[T1Image]) -> set[str]:
    """Sources of the images that are no echo, or the first of several where nothing combines them."""
    groups: dict[str, list[T1Image]] = {}
    for image in images:
        others = {key: label for key, label in image.name.entities.items() if key != "echo"}
        groups.setdefault(format_entities(others), []).append(image)
    chosen: set[str] = set()
    for group in groups.values():
        first = min(_echo_number(image) for image in group)
        chosen |= {image.source for image in group if _echo_number(image) == first}
    return chosen


def _echo_number(image: T1Image) -> int:
    echo = image.name.entities.get("echo", "0")
    return int(echo) if echo.isdecimal() else 0


def _with_twins(images: Sequence[T1Image]) -> list[T1Image]:
    """Images that would be one case have a problem, .nii and .nii.gz for example: which one is meant?"""
    by_name: dict[str, list[T1Image]] = {}
    for image in images:
        by_name.setdefault(case_name(image.name), []).append(image)
    chosen = []
    for group in by_name.values():
        (first, *others) = group
        if others:
            both = " and ".join(image.path.name for image in group)
            problem = f"{first.path.parent}: {both} are one case; remove one, or choose one with --bids-filter-file"
            chosen.append(T1Image(first.path, first.source, first.name, problem))
        else:
            chosen.append(first)
    return chosen


def _warnings(found: FoundImages, images: Iterable[T1Image]) -> Iterable[str]:
    have = {image.source.split("/")[0] for image in images}
    without = [f"sub-{label}" for label in found.participants if f"sub-{label}" not in have]
    if without:
        yield (
            f"{len(without)} of {len(found.participants)} participants have no T1w image that is taken: "
            f"{_listed(without)}"
        )
    if found.odd_names:
        yield f"{len(found.odd_names)} image(s) without a name of BIDS are left out: {_listed(found.odd_names)}"
    yield from found.unreadable


def _why_none(found: FoundImages, request: ImageRequest, notes: Sequence[str]) -> str:
    kind = "desc-preproc_T1w" if request.derived else "T1w"
    people = f"{len(found.participants)} participant(s)"
    reasons = "; ".join((*notes, *found.unreadable)) or "the folders anat/ hold none"
    hint = (
        "; this dataset is a derivative (dataset_description.json): give the raw one, or choose with --bids-filter-file"
        if request.derived
        else ""
    )
    return f"no {kind} image to segment in {people}: {reasons}{hint}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:MAX_LISTED]) + (" ..." if len(names) > MAX_LISTED else "")
