"""A training, from the files of heads to a model: the pipeline and the Python API of ``fs_sclimbic train``."""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Literal

from .._version import __version__
from ..errors import UsageError
from ..files.locks import only_one
from ..files.processors import processor_quota
from ..files.staging import append_text, write_atomically
from ..files.system import now
from ..image.labels import ColorTable, format_ctab
from ..network.libraries import start_keras
from ..notice import Notice, Severity
from .checkpoint import (
    CHECKPOINT_NAME,
    MODEL_NAME,
    Checkpoint,
    Epoch,
    check_resumable,
    lasting_settings,
    read_checkpoint,
)
from .curves import plot_training
from .dataset import TRAIN, VALIDATE, HeadFiles
from .given_weights import Heritage, check_start, check_teacher, new_structures, read_given_weights
from .heads import read_examples
from .mirror import check_mirrored, describe_mirrored
from .recipe import Recipe
from .record import TrainingRecord, describe_heads, read_sessions

LOG_NAME, PLOT_NAME, LOCK_NAME = "training.log", "training.png", ".training.lock"

logger = logging.getLogger(__name__)

Notify = Callable[[Notice], None]
"""Is given what people should know, when it arises."""
WatchSteps = Callable[[int], AbstractContextManager[Callable[[int, float], bool]]]
"""Called when the steps begin, with the number of those that are done. What it gives is entered, and called after each
step with its number and loss; it returns whether to go on."""


@dataclass(frozen=True)
class TrainingEnd:
    """How a training ended."""

    status: Literal["complete", "interrupted", "was complete"]
    """``was complete``: all steps had been done before, so nothing was done."""
    steps: int
    """Steps done, all sessions together."""


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """All that a training is told."""

    heads: Sequence[HeadFiles]
    """Those to learn from and to validate on; others are named in the record and left out."""
    colors: ColorTable
    """The structures to learn, background first."""
    recipe: Recipe
    folder: Path
    """Where the model, its record and the checkpoint go."""
    resume: bool = False
    """Go on from the checkpoint in the folder."""
    start_from: str | PathLike[str] | None = None
    """Weights to fine-tune: a file, or ``published`` or ``shipped``."""
    teacher: str | PathLike[str] | None = None
    """Weights of a network that labels the augmented boxes."""
    threads: int | None = None
    """Processor threads; None: all."""
    device: str | None = None
    """Number of a CUDA device; None: the processor."""
    tensorboard: bool = False
    """Write events for TensorBoard."""
    command: tuple[str, ...] = ()
    """The command line, word by word, for the record."""


def train(
    settings: TrainingSettings,
    *,
    notify: Notify = lambda notice: None,
    watch_steps: WatchSteps = lambda first_step: nullcontext(lambda step, loss: True),
) -> TrainingEnd:
    """Train a model.

    Parameters
    ----------
    settings : TrainingSettings
    notify : callable
        Is given notices; each also becomes a line of the log in the folder.
    watch_steps : callable
        Sees the steps, and may end the training after any of them.

    Returns
    -------
    TrainingEnd

    Raises
    ------
    SclimbicError
        If the heads, the checkpoint or the settings do not fit.
    """
    folder, recipe = settings.folder, settings.recipe
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--o {folder}: is a file; give a folder")
    if recipe.augmentation.flip:
        check_mirrored(settings.colors)
    if recipe.harder_share and not settings.teacher:
        raise UsageError(f"--harder-share {recipe.harder_share:g}: needs --teacher, which labels the easy views")
    start = _read_start(folder, settings.resume)
    heritage = _read_heritage(settings)
    if start:
        check_resumable(folder, start, lasting_settings(recipe, settings.colors) | heritage.identities)
        if len(start.losses) >= recipe.total_steps:
            return TrainingEnd("was complete", len(start.losses))
    folder.mkdir(parents=True, exist_ok=True)
    with only_one(folder / LOCK_NAME, f"{folder}: another training runs here; give another --o"):
        return _train(settings, heritage, start, _Log(folder / LOG_NAME, notify), watch_steps)


class _Log:
    """Writes a notice into the log, and passes it on."""

    def __init__(self, path: Path, notify: Notify) -> None:
        self._path, self._notify = path, notify

    def write(self, line: str) -> None:
        append_text(self._path, f"{now()} {line}\n")

    def tell(self, text: str, severity: Severity = "note") -> None:
        self.write(text if severity == "note" else f"{severity}: {text}")
        self._notify(Notice(severity, text))


def _train(
    settings: TrainingSettings, heritage: Heritage, start: Checkpoint | None, log: _Log, watch_steps: WatchSteps
) -> TrainingEnd:
    folder, recipe, colors = settings.folder, settings.recipe, settings.colors
    log.write(f"fs_sclimbic {__version__} train: {' '.join(settings.command)}")
    examples = read_examples(settings.heads, colors, recipe, tell=log.tell)

    # Keras takes seconds: not before the data are known to be good.
    start_keras()
    from ..network.backend import backend_name, configure
    from .trainer import Trainer

    configure(settings.threads or processor_quota(), settings.device)
    trainer = Trainer(
        examples[TRAIN],
        examples[VALIDATE],
        colors=colors,
        recipe=recipe,
        folder=folder,
        start=start,
        heritage=heritage,
    )
    write_atomically(folder / Path(MODEL_NAME).with_suffix(".ctab"), format_ctab(colors).encode())
    done = len(start.losses) if start else 0
    record = TrainingRecord(
        recipe=recipe,
        colors=colors,
        heads=describe_heads(settings.heads),
        command=settings.command,
        backend=backend_name(),
        first_step=done,
        earlier=read_sessions(folder / MODEL_NAME) if start else (),
        heritage=heritage,
    )
    _tell_of(heritage, colors, log)
    if recipe.augmentation.flip:
        log.tell(describe_mirrored(colors))
    if heritage.teacher and recipe.augmentation.elsewhere and not recipe.stored_share:
        log.tell(
            "the teacher labels all boxes, and none of its boxes lies elsewhere in the head: --elsewhere has no "
            "effect; give a smaller --teacher-share or --harder-share",
            "warning",
        )
    log.tell(f"{len(colors) - 1} structures, step {done} of {recipe.total_steps}")
    events = None
    if settings.tensorboard:
        from .events import EventWriter

        events = EventWriter(folder, len(start.losses) if start else None)

    interrupted = False
    with watch_steps(done) as goes_on:
        for step in trainer.run():
            if step.epoch:
                log.tell(_line_of(step.epoch, recipe))
                _write_course(record, folder, trainer.state())
            if events:
                events.write(step)
            if not goes_on(step.number, step.loss):
                interrupted = True
                break
    if events:
        events.close()
    trainer.save()
    last = trainer.state()
    if interrupted:
        _write_course(record, folder, last, "interrupted")
        log.tell(f"interrupted after step {len(last.losses)}; the same command with --resume goes on")
        return TrainingEnd("interrupted", len(last.losses))
    ended = "stopped early: validation no longer rose" if trainer.has_stalled else "all epochs done"
    _write_course(record, folder, last, ended)
    log.tell(f"{ended}, {len(last.losses)} steps, {last.seconds / 60:.0f} min: {folder / MODEL_NAME}")
    best = next((epoch for epoch in reversed(last.epochs) if epoch.kept), None)
    if best and best.dice:
        scores = ", ".join(f"{name} {value:.3f}" for name, value in best.dice.items())
        settled = ", settled" if best.settled else ""
        log.tell(f"the model is that of epoch {best.number}{settled}; validation Dice {scores}")
    return TrainingEnd("complete", len(last.losses))


def _read_start(folder: Path, resume: bool) -> Checkpoint | None:
    """The checkpoint to go on from; a training that is there is never overwritten."""
    start = read_checkpoint(folder)
    if start and not resume:
        raise UsageError(
            f"{folder}: holds a training of {len(start.losses)} steps; give --resume to go on, or another folder"
        )
    if not resume and (folder / MODEL_NAME).exists():
        raise UsageError(f"{folder}: holds a {MODEL_NAME} that would be overwritten; give another folder")
    if resume and not start:
        raise UsageError(f"{folder}: holds no {CHECKPOINT_NAME} to resume from; leave --resume out to start")
    return start


def _read_heritage(settings: TrainingSettings) -> Heritage:
    """Read the weights that the training is given; error if they do not fit."""
    colors = settings.colors
    start_from = read_given_weights(settings.start_from, colors) if settings.start_from else None
    teacher = read_given_weights(settings.teacher, colors) if settings.teacher else None
    if start_from:
        check_start(start_from, settings.recipe.features)
    if teacher:
        check_teacher(teacher, colors)
    return Heritage(start_from=start_from, teacher=teacher)


def _tell_of(heritage: Heritage, colors: ColorTable, log: _Log) -> None:
    """Say what the training is given, and which structures it must learn from nothing."""
    if heritage.start_from:
        new = new_structures(heritage.start_from, colors)
        log.tell(
            f"starts from {heritage.start_from.identity}"
            + (f"; it does not know {', '.join(new)}: their channels start at random" if new else "")
        )
    if heritage.teacher:
        log.tell(f"teacher: {heritage.teacher.identity}")


def _write_course(record: TrainingRecord, folder: Path, state: Checkpoint, ended: str | None = None) -> None:
    """Write the record and the picture of the training so far."""
    record.write(folder / MODEL_NAME, state.epochs, steps=len(state.losses), seconds=state.seconds, ended=ended)
    try:
        plot_training(folder / PLOT_NAME, state.losses, state.epochs)
    except UsageError as error:
        logger.warning("%s", error)
    except Exception as error:  # whatever the picture lacks, the training goes on
        summary = " ".join(str(error).split())[:200]
        logger.warning("%s: not drawn (%s: %s)", folder / PLOT_NAME, type(error).__name__, summary)


def _line_of(epoch: Epoch, recipe: Recipe) -> str:
    text = f"epoch {epoch.number}/{recipe.epochs}: loss {epoch.loss:.4f}, rate {epoch.rate:.2g}, {epoch.seconds:.0f} s"
    if not epoch.dice:
        return text
    worst = min(epoch.dice, key=lambda name: epoch.dice[name])
    return f"{text}, Dice {epoch.mean_dice:.3f} (worst {worst} {epoch.dice[worst]:.3f})"
