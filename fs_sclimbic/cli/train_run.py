"""Do a training: read the heads, step, show where it stands, keep what came out."""

import argparse
import importlib.util
import logging
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from .._version import __version__
from ..errors import SclimbicError, UsageError
from ..files.locks import only_one
from ..files.staging import append_text, write_atomically
from ..files.system import now
from ..image.labels import ColorTable, format_ctab, read_ctab
from ..training.checkpoint import CHECKPOINT_NAME, Checkpoint, Epoch, check_resumable, lasting_settings, read_checkpoint
from ..training.curves import plot_training
from ..training.dataset import TRAIN, VALIDATE, Example, HeadFiles, hold_out, pair_folders, read_example, read_list
from ..training.given_weights import Heritage, check_start, check_teacher, new_structures, read_given_weights
from ..training.recipe import Recipe
from ..training.record import TrainingRecord, read_sessions
from .arguments import ALL_DONE, INTERRUPTED
from .guard import signals_ask
from .progress import say

LOG_NAME, PLOT_NAME, LOCK_NAME = "training.log", "training.png", ".training.lock"

logger = logging.getLogger(__name__)


def train(args: argparse.Namespace, recipe: Recipe, command: tuple[str, ...]) -> int:
    """Do what the parsed flags ask for; returns the exit status.

    Raises
    ------
    SclimbicError
        If the data, the checkpoint or the settings do not fit.
    """
    colors = read_ctab(args.ctab)
    if len(colors) < 2:
        raise UsageError(f"{args.ctab}: the colour table has no structure besides the background")
    _check_installed(args)
    sources = _sources(args, recipe)
    folder = Path(args.o)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--o {folder}: is a file; give a folder")
    start = _start(folder, args.resume)
    heritage = _heritage(args, colors, recipe)
    if start:
        check_resumable(folder, start, lasting_settings(recipe, colors) | heritage.identities)
        if len(start.losses) >= recipe.total_steps:
            say(f"{folder}: {len(start.losses)} of {recipe.total_steps} steps are done; give more --epochs to go on")
            return ALL_DONE
    folder.mkdir(parents=True, exist_ok=True)
    with only_one(folder / LOCK_NAME, f"{folder}: another training runs here; give another --o"):
        return _train(args, recipe, command, colors, sources, heritage, start)


def _train(
    args: argparse.Namespace,
    recipe: Recipe,
    command: tuple[str, ...],
    colors: ColorTable,
    sources: Sequence[HeadFiles],
    heritage: Heritage,
    start: Checkpoint | None,
) -> int:
    folder = Path(args.o)
    tell = _Teller(folder / LOG_NAME, args.quiet)
    tell(f"fs_sclimbic {__version__} train: {' '.join(command)}", log_only=True)
    examples = _read_examples(sources, colors, recipe, tell)

    # Loads Keras; not before the data are known to be good.
    from ..network.backend import configure, keras
    from ..training.trainer import MODEL_NAME, Trainer

    configure(args.threads, args.cuda_device)
    trainer = Trainer(examples[TRAIN], examples[VALIDATE], colors, recipe, folder, start, heritage)
    write_atomically(folder / Path(MODEL_NAME).with_suffix(".ctab"), format_ctab(colors).encode())
    done = len(start.losses) if start else 0
    earlier = read_sessions(folder / MODEL_NAME) if start else ()
    record = TrainingRecord(recipe, colors, tuple(sources), command, keras.backend.backend(), done, earlier, heritage)
    _tell_of(heritage, colors, tell)
    tell(f"{len(colors) - 1} structures, step {done} of {recipe.total_steps}")
    board = _board(folder, start) if args.tensorboard else None

    def keep(state: Checkpoint, ended: str | None = None) -> None:
        record.write(folder / MODEL_NAME, state.epochs, len(state.losses), state.seconds, ended)
        try:
            plot_training(folder / PLOT_NAME, state.losses, state.epochs)
        except UsageError as error:
            logger.warning("%s", error)

    interrupted = False
    with signals_ask() as asked_to_stop, _progress(args.quiet, recipe, start) as advance:
        for step, loss, epoch in trainer.run():
            advance(step, loss)
            if epoch:
                tell(_line(epoch, recipe))
                keep(trainer.save())
            if board:
                _add_events(board, step, loss, epoch)
            if asked_to_stop():
                interrupted = True
                break
    if board:
        board.close()
    last = trainer.save()
    if interrupted:
        keep(last, "interrupted")
        tell(f"interrupted after step {len(last.losses)}; the same command with --resume goes on")
        return INTERRUPTED
    ended = "stopped early: validation no longer rose" if trainer.has_stalled else "all epochs done"
    keep(last, ended)
    tell(f"{ended}, {len(last.losses)} steps, {last.seconds / 60:.0f} min: {folder / MODEL_NAME}")
    best = next((epoch for epoch in reversed(last.epochs) if epoch.kept), None)
    if best and best.dice:
        scores = ", ".join(f"{name} {value:.3f}" for name, value in best.dice.items())
        tell(f"the model is that of epoch {best.number}{', settled' if best.settled else ''}; validation Dice {scores}")
    return ALL_DONE


def _check_installed(args: argparse.Namespace) -> None:
    """Refuse before anything is read what would fail after it for want of a package."""
    backend = args.backend or os.environ.get("KERAS_BACKEND", "tensorflow")
    if importlib.util.find_spec(backend) is None:
        raise UsageError(f"--backend {backend}: is not installed; python -m pip install {backend}")
    if args.tensorboard and importlib.util.find_spec("tensorboardX") is None:
        raise UsageError("--tensorboard needs tensorboardX: python -m pip install tensorboardX")
    if args.threads is not None and args.threads < 1:
        raise UsageError(f"--threads {args.threads}: give a positive number")


def _heritage(args: argparse.Namespace, colors: ColorTable, recipe: Recipe) -> Heritage:
    """Read the weights that the flags name, and refuse those that do not fit."""
    start_from = read_given_weights(args.start_from, colors) if args.start_from else None
    teacher = read_given_weights(args.teacher, colors) if args.teacher else None
    if start_from:
        check_start(start_from, recipe.features)
    if teacher:
        check_teacher(teacher, colors)
    return Heritage(start_from=start_from, teacher=teacher)


def _tell_of(heritage: Heritage, colors: ColorTable, tell: "_Teller") -> None:
    """Say what the training is given, and which structures it must learn from nothing."""
    if heritage.start_from:
        new = new_structures(heritage.start_from, colors)
        tell(
            f"starts from {heritage.start_from.identity}"
            + (f"; it does not know {', '.join(new)}: their channels start at random" if new else "")
        )
    if heritage.teacher:
        tell(f"teacher: {heritage.teacher.identity}")


def _sources(args: argparse.Namespace, recipe: Recipe) -> list[HeadFiles]:
    """The heads that the flags name, those for validation marked."""
    if bool(args.data) == bool(args.images or args.labels):
        raise UsageError("give --data TSV, or --images DIR and --labels DIR")
    if args.data:
        sources = read_list(args.data, args.root)
    elif args.images and args.labels:
        sources = pair_folders(args.images, args.labels)
    else:
        raise UsageError("--images and --labels go together")
    if not 0 <= args.validate < 1:
        raise UsageError(f"--validate {args.validate}: give a share from 0 to less than 1")
    if args.validate:
        sources = hold_out(sources, args.validate, recipe.seed)
    if not any(source.split == TRAIN for source in sources):
        raise UsageError(f"{args.data or args.images}: no head is left to learn from")
    return sources


def _start(folder: Path, resume: bool) -> Checkpoint | None:
    """The checkpoint to go on from; a training that is there is never overwritten."""
    start = read_checkpoint(folder)
    if start and not resume:
        raise UsageError(
            f"{folder}: holds a training of {len(start.losses)} steps; give --resume to go on, or another folder"
        )
    if not resume and (folder / "model.h5").exists():
        raise UsageError(f"{folder}: holds a model.h5 that would be overwritten; give another folder")
    if resume and not start:
        raise UsageError(f"{folder}: holds no {CHECKPOINT_NAME} to resume from; leave --resume out to start")
    return start


def _read_examples(
    sources: Sequence[HeadFiles], colors: ColorTable, recipe: Recipe, tell: "_Teller"
) -> dict[str, list[Example]]:
    """Read all heads; every one that cannot be used is told before anything is trained."""
    examples: dict[str, list[Example]] = {TRAIN: [], VALIDATE: []}
    broken = []
    used = [source for source in sources if source.split in examples]
    left_out = Counter(source.split for source in sources if source.split not in examples)
    tell(
        f"reading {len(used)} heads"
        + (f"; left out: {', '.join(f'{n} {split}' for split, n in left_out.items())}" if left_out else "")
    )
    for source in used:
        try:
            examples[source.split].append(read_example(source, colors, recipe.fov, recipe.percentile))
        except SclimbicError as error:
            broken.append(str(error))
    for line in broken:
        tell(f"error: {line}", stream=sys.stderr)
    if broken:
        raise UsageError(f"{len(broken)} of {len(used)} heads cannot be used; mend them or take them off the list")
    for i, structure in enumerate(colors.foreground):
        for split, heads in examples.items():
            missing = [head.name for head in heads if not head.has_structures[i]]
            if heads and len(missing) == len(heads) and split == TRAIN:
                raise UsageError(
                    f"{structure.index} {structure.name} is in none of the {len(heads)} heads to learn from; take it "
                    "off the colour table (--ctab)"
                )
            if missing:
                names = f"{', '.join(missing[:5])}{' ...' if len(missing) > 5 else ''}"
                tell(
                    f"warning: {structure.name} is missing in {len(missing)} of {len(heads)} heads to {split}: {names}",
                    stream=sys.stderr,
                )
    names = ", ".join(head.name for head in examples[VALIDATE]) or "none"
    tell(f"{len(examples[TRAIN])} heads to learn from; to validate: {names}")
    return examples


class _Teller:
    """Says a line on the terminal and in the log."""

    def __init__(self, log: Path, quiet: bool) -> None:
        self._log, self._quiet = log, quiet

    def __call__(self, text: str, *, log_only: bool = False, stream: Any = None) -> None:
        append_text(self._log, f"{now()} {text}\n")
        if stream or not (log_only or self._quiet):
            say(text, stream)


def _line(epoch: Epoch, recipe: Recipe) -> str:
    text = f"epoch {epoch.number}/{recipe.epochs}: loss {epoch.loss:.4f}, rate {epoch.rate:.2g}, {epoch.seconds:.0f} s"
    if not epoch.dice:
        return text
    worst = min(epoch.dice, key=lambda name: epoch.dice[name])
    return f"{text}, Dice {epoch.mean_dice:.3f} (worst {worst} {epoch.dice[worst]:.3f})"


def _add_events(board: Any, step: int, loss: float, epoch: Epoch | None) -> None:
    """What TensorBoard shows."""
    board.add_scalar("loss", loss, step)
    if epoch and epoch.dice:
        for name, value in {**epoch.dice, "mean": epoch.mean_dice}.items():
            board.add_scalar(f"Dice/{name}", value, step)
        board.flush()


def _board(folder: Path, start: Checkpoint | None) -> Any:
    """A writer of TensorBoard's event files; steps that are done again replace the earlier ones."""
    from tensorboardX import SummaryWriter

    return SummaryWriter(str(folder / "tensorboard"), purge_step=len(start.losses) if start else None)


@contextmanager
def _progress(quiet: bool, recipe: Recipe, start: Checkpoint | None) -> Iterator[Any]:
    """A bar with the loss and the time left on a terminal; elsewhere the lines of the epochs are enough."""
    if quiet or not sys.stdout or not sys.stdout.isatty():
        yield lambda step, loss: None
        return
    columns: Iterable[Any] = (
        TextColumn("loss {task.fields[loss]:.4f}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(highlight=False), transient=True, speed_estimate_period=600) as bar:
        task = bar.add_task("training", total=recipe.total_steps, completed=len(start.losses) if start else 0, loss=0.0)
        yield lambda step, loss: bar.update(task, completed=step, loss=loss)
