"""The course of a training as TensorBoard shows it."""

from pathlib import Path

from tensorboardX import SummaryWriter

from .trainer import Step

FOLDER_NAME = "tensorboard"


class EventWriter:
    """Writes TensorBoard's event files.

    Parameters
    ----------
    folder : Path
        The training's folder; the files lie in its folder ``tensorboard``.
    first_step : int, optional
        Steps that are done, if the training goes on: events of later steps are replaced.
    """

    def __init__(self, folder: Path, first_step: int | None = None) -> None:
        self._writer = SummaryWriter(str(folder / FOLDER_NAME), purge_step=first_step)

    def write(self, step: Step) -> None:
        """Add a step's loss; with the last one of an epoch, the validation Dice."""
        self._writer.add_scalar("loss", step.loss, step.number)
        if step.epoch and step.epoch.dice:
            for name, value in {**step.epoch.dice, "mean": step.epoch.mean_dice}.items():
                self._writer.add_scalar(f"Dice/{name}", value, step.number)
            self._writer.flush()

    def close(self) -> None:
        """Write what is still in memory."""
        self._writer.close()
