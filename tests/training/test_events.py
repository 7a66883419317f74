"""What TensorBoard reads."""

import pytest

from fs_sclimbic.training.checkpoint import Epoch
from fs_sclimbic.training.trainer import Step

pytest.importorskip("tensorboardX")
from fs_sclimbic.training.events import EventWriter


def test_loss_and_dice(tmp_path):
    events = EventWriter(tmp_path)
    events.write(Step(1, 0.5, None))
    events.write(Step(2, 0.4, Epoch(1, 2, 0.45, 1e-3, {"Rod": 0.7, "Box": 0.5}, 1.0)))
    events.close()
    (file,) = (tmp_path / "tensorboard").iterdir()
    content = file.read_bytes()
    assert b"loss" in content
    for name in (b"Dice/Rod", b"Dice/Box", b"Dice/mean"):
        assert name in content
