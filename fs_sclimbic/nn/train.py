"""Train a network: steps, validation, checkpoints; on any backend of Keras 3."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import Checkpoint, Epoch, write_checkpoint
from ..errors import ModelError
from ..labels import ColorTable
from ..model import FOV_MULTIPLE
from ..recipe import Recipe
from ..training_set import Example
from ..weights import Weights, write_weights
from .backend import compiled, keras
from .generator import Generator
from .losses import LOSSES, SETTLING
from .unet import build_unet, fill_weights, weights_of

MODEL_NAME = "model.h5"
# Room around the structures in validation: the network sees 22 voxels far, and false labels nearby count.
VALIDATION_MARGIN = 20
# Changing these in mid-training would make its record untrue; the others may be changed when it is resumed.
LASTING = ("box", "batch", "seed", "features", "fov", "percentile")


class Trainer:
    """A network in training.

    Parameters
    ----------
    train, validate : sequence of Example
        Heads to learn from, and to measure on (may be empty).
    colors : ColorTable
        One row per output channel.
    recipe : Recipe
    folder : path-like
        Where checkpoints and the best weights go.
    start : Checkpoint, optional
        State to go on from; by default the network is new.

    Raises
    ------
    ModelError
        If the checkpoint comes from another network, seed or box.
    """

    def __init__(
        self,
        train: Sequence[Example],
        validate: Sequence[Example],
        colors: ColorTable,
        recipe: Recipe,
        folder: str | PathLike[str],
        start: Checkpoint | None = None,
    ) -> None:
        self._validate, self._colors, self._recipe, self._folder = validate, colors, recipe, Path(folder)
        self._generator = Generator(train, recipe.augmentation, recipe.box, recipe.seed)
        fingerprint = _fingerprint(train, validate, colors, recipe)
        if start is not None and start.fingerprint != fingerprint:
            raise ModelError(_difference(self._folder, start.fingerprint, fingerprint))
        if start is None:
            keras.utils.set_random_seed(recipe.seed)
            start = Checkpoint(weights_of(build_unet(len(colors), recipe.features)), [], [], [], fingerprint)
        self._fingerprint = fingerprint
        self._weights, self._optimizer_state = start.weights, start.optimizer
        self._losses, self._epochs = list(start.losses), list(start.epochs)
        self._began = time.perf_counter() - start.seconds
        self._phase: tuple[str, bool] | None = None

    def run(self) -> Iterator[tuple[int, float, Epoch | None]]:
        """Train to the end of the recipe, or until the validation stops it.

        May be left between two steps; `save` then keeps what was done.

        Yields
        ------
        step : int
            Steps done.
        loss : float
            Of this step.
        epoch : Epoch or None
            With the last step of an epoch: what it came to.

        Raises
        ------
        ModelError
            If the loss is no longer a number.
        """
        recipe = self._recipe
        while len(self._losses) < recipe.total_steps and not has_stalled(self._epochs, recipe.patience):
            step = len(self._losses)
            self._enter(recipe.phase(step // recipe.steps))
            self._optimizer.learning_rate = recipe.rate(step)
            image, targets = self._generator.batch(step, recipe.batch)
            loss = float(self._network.train_on_batch(image, targets))
            if not np.isfinite(loss):
                raise ModelError(
                    f"step {step + 1}: the loss is {loss}; resume from the last checkpoint with a smaller "
                    "--learning-rate"
                )
            self._losses.append(loss)
            epoch = self._end_epoch() if len(self._losses) % recipe.steps == 0 else None
            if epoch or len(self._losses) % recipe.checkpoint_steps == 0:
                self.save()
            yield len(self._losses), loss, epoch

    def save(self) -> Checkpoint:
        """Write a checkpoint of the training as it is."""
        if self._phase is not None:
            self._weights = weights_of(self._network)
            self._optimizer_state = [
                keras.ops.convert_to_numpy(variable.value) for variable in self._optimizer.variables
            ]
        checkpoint = Checkpoint(
            self._weights, self._optimizer_state, self._losses, self._epochs, self._fingerprint, self._seconds()
        )
        write_checkpoint(self._folder, checkpoint)
        return checkpoint

    def _seconds(self) -> float:
        """Time spent in this training, earlier sessions included."""
        return time.perf_counter() - self._began

    def _end_epoch(self) -> Epoch:
        """Validate, and keep the weights if they are the best so far."""
        recipe, step = self._recipe, len(self._losses)
        dice = self.validate()
        epoch = Epoch(
            number=step // recipe.steps,
            steps=step,
            loss=float(np.mean(self._losses[-recipe.steps :])),
            rate=recipe.rate(step - 1),
            dice=dice,
            seconds=self._seconds() - sum(earlier.seconds for earlier in self._epochs),
        )
        if epoch.mean_dice >= max((earlier.mean_dice for earlier in self._epochs), default=0.0):
            write_model(self._folder / MODEL_NAME, weights_of(self._network))
        self._epochs.append(epoch)
        return epoch

    def validate(self) -> dict[str, float]:
        """Mean Dice by structure over the validation heads, with the weights as they are."""
        if not self._validate:
            return {}
        found = [self._dice(example) for example in self._validate]
        names = [structure.name for structure in self._colors.foreground]
        with np.errstate(invalid="ignore"):
            means = np.nanmean(found, axis=0)
        return {name: float(mean) for name, mean in zip(names, means, strict=True)}

    def _dice(self, example: Example) -> NDArray[np.float64]:
        low, high = _validation_box(example)
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        image = example.image[box].astype(np.float32)[None, ..., None] / 255
        posteriors = keras.ops.convert_to_numpy(self._forward(keras.ops.convert_to_tensor(image)))[0]
        labels = posteriors.argmax(-1)
        truth = np.zeros(labels.shape, int)
        inner = tuple(
            slice(s - a, s - a + n) for s, a, n in zip(example.start, low, example.targets.shape[:3], strict=True)
        )
        truth[inner] = example.targets.argmax(-1)
        return dice_scores(labels, truth, len(self._colors))

    def _enter(self, phase: tuple[str, bool]) -> None:
        """Build the graph of a phase; weights and the optimizer's state go on."""
        if phase == self._phase:
            return
        if self._phase is not None:
            self.save()
        recipe, (loss, settle) = self._recipe, phase
        precision = recipe.precision if recipe.precision == "float32" else f"mixed_{recipe.precision}"
        network = build_unet(len(self._colors), recipe.features, precision=precision, frozen_norm=settle)
        fill_weights(network, self._weights)
        logits = keras.Model(network.input, network.get_layer("unet_likelihood").output)
        optimizer = keras.optimizers.Adam(recipe.learning_rate)
        optimizer.build(logits.trainable_variables)
        for variable, value in zip(optimizer.variables, self._optimizer_state, strict=bool(self._optimizer_state)):
            variable.assign(value)
        # XLA makes slow code of 3-D convolutions for the processor; only JAX has nothing else.
        losses = SETTLING if settle else LOSSES
        logits.compile(optimizer, losses[loss], jit_compile=keras.backend.backend() == "jax")
        self._network, self._optimizer, self._phase = logits, optimizer, phase
        self._forward = compiled(network)


def has_stalled(epochs: Sequence[Epoch], patience: int) -> bool:
    """Whether the last epochs, as many as the patience, all stayed below the best validation Dice before them."""
    if not patience or len(epochs) <= patience:
        return False
    best = max(epoch.mean_dice for epoch in epochs[:-patience])
    return all(epoch.mean_dice <= best for epoch in epochs[-patience:])


def write_model(path: str | PathLike[str], weights: Weights) -> None:
    """Write weights beside the final name, then rename: an .h5 is whole or not there."""
    final = Path(path)
    staged = final.with_name(f".{final.name}.tmp")
    write_weights(staged, weights)
    staged.replace(final)


def dice_scores(labels: NDArray[Any], truth: NDArray[Any], count: int) -> NDArray[np.float64]:
    """Dice of channels 1 to ``count`` - 1; NaN where neither image has the structure."""
    both = np.bincount(truth[labels == truth].ravel(), minlength=count)[1:count]
    sizes = sum(np.bincount(image.ravel(), minlength=count)[1:count] for image in (labels, truth))
    with np.errstate(invalid="ignore"):
        return 2 * both / sizes  # type: ignore[no-any-return]


def _validation_box(example: Example) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """The structures with room around them, on the multiples of 4 where the network cuts the same blocks."""
    fov = example.image.shape[0]
    start = np.array(example.start)
    low = np.maximum(start - VALIDATION_MARGIN, 0) // FOV_MULTIPLE * FOV_MULTIPLE
    high = np.minimum(start + example.targets.shape[:3] + VALIDATION_MARGIN, fov)
    return low, -(-high // FOV_MULTIPLE) * FOV_MULTIPLE


def _fingerprint(train: Sequence[Example], validate: Sequence[Example], colors: ColorTable, recipe: Recipe) -> str:
    settings = asdict(recipe)
    return json.dumps(
        {name: settings[name] for name in LASTING}
        | {"structures": [structure.name for structure in colors]}
        | {"train": sorted(e.name for e in train), "validate": sorted(e.name for e in validate)}
    )


def _difference(folder: Path, before: str, now: str) -> str:
    old, new = json.loads(before), json.loads(now)
    names = [name for name in new if new[name] != old.get(name)]
    return (
        f"{folder}: its checkpoint was made with another {', '.join(names)}; give the same as before to resume, "
        "or another folder to start anew"
    )
