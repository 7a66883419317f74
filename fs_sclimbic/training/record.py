"""What a model was made of: the json that lies beside trained weights."""

import json
import platform
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from .._version import __version__
from ..errors import TableError
from ..files.hashing import sha256_of
from ..files.staging import write_atomically
from ..files.system import now, versions
from ..image.labels import ColorTable
from .checkpoint import Epoch
from .dataset import TRAIN, VALIDATE, HeadFiles, sha256_of_files
from .given_weights import Heritage
from .recipe import Recipe

LIBRARIES = ("keras", "tensorflow", "jax", "torch", "numpy", "scipy", "nibabel", "surfa", "h5py")


@dataclass(frozen=True, kw_only=True)
class TrainingRecord:
    """Data, settings and course of a training."""

    recipe: Recipe
    colors: ColorTable
    heads: Sequence[Mapping[str, Any]]
    """The heads, those left out included, as `describe_heads` gives them."""
    command: tuple[str, ...]
    """The command line, word by word."""
    backend: str
    """Keras' backend."""
    first_step: int = 0
    """Steps that were done when this session began."""
    earlier: tuple[dict[str, Any], ...] = ()
    """The sessions before, as `read_sessions` gives them."""
    heritage: Heritage = field(default_factory=Heritage)
    """Weights that the training started from, and the teacher's."""

    def write(
        self,
        weights: str | PathLike[str],
        epochs: Sequence[Epoch],
        *,
        steps: int,
        seconds: float,
        ended: str | None = None,
    ) -> Path:
        """Write the json beside the weights.

        Parameters
        ----------
        weights : path-like
            The .h5, with the best weights so far; may not be there yet.
        epochs : sequence of Epoch
        steps : int
            Steps done.
        seconds : float
            Time spent, all sessions together.
        ended : str, optional
            Why the training is over; None while it is not.

        Returns
        -------
        Path
            The json.
        """
        file = Path(weights)
        best = next((epoch for epoch in reversed(epochs) if epoch.kept), None)
        session = {
            "first_step": self.first_step,
            "command": shlex.join(self.command),
            "settings": asdict(self.recipe),
            **self.heritage.describe(),
            "backend": self.backend,
            "platform": f"{platform.platform()} Python {platform.python_version()}",
            "libraries": [text for text in versions(LIBRARIES) if not text.endswith("absent")],
        }
        content: dict[str, Any] = {
            "program": f"fs_sclimbic {__version__}",
            "written": now(),
            "ended": ended,
            "weights": {"file": file.name, "sha256": sha256_of(file) if file.is_file() else None},
            "structures": [
                {"SegId": structure.index, "StructName": structure.name, "rgba": list(structure.rgba)}
                for structure in self.colors
            ],
            "steps": steps,
            "hours": round(seconds / 3600, 3),
            "best_epoch": best and best.number,
            "validation_dice": best and {name: round(value, 4) for name, value in best.dice.items()},
            "sessions": [*self.earlier, session],
            "data": list(self.heads),
            "epochs": [asdict(epoch) for epoch in epochs],
        }
        path = file.with_suffix(".json")
        write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())
        return path


def read_sessions(weights: str | PathLike[str]) -> tuple[dict[str, Any], ...]:
    """The sessions of a training so far, from the record beside its weights; none if there is no record."""
    try:
        sessions = json.loads(Path(weights).with_suffix(".json").read_text("utf-8"))["sessions"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ()
    return tuple(session for session in sessions if isinstance(session, dict)) if isinstance(sessions, list) else ()


def describe_heads(heads: Sequence[HeadFiles]) -> list[dict[str, Any]]:
    """Say of each head which files it is, what it is used for, and the SHA-256 of the files.

    Raises
    ------
    TableError
        If the list gives another SHA-256.
    """
    return [_describe(head) for head in heads]


def _describe(source: HeadFiles) -> dict[str, Any]:
    notes = dict(source.notes)
    sha256 = sha256_of_files(source) if source.split in (TRAIN, VALIDATE) else notes.get("sha256", "")
    if notes.setdefault("sha256", sha256) != sha256:
        raise TableError(
            f"{source.image}: its SHA-256 is {sha256[:12]}..., the list says {notes['sha256'][:12]}...; "
            "these are not the data of the list"
        )
    return {
        "case": source.name,
        "image": source.image.name,
        "targets": source.targets and source.targets.name,
        "split": source.split,
        "weight": source.weight,
        **notes,
    }
