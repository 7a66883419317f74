"""The weights of a study: one file beside its tables names them, so that all tasks of an array use the same."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..files.locks import LockedError, locked
from ..files.staging import encode_text, write_atomically
from ..files.system import host_name, now, user_name
from ..network.store import PUBLISHED_SHA256
from .protection import (
    FALLBACK_ADVICE,
    WORDS,
    Difference,
    describe_differences,
    is_fallback,
    weights_of,
    weights_of_run,
)
from .record import Record
from .run import Run

ENDING = "weights.txt"
LOCK_TIMEOUT_S = 60.0
MAX_BYTES = 100_000


@dataclass(frozen=True)
class StudyWeights:
    """The weights that the first run of a study used."""

    name: str
    sha256: str
    """Hexadecimal."""


def weights_file(start: Path) -> Path:
    """The file that names the weights of a study.

    Parameters
    ----------
    start : Path
        What the names of its tables begin with: ``OUT/sclimbic``.

    Returns
    -------
    Path
    """
    return start.with_name(f"{start.name}_{ENDING}")


def read_study_weights(path: Path) -> StudyWeights | None:
    """Read which weights a study uses; None where no file says it, or one that was edited."""
    try:
        with open(path, "rb") as file:
            lines = file.read(MAX_BYTES).decode("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    facts = dict(pair for line in lines if len(pair := line.split(None, 1)) == 2)
    return StudyWeights(facts["weights"], facts["sha256"]) if {"weights", "sha256"} <= facts.keys() else None


def claim_study(
    path: Path,
    run: Run,
    other_records: Callable[[], Iterable[tuple[str, Record]]],
    *,
    redo: bool = False,
    lock_timeout_s: float = LOCK_TIMEOUT_S,
) -> None:
    """Make sure that a study has the weights of this run; the first run of a study decides.

    Parameters
    ----------
    path : Path
        See `weights_file`. Not written where the folder cannot be written to.
    run : Run
    other_records : callable
        Gives names and records of the cases of the study that are not in this run; called only where the file does
        not answer.
    redo : bool
        Replace the weights of the study, if no other case has other ones.
    lock_timeout_s : float
        How long to wait for another task that asks the same, seconds.

    Raises
    ------
    UsageError
        If the study has other weights, in one line.
    """
    if _is_ours(read_study_weights(path), run):
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.with_name(f".{path.name}.lock"), lock_timeout_s):
            _claim(path, run, list(other_records()), redo)
    except OSError:  # the folder of the subjects may be read-only, those of the subjects are not
        _check_others(run, list(other_records()))
    except LockedError as error:
        raise UsageError(f"{path}: another run holds its lock for {lock_timeout_s:g} s ({error}); try again") from error


def _is_ours(known: StudyWeights | None, run: Run) -> bool:
    return known is not None and known.sha256 == run.spec.sha256


def _claim(path: Path, run: Run, others: Sequence[tuple[str, Record]], redo: bool) -> None:
    known = read_study_weights(path)  # another task may have written it meanwhile
    if _is_ours(known, run):
        return
    _check_others(run, others)
    if known is not None and not others and not redo:
        fallback = known.sha256 == PUBLISHED_SHA256 and is_fallback(run)
        raise UsageError(
            f"{path}: this study was begun with other weights ({known.name}; this run: {run.spec.name}); "
            + (FALLBACK_ADVICE if fallback else "give those with --model, give another --output-base, or --redo")
        )
    lines = (
        f"weights {run.spec.name}",
        f"sha256 {run.spec.sha256}",
        f"origin {run.spec.origin}",
        f"since {now()}",
        f"by {user_name()} on {host_name()}",
    )
    write_atomically(path, encode_text("\n".join(lines) + "\n"))


def _check_others(run: Run, others: Sequence[tuple[str, Record]]) -> None:
    """Refuse weights that are not those of the cases that this run leaves alone."""
    differing = [
        Difference(name, (WORDS["weights_sha256"],), weights_of(record))
        for name, record in others
        if record.settings.get("weights_sha256") != run.spec.sha256
    ]
    if differing:
        published = any(record.settings.get("weights_sha256") == PUBLISHED_SHA256 for _, record in others)
        advice = (
            FALLBACK_ADVICE
            if published and is_fallback(run)
            else ("give those with --model, run all cases with --redo, or give another --output-base")
        )
        told = describe_differences(differing, len(others), weights_of_run(run), "other cases of this study")
        raise UsageError(f"{told}; {advice}")
