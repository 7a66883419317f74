"""The state of a training between two steps: kept in one file, written whole or not at all."""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..files.arrays import ArrayFile, read_arrays
from ..files.content import ContentError
from ..files.staging import write_atomically
from ..image.labels import ColorTable
from ..network.weights import Weights
from .recipe import Recipe

CHECKPOINT_NAME, MODEL_NAME = "checkpoint.npz", "model.h5"
# Changing these in mid-training would make its course meaningless; the others may be changed when it is resumed.
LASTING = ("box", "batch", "steps", "seed", "features", "fov", "percentile")


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
    """Mean Dice over the validation heads that have a structure, by structure; empty without heads."""
    seconds: float
    """Time of the epoch, validation included."""
    settled: bool = False
    """Whether it was one of the settling epochs."""
    kept: bool = False
    """Whether its weights became the model."""

    @property
    def mean_dice(self) -> float:
        """Mean over the structures that a validation head has; 0 without validation."""
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
    average: Weights = field(default_factory=dict)
    """Average of the weights over the last steps; empty if the recipe wants none."""


def write_checkpoint(folder: str | PathLike[str], checkpoint: Checkpoint) -> None:
    """Replace the checkpoint of a training folder.

    Parameters
    ----------
    folder : path-like
    checkpoint : Checkpoint
    """
    arrays = {
        f"{kind}/{layer}/{name}": array
        for kind, weights in (("weights", checkpoint.weights), ("average", checkpoint.average))
        for layer, names in weights.items()
        for name, array in names.items()
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
    average: Weights = {}
    try:
        file = read_arrays(path, noun="checkpoint")
        story = json.loads(str(file.read("story")))
        for key in file.names:
            if key.startswith(("weights/", "average/")):
                kind, layer, name = key.split("/")
                (weights if kind == "weights" else average).setdefault(layer, {})[name] = _floats(file, key)
        optimizer = [_floats(file, key) for key in sorted(key for key in file.names if key.startswith("optimizer/"))]
        losses = [float(loss) for loss in np.atleast_1d(_floats(file, "losses", np.float64))]
        epochs = [_parse_epoch(row) for row in story["epochs"]]
        fingerprint, seconds = story["fingerprint"], float(story["seconds"])
        if not isinstance(json.loads(fingerprint), dict):
            raise ValueError("fingerprint is of another kind")
    except (ContentError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        reason = "".join(sign for sign in str(error) if sign.isprintable())
        raise ModelError(f"{path}: checkpoint cannot be read ({reason}); remove it to start again") from error
    return Checkpoint(weights, optimizer, losses, epochs, fingerprint, seconds, average)


def _parse_epoch(row: Mapping[str, Any]) -> Epoch:
    return Epoch(
        number=int(row["number"]),
        steps=int(row["steps"]),
        loss=float(row["loss"]),
        rate=float(row["rate"]),
        dice={str(name): float(value) for name, value in row["dice"].items()},
        seconds=float(row["seconds"]),
        settled=bool(row["settled"]),
        kept=bool(row["kept"]),
    )


def _floats(file: ArrayFile, name: str, dtype: type[np.floating[Any]] = np.float32) -> NDArray[Any]:
    """An array of numbers; optimizers count steps in whole ones."""
    array = file.read(name)
    if array.dtype.kind not in "fiu":
        raise ContentError(f"array {name} holds {array.dtype}, expected numbers")
    return np.asarray(array, dtype if array.dtype.kind == "f" else None)


def lasting_settings(recipe: Recipe, colors: ColorTable) -> dict[str, Any]:
    """What may not change between a start and its resumption, besides the heads.

    Parameters
    ----------
    recipe : Recipe
    colors : ColorTable

    Returns
    -------
    dict
        Name and value of each setting, in json's types.
    """
    settings: dict[str, Any] = json.loads(json.dumps({name: getattr(recipe, name) for name in LASTING}))
    return settings | {"structures": [[s.index, s.name] for s in colors]}


def check_resumable(folder: Path, start: Checkpoint, now: Mapping[str, Any]) -> None:
    """Error if a training is to go on with other settings or heads than its checkpoint's.

    Parameters
    ----------
    folder : Path
        The training's, for the message.
    start : Checkpoint
    now : mapping
        Settings, weights and heads of now, as in the checkpoint's fingerprint; those that it leaves out are not
        compared.

    Raises
    ------
    ModelError
        Names what differs: settings with both values, heads by their names.
    """
    before = json.loads(start.fingerprint)
    differences = []
    for name, new in now.items():
        old = before.get(name)
        if isinstance(new, dict) and isinstance(old, dict):
            heads = sorted(head for head in old.keys() | new.keys() if old.get(head) != new.get(head))
            differences += [f"{name} {', '.join(heads[:5])}{' ...' if len(heads) > 5 else ''}"] if heads else []
        elif new != old:
            flag = name if name == "structures" else f"--{name.replace('_', '-')}"
            differences.append(f"{flag} (was {_short(old)}, now {_short(new)})")
    if differences:
        raise ModelError(
            f"{folder}: its checkpoint was made with other {'; '.join(differences)}; give the same as before to "
            "resume, or another folder to start anew"
        )


def _short(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], list):
        return " ".join(str(row[-1]) for row in value[1:])
    if value is None:
        return "none"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
