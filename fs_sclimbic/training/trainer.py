"""Train a network: steps, epochs, checkpoints; on any backend of Keras 3."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..image.labels import ColorTable
from ..network.architecture import LIKELIHOOD_LAYER
from ..network.unet import build_unet, fill_weights, weights_of
from ..network.weights import Weights, write_weights
from .averaging import WeightAverage
from .checkpoint import MODEL_NAME, Checkpoint, Epoch, check_resumable, lasting_settings, write_checkpoint
from .dataset import Example
from .generator import Generator
from .given_weights import Heritage, adopt
from .losses import LOSSES, SETTLING, with_volumes, within_rim
from .mirror import mirrored_channels
from .recipe import Recipe
from .teaching import TaughtGenerator, load_teacher
from .validation import Validator

# A settled epoch becomes the model unless its mean Dice is this much below that of an unsettled one.
SETTLED_BONUS = 0.05
NO_HERITAGE = Heritage()


class Step(NamedTuple):
    """What one step came to."""

    number: int
    """Steps done since the start of the training, this one included."""
    loss: float
    epoch: Epoch | None
    """With the last step of an epoch: what the epoch came to."""


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
    measure : callable, optional
        From weights to the Dice of each structure; by default on the heads of ``validate``.

    Attributes
    ----------
    network : keras.Model
        From images to logits, compiled with the loss and the optimizer of the present phase.

    Raises
    ------
    ModelError
        If the checkpoint comes from another network, seed or box.
    """

    def __init__(
        self,
        train: Sequence[Example],
        validate: Sequence[Example],
        *,
        colors: ColorTable,
        recipe: Recipe,
        folder: str | PathLike[str],
        start: Checkpoint | None = None,
        heritage: Heritage = NO_HERITAGE,
        measure: Callable[[Weights], dict[str, float]] | None = None,
    ) -> None:
        # The generator draws heads by their place in the list: a list in another order is the same list.
        train = sorted(train, key=lambda example: example.name)
        self._labels, self._recipe, self._folder = len(colors), recipe, Path(folder)
        self._generator: Generator | TaughtGenerator
        if heritage.teacher is None:
            self._generator = Generator(train, recipe.augmentation, recipe.box, recipe.seed, mirrored_channels(colors))
        else:
            teacher = load_teacher(heritage.teacher, recipe.precision)
            self._generator = TaughtGenerator(train, recipe, teacher, mirrored_channels(colors))
        self._fingerprint = _fingerprint(train, validate, colors, recipe, heritage)
        if start is not None:
            check_resumable(self._folder, start, json.loads(self._fingerprint))
        else:
            start = Checkpoint(_first_weights(colors, recipe, heritage), [], [], [], self._fingerprint)
        self._average = (
            WeightAverage(recipe.average_weights, start.average or start.weights) if recipe.average_weights else None
        )
        self._losses, self._epochs = list(start.losses), list(start.epochs)
        self._began = time.perf_counter() - start.seconds
        self._saved_step: int | None = None
        self._measure = measure or Validator(validate, colors, recipe.features)
        self._phase = recipe.phase(len(self._losses) // recipe.steps)
        self.network = self._network_of_phase(start.weights, start.optimizer)

    def run(self) -> Iterator[Step]:
        """Train to the end of the recipe, or until the validation stops it.

        May be left between two steps; `save` then keeps what was done.

        Yields
        ------
        Step

        Raises
        ------
        ModelError
            If the loss is no longer a number.
        """
        recipe = self._recipe
        # The pairs of a step are made while the step before it runs: neither fills all processors alone.
        with ThreadPoolExecutor(1) as ahead:
            pending = ahead.submit(self._generator.batch, len(self._losses), recipe.batch)
            while len(self._losses) < recipe.total_steps and not self.has_stalled:
                image, targets = pending.result()
                if len(self._losses) + 1 < recipe.total_steps:
                    pending = ahead.submit(self._generator.batch, len(self._losses) + 1, recipe.batch)
                yield self._take_step(image, within_rim(targets, recipe.rim))

    def state(self) -> Checkpoint:
        """All that the next step depends on.

        Raises
        ------
        ModelError
            If a weight is no longer finite.
        """
        return Checkpoint(
            self._finite_weights(),
            [keras.ops.convert_to_numpy(variable.value) for variable in self.network.optimizer.variables],
            list(self._losses),
            list(self._epochs),
            self._fingerprint,
            self._seconds(),
            self._average.weights() if self._average is not None else {},
        )

    def save(self) -> None:
        """Write a checkpoint, unless the one of this step is there.

        Raises
        ------
        ModelError
            If a weight is no longer finite; the last good checkpoint stays.
        """
        if self._saved_step != len(self._losses):
            write_checkpoint(self._folder, self.state())
            self._saved_step = len(self._losses)

    def _take_step(self, image: Any, targets: Any) -> Step:
        recipe, step = self._recipe, len(self._losses)
        self._enter(recipe.phase(step // recipe.steps))
        self.network.optimizer.learning_rate = recipe.rate(step)
        self.network.reset_metrics()  # what comes back is a mean since the last reset
        loss = float(self.network.train_on_batch(image, targets))
        if not np.isfinite(loss):
            raise ModelError(
                f"step {step + 1}: the loss is {loss}; resume from the last checkpoint with a smaller --learning-rate"
            )
        self._losses.append(loss)
        if self._average is not None:
            self._average.add(self.network, len(self._losses))
        epoch = self._end_epoch() if len(self._losses) % recipe.steps == 0 else None
        if epoch or len(self._losses) % recipe.checkpoint_steps == 0:
            self.save()
        return Step(len(self._losses), loss, epoch)

    @property
    def has_stalled(self) -> bool:
        """Whether the validation ends the training before its last epoch."""
        epochs = self._epochs
        if self._recipe.settle_epochs:
            # Until then the rate is high and Dice is blind to the bias that settling takes away.
            epochs = [epoch for epoch in epochs if epoch.settled]
        return has_stalled(epochs, self._recipe.patience)

    def _finite_weights(self) -> Weights:
        weights = weights_of(self.network)
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
        weights = self._model_weights()
        dice = self._measure(weights)
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
            write_weights(self._folder / MODEL_NAME, weights)
            epoch = replace(epoch, kept=True)
        self._epochs.append(epoch)
        return epoch

    def _enter(self, phase: tuple[str, bool]) -> None:
        """Go on with another loss or other norms; weights and the optimizer's state stay."""
        if phase != self._phase:
            state = self.state()
            self._phase = phase
            self.network = self._network_of_phase(state.weights, state.optimizer)

    def _network_of_phase(self, weights: Weights, optimizer_state: Sequence[NDArray[np.float32]]) -> Any:
        recipe, (loss, settle) = self._recipe, self._phase
        network = build_unet(self._labels, recipe.features, precision=recipe.precision, frozen_norm=settle)
        fill_weights(network, weights)
        counted = within_rim(network.get_layer(LIKELIHOOD_LAYER).output, recipe.rim)
        logits = keras.Model(network.input, counted)
        optimizer = keras.optimizers.Adam(recipe.learning_rate, global_clipnorm=recipe.clip_gradient or None)
        optimizer.build(logits.trainable_variables)
        for variable, value in zip(optimizer.variables, optimizer_state, strict=bool(optimizer_state)):
            variable.assign(value)
        # XLA makes slow code of 3-D convolutions for the processor; only JAX has nothing else.
        losses = SETTLING if settle else LOSSES
        # L2 wants fixed logits. Their softmax leaves a little of every structure in each voxel of a box.
        total = with_volumes(losses[loss], 0 if loss == "l2" else recipe.volume_weight)
        logits.compile(optimizer, total, jit_compile=keras.backend.backend() == "jax")
        return logits


def has_stalled(epochs: Sequence[Epoch], patience: int) -> bool:
    """Whether the last epochs, as many as the patience, all stay below the best validation Dice before them.

    Parameters
    ----------
    epochs : sequence of Epoch
    patience : int
        0: never.

    Returns
    -------
    bool
    """
    if not patience or len(epochs) <= patience:
        return False
    best = max(epoch.mean_dice for epoch in epochs[:-patience])
    return all(epoch.mean_dice <= best for epoch in epochs[-patience:])


def is_better(epoch: Epoch, earlier: Sequence[Epoch]) -> bool:
    """Whether an epoch's weights should become the model: by the mean Dice, with a bonus for a settled epoch.

    Settling corrects volumes that are too large; Dice hardly sees them.

    Parameters
    ----------
    epoch : Epoch
    earlier : sequence of Epoch

    Returns
    -------
    bool
    """

    def score(one: Epoch) -> float:
        return one.mean_dice + (SETTLED_BONUS if one.settled else 0)

    return all(score(epoch) >= score(other) for other in earlier)


def _first_weights(colors: ColorTable, recipe: Recipe, heritage: Heritage) -> Weights:
    """Random weights, or those to start from."""
    keras.utils.set_random_seed(recipe.seed)
    weights = weights_of(build_unet(len(colors), recipe.features))
    return weights if heritage.start_from is None else adopt(heritage.start_from, weights, colors)


def _fingerprint(
    train: Sequence[Example], validate: Sequence[Example], colors: ColorTable, recipe: Recipe, heritage: Heritage
) -> str:
    heads = {
        split: {e.name: [e.weight, e.digest] for e in sorted(examples, key=lambda e: e.name)}
        for split, examples in (("training heads", train), ("validation heads", validate))
    }
    return json.dumps(lasting_settings(recipe, colors) | heritage.identities | heads)
