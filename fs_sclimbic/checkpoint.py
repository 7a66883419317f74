"""The state of a training between two steps: kept in one file, written whole or not at all."""

import io
import json
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from .errors import ModelError
from .staging import write_atomically
from .weights import Weights

CHECKPOINT_NAME = "checkpoint.npz"


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to."""

    number: int
    """The first is 1."""
    steps: int
    """Steps done from the start of the training to the end of this epoch."""
    loss: float
    """Mean over the epoch's steps."""
    rate: float
    """Learning rate of the last step."""
    dice: dict[str, float]
    """Mean Dice over the validation heads, by structure; empty without them."""
    seconds: float
    """Time of the epoch, validation included."""

    @property
    def mean_dice(self) -> float:
        """Mean over the structures; 0 without validation."""
        return float(np.mean(list(self.dice.values()))) if self.dice else 0.0


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """All that the next step depends on, and the way here."""

    weights: Weights
    optimizer: list[NDArray[np.float32]]
    """The optimizer's variables in its own order."""
    losses: list[float]
    """One a step since the first."""
    epochs: list[Epoch] = field(default_factory=list)
    fingerprint: str = ""
    """What may not change between a start and its resumption, as json."""
    seconds: float = 0.0
    """Time spent in training so far."""


def write_checkpoint(folder: str | PathLike[str], checkpoint: Checkpoint) -> None:
    """Replace the checkpoint of a training folder."""
    arrays = {
        f"weights/{layer}/{name}": array for layer, names in checkpoint.weights.items() for name, array in names.items()
    }
    arrays |= {f"optimizer/{i:04d}": array for i, array in enumerate(checkpoint.optimizer)}
    story = {
        "epochs": [asdict(epoch) for epoch in checkpoint.epochs],
        "fingerprint": checkpoint.fingerprint,
        "seconds": checkpoint.seconds,
    }
    content = io.BytesIO()
    np.savez(content, losses=np.array(checkpoint.losses), story=np.array(json.dumps(story)), **arrays)  # type: ignore[arg-type]
    write_atomically(Path(folder) / CHECKPOINT_NAME, content.getvalue())


def read_checkpoint(folder: str | PathLike[str]) -> Checkpoint | None:
    """The checkpoint of a training folder, or None if there is none.

    Raises
    ------
    ModelError
        If the file is there and cannot be read.
    """
    path = Path(folder) / CHECKPOINT_NAME
    if not path.exists():
        return None
    weights: Weights = {}
    try:
        with np.load(path) as file:
            story = json.loads(str(file["story"]))
            for key in file.files:
                if key.startswith("weights/"):
                    _, layer, name = key.split("/")
                    weights.setdefault(layer, {})[name] = file[key]
            optimizer = [file[key] for key in sorted(key for key in file.files if key.startswith("optimizer/"))]
            losses = [float(loss) for loss in file["losses"]]
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise ModelError(f"{path}: checkpoint cannot be read ({error}); remove it to start again") from error
    epochs = [Epoch(**epoch) for epoch in story["epochs"]]
    return Checkpoint(weights, optimizer, losses, epochs, story["fingerprint"], story["seconds"])
