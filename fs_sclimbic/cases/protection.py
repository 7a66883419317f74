"""Results of a study are not replaced by results of other weights or settings, unless that is asked for."""

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..errors import UsageError
from ..network.store import EARLIER_SHIPPED, PUBLISHED_SHA256, SHIPPED, weights_in_words
from ..segmentation.options import Options
from .case import Case
from .record import Record, Settings, read_record, weights_name
from .run import Run
from .settings import run_settings

WORDS = {
    "weights_sha256": "other weights",
    "fov": "another box of the network",
    "features": "other features of the network",
    "channels": "other channels of the network",
    "colors": "another colour table",
    "percentile": "another top of the intensity range",
    "low_percentile": "another bottom of the intensity range",
    "size_tolerance_voxels": "another rule for the size of images",
    "voxel_counts": "another way to measure volumes",
    "full_fov": "another field of view",
    "average_shifts": "another number of starts",
    "precision": "another precision",
    "population": "another population table",
}
"""Settings that a user chooses for a whole study, in words. Not among them: what follows from the input."""
EXCLUDE_WORDS, ETIV_WORDS = "more structures", "another source of eTIV"

FROM_TRANSFORM, FROM_IMAGE = "transform", "image"
ADVICE = "--redo replaces them, --output-base NAME keeps both"
EARLIER_ADVICE = "; to go on with the {model}, give its file to --model (docs/model_card.md says where it is)"
ADVICE_OF_IMAGE = "--redo replaces it, another --o keeps both"
FALLBACK_ADVICE = (
    "the published weights are not found here: set FREESURFER_HOME or run 'fs_sclimbic model install' (--model shipped "
    "--redo replaces all results)"
)
MAX_NAMES = 3
"""A message names no more cases than this."""
N_READERS = 8
"""Threads that read records; most of the time they wait for a network file system."""


MAX_OTHERS = 200
"""A task looks at the records of all its cases, and at so many of other tasks: thousands of tasks share a disk."""
READ_AT_ONCE = 256
"""Records that are held at the same time."""


@dataclass(frozen=True)
class Difference:
    """A finished case that was made in another way than this run would make it."""

    case: str
    words: tuple[str, ...]
    """What differs."""
    weights: str = ""
    """The other weights in words, if those differ."""
    earlier_model: str = ""
    """Which earlier model of this package they are; empty for others."""


def etiv_source(settings: Settings) -> str | None:
    """Where the eTIV of a record comes from.

    Parameters
    ----------
    settings : mapping

    Returns
    -------
    {"transform", "image", None}
        None: there is no eTIV.
    """
    if settings.get("average_head_sha256"):
        return FROM_IMAGE
    return FROM_TRANSFORM if settings.get("transform_sha256") else None


def find_difference(case: Case, record: Record, run: Run, options: Options) -> Difference | None:
    """What a run would change in a finished case, apart from what only adds to it.

    Adding is free: further files, further structures, eTIV where there was none. So is an input that changed.

    Parameters
    ----------
    case : Case
    record : Record
        What an earlier run left of this case.
    run : Run
    options : Options

    Returns
    -------
    Difference or None
    """
    before, now = record.settings, json.loads(json.dumps(dict(run_settings(run, options))))
    words = [text for key, text in WORDS.items() if before.get(key) != now.get(key)]
    if not set(now["exclude"]) <= set(before.get("exclude", now["exclude"])):
        words.append(EXCLUDE_WORDS)
    source = FROM_IMAGE if case.etiv_from_image else FROM_TRANSFORM if case.transforms else None
    if etiv_source(before) not in (None, source):
        words.append(ETIV_WORDS)
    if not words or not os.path.isfile(case.outputs.segmentation):  # a result that was removed is replaced
        return None
    sha256 = before.get("weights_sha256")
    if sha256 == now["weights_sha256"]:
        return Difference(case.name, tuple(words))
    return Difference(case.name, tuple(words), weights_of(record), EARLIER_SHIPPED.get(sha256 or "", ""))


def weights_of(record: Record) -> str:
    """The weights that a record was made with, in words; empty if its provenance does not say it."""
    name = weights_name(record)
    return name and weights_in_words(name, record.settings.get("weights_sha256") or "")


def read_records(cases: Sequence[Case]) -> Iterator[tuple[Case, Record]]:
    """The records of cases that have one.

    Parameters
    ----------
    cases : sequence of Case

    Yields
    ------
    (Case, Record)
        In the order of the cases.
    """
    with ThreadPoolExecutor(N_READERS) as pool:
        for start in range(0, len(cases), READ_AT_ONCE):
            some = cases[start : start + READ_AT_ONCE]
            for case, record in zip(some, pool.map(lambda case: read_record(case.outputs.record), some), strict=True):
                if record is not None:
                    yield case, record


def spread(cases: Sequence[Case], most: int) -> Sequence[Case]:
    """Some of many cases, spread evenly over them.

    Parameters
    ----------
    cases : sequence of Case
    most : int
        So many, about.

    Returns
    -------
    sequence of Case
        All, if there are no more than that.
    """
    return cases[:: max(len(cases) // most, 1)]


def check_study(cases: Sequence[Case], run: Run, options: Options, *, advice: str = ADVICE) -> None:
    """Refuse a run that would replace results by results of other weights or settings.

    Parameters
    ----------
    cases : sequence of Case
        Those of the run, and some of other tasks.
    run : Run
    options : Options
        With ``redo`` only a fall-back from published to shipped weights is refused.
    advice : str
        What to do, for the message.

    Raises
    ------
    UsageError
        In one line: how many cases, and what differs.
    """
    differing = []
    for case, record in read_records(cases):
        if is_fallback(run) and record.settings.get("weights_sha256") == PUBLISHED_SHA256:
            raise UsageError(
                f"this run would use the shipped weights, earlier results have the published ones; {FALLBACK_ADVICE}"
            )
        if not options.redo and (difference := find_difference(case, record, run, options)):
            differing.append(difference)
    if differing:
        earlier = sorted({difference.earlier_model for difference in differing if difference.earlier_model})
        go_on = EARLIER_ADVICE.format(model=" or the ".join(earlier)) if earlier else ""
        raise UsageError(f"{describe_differences(differing, len(cases), weights_of_run(run))}; {advice}{go_on}")


def weights_of_run(run: Run) -> str:
    """The weights of a run, in words."""
    return weights_in_words(run.spec.name, run.spec.sha256)


def is_fallback(run: Run) -> bool:
    """Whether a run takes the shipped weights because no others were found, not because a user named them."""
    return run.spec.origin == SHIPPED and not run.model_is_named


def describe_differences(differing: Sequence[Difference], total: int, weights: str, noun: str = "cases") -> str:
    """In one line, how many cases differ and in what.

    Parameters
    ----------
    differing : sequence of Difference
        At least one.
    total : int
        Number of all cases.
    weights : str
        This run's weights in words.
    noun : str
        What the cases are called.

    Returns
    -------
    str
    """
    words = list(Counter(word for difference in differing for word in difference.words))
    count = len(differing)
    is_alone = total == 1 and noun == "cases"
    who = "the case was" if is_alone else f"{count} of {total} {noun} {'was' if count == 1 else 'were'}"
    names = ", ".join(difference.case for difference in differing[:MAX_NAMES])
    named = "" if is_alone else f" ({names}{' ...' if count > MAX_NAMES else ''})"
    others = ", ".join(sorted({difference.weights for difference in differing if difference.weights}))
    which = f" ({others}; this run: {weights})" if others else ""
    return f"{who} made with {_and(words)}{named}{which}"


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
