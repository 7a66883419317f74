"""What goes wrong in a worker, as functions that a worker can import."""

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fs_sclimbic.image.volume import Volume, write_volume
from fs_sclimbic.registration.head_search import Head
from fs_sclimbic.registration.talairach import Registration

DEADLY = 900.0
"""An intensity that no other head of the tests has."""

FOUND = Registration(np.diag([1.1, 1.1, 1.1, 1]), 0.9, False, ())


def head_at_origin(_):
    """Finds the head where the model saw it."""
    return Head(np.eye(4), 0.9)


@dataclass(frozen=True)
class DiesOverDeadlyImages:
    """Registers a head; kills its process when the head has a voxel of the intensity `DEADLY`."""

    deaths: Path
    """A folder; it has a file for each death."""
    most: int = 1000
    """No more deaths than these."""

    def __call__(self, image):
        before = len(list(self.deaths.iterdir()))
        if image.data.max() == DEADLY and before < self.most:
            (self.deaths / str(before)).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return FOUND


@dataclass(frozen=True)
class WaitsOverDeadlyImages:
    """Registers a head; waits when the head has a voxel of the intensity `DEADLY`."""

    gate: Path
    """A named pipe: who opens it to write lets one go on."""

    def __call__(self, image):
        if image.data.max() == DEADLY:
            self.gate.read_text()
        return FOUND


def make_deadly(path, head):
    """Write a head with a voxel of the intensity `DEADLY`."""
    data = head.data.copy()
    data[0, 0, 0] = DEADLY
    write_volume(Volume(data, head.grid), path)


def no_model(_spec, **_how):
    """Fails as an engine does whose library is broken."""
    raise OSError(5, "Input/output error")


def end_at_once(_pipe):
    """The life of a worker that cannot start."""
    sys.exit(3)
