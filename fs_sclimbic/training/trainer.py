"""Train a network: steps, validation, checkpoints; on any backend of Keras 3."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..image.labels import ColorTable
from ..network.backend import compiled, keras
from ..network.spec import FOV_MULTIPLE
from ..network.unet import build_unet, fill_weights, weights_of
from ..network.weights import Weights, write_weights
from .averaging import WeightAverage
from .checkpoint import Checkpoint, Epoch, check_resumable, lasting_settings, write_checkpoint
from .dataset import Example
from .generator import Generator
from .given_weights import Heritage, adopt
from .losses import LOSSES, SETTLING
from .recipe import Recipe
from .teaching import TaughtGenerator, load_teacher

MODEL_NAME = "model.h5"
# A settled epoch becomes the model unless its mean Dice is this much below that of an unsettled one.
SETTLED_BONUS = 0.05
# Room around the structures in validation: the network sees 22 voxels far, and false labels nearby count.
VALIDATION_MARGIN = 20
NO_HERITAGE = Heritage()


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
    heritage : Heritage
        Weights to start from, and the teacher's; by default neither.

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
        heritage: Heritage = NO_HERITAGE,
    ) -> None:
        # The generator draws heads by their place in the list: a list in another order is the same list.
        train = sorted(train, key=lambda example: example.name)
        self._validate, self._colors, self._recipe, self._folder = validate, colors, recipe, Path(folder)
        self._generator: Generator | TaughtGenerator
        if heritage.teacher is None:
            self._generator = Generator(train, recipe.augmentation, recipe.box, recipe.seed)
        else:
            self._generator = TaughtGenerator(train, recipe, load_teacher(heritage.teacher, recipe.precision))
        fingerprint = _fingerprint(train, validate, colors, recipe, heritage)
        if start is not None:
            check_resumable(self._folder, start, json.loads(fingerprint))
        if start is None:
            keras.utils.set_random_seed(recipe.seed)
            weights = weights_of(build_unet(len(colors), recipe.features))
            if heritage.start_from is not None:
                weights = adopt(heritage.start_from, weights, colors)
            start = Checkpoint(weights, [], [], [], fingerprint)
        self._fingerprint = fingerprint
        self._weights, self._optimizer_state = start.weights, start.optimizer
        self._average = (
            WeightAverage(recipe.average_weights, start.average or start.weights) if recipe.average_weights else None
        )
        self._losses, self._epochs = list(start.losses), list(start.epochs)
        self._began = time.perf_counter() - start.seconds
        self._phase: tuple[str, bool] | None = None
        # What users of the weights will run: float32, whatever the training computes in.
        self._in_use = build_unet(len(colors), recipe.features)
        self._forward = compiled(self._in_use)

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
        while len(self._losses) < recipe.total_steps and not self.has_stalled:
            step = len(self._losses)
            self._enter(recipe.phase(step // recipe.steps))
            self._optimizer.learning_rate = recipe.rate(step)
            image, targets = self._generator.batch(step, recipe.batch)
            self._network.reset_metrics()  # what comes back is a mean since the last reset
            loss = float(self._network.train_on_batch(image, targets))
            if not np.isfinite(loss):
                raise ModelError(
                    f"step {step + 1}: the loss is {loss}; resume from the last checkpoint with a smaller "
                    "--learning-rate"
                )
            self._losses.append(loss)
            if self._average is not None:
                self._average.add(self._network, len(self._losses))
            epoch = self._end_epoch() if len(self._losses) % recipe.steps == 0 else None
            if epoch or len(self._losses) % recipe.checkpoint_steps == 0:
                self.save()
            yield len(self._losses), loss, epoch

    def save(self) -> Checkpoint:
        """Write a checkpoint of the training as it is.

        Raises
        ------
        ModelError
            If a weight is no longer finite; the last good checkpoint stays.
        """
        if self._phase is not None:
            self._weights = self._finite_weights()
            self._optimizer_state = [
                keras.ops.convert_to_numpy(variable.value) for variable in self._optimizer.variables
            ]
        checkpoint = Checkpoint(
            self._weights,
            self._optimizer_state,
            self._losses,
            self._epochs,
            self._fingerprint,
            self._seconds(),
            self._average.weights() if self._average is not None else {},
        )
        write_checkpoint(self._folder, checkpoint)
        return checkpoint

    def _finite_weights(self) -> Weights:
        weights = weights_of(self._network)
        if not all(np.isfinite(array).all() for arrays in weights.values() for array in arrays.values()):
            raise ModelError(
                f"step {len(self._losses)}: weights are no longer finite; resume from the last checkpoint with a "
                "smaller --learning-rate"
            )
        return weights

    def _model_weights(self) -> Weights:
        """What the model would be made of now: the average, or the weights of the last step."""
        weights = self._finite_weights()
        return weights if self._average is None else self._average.weights()

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
            settled=recipe.settles(step // recipe.steps - 1),
        )
        if is_better(epoch, self._epochs):
            write_weights(self._folder / MODEL_NAME, self._model_weights())
            epoch = replace(epoch, kept=True)
        self._epochs.append(epoch)
        return epoch

    @property
    def has_stalled(self) -> bool:
        """Whether the validation ends the training before its last epoch."""
        epochs = self._epochs
        if self._recipe.settle_epochs:
            # Until then the rate is high and Dice is blind to the bias that settling takes away.
            epochs = [epoch for epoch in epochs if epoch.settled]
        return has_stalled(epochs, self._recipe.patience)

    def validate(self) -> dict[str, float]:
        """Mean Dice by structure over the validation heads that have it, of the float32 network with these weights.

        Looks at the structures and 20 voxels around them: false labels further away do not count.
        """
        fill_weights(self._in_use, self._model_weights())
        scores: dict[str, list[float]] = {}
        for example in self._validate:
            found = zip(self._colors.foreground, example.has_structures, self._dice(example), strict=True)
            for structure, there, score in found:
                if there:
                    scores.setdefault(structure.name, []).append(float(score))
        return {s.name: float(np.mean(scores[s.name])) for s in self._colors.foreground if s.name in scores}

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


def has_stalled(epochs: Sequence[Epoch], patience: int) -> bool:
    """Whether the last epochs, as many as the patience, all stayed below the best validation Dice before them."""
    if not patience or len(epochs) <= patience:
        return False
    best = max(epoch.mean_dice for epoch in epochs[:-patience])
    return all(epoch.mean_dice <= best for epoch in epochs[-patience:])


def is_better(epoch: Epoch, earlier: Sequence[Epoch]) -> bool:
    """Whether an epoch's weights should become the model: by the mean Dice, where a settled epoch is forgiven a little.

    What settling takes away, volumes that are too large, Dice hardly sees.
    """

    def score(one: Epoch) -> float:
        return one.mean_dice + (SETTLED_BONUS if one.settled else 0)

    return all(score(epoch) >= score(other) for other in earlier)


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


def _fingerprint(
    train: Sequence[Example], validate: Sequence[Example], colors: ColorTable, recipe: Recipe, heritage: Heritage
) -> str:
    heads = {
        split: {e.name: [e.weight, e.digest] for e in sorted(examples, key=lambda e: e.name)}
        for split, examples in (("training heads", train), ("validation heads", validate))
    }
    return json.dumps(lasting_settings(recipe, colors) | heritage.identities | heads)
