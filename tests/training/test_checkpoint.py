import numpy as np
import pytest

from fs_sclimbic.errors import ModelError
from fs_sclimbic.training.checkpoint import CHECKPOINT_NAME, Checkpoint, Epoch, read_checkpoint, write_checkpoint
from tests.mutations import mutations

EPOCH = Epoch(1, 50, 0.25, 1e-3, {"A": 0.9, "B": 0.7}, 12.5, True, True)


FINGERPRINT = '{"seed": 1}'


def checkpoint():
    weights = {
        "unet_likelihood": {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.ones(3, np.float32)}
    }
    optimizer = [np.array(7), *(np.full(2, i, np.float32) for i in range(12))]
    return Checkpoint(weights, optimizer, [1.5, 0.1], [EPOCH], FINGERPRINT, 99.5)


def test_round_trip(tmp_path):
    there = checkpoint()
    weights, optimizer = there.weights, there.optimizer
    write_checkpoint(tmp_path, there)
    back = read_checkpoint(tmp_path)
    assert list(back.weights) == ["unet_likelihood"]
    for name, array in weights["unet_likelihood"].items():
        assert np.array_equal(back.weights["unet_likelihood"][name], array)
    assert len(back.optimizer) == 13
    assert all(np.array_equal(a, b) for a, b in zip(back.optimizer, optimizer, strict=True))
    assert (back.losses, back.epochs, back.fingerprint, back.seconds) == ([1.5, 0.1], [EPOCH], FINGERPRINT, 99.5)
    assert EPOCH.mean_dice == pytest.approx(0.8)
    assert Epoch(1, 50, 0.25, 1e-3, {}, 12.5).mean_dice == 0
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT_NAME]


def test_none_and_broken(tmp_path):
    assert read_checkpoint(tmp_path) is None
    (tmp_path / CHECKPOINT_NAME).write_bytes(b"PK\x03\x04 half a file")
    with pytest.raises(ModelError, match=r"checkpoint\.npz: checkpoint cannot be read"):
        read_checkpoint(tmp_path)


def test_damage_is_our_error(tmp_path):
    write_checkpoint(tmp_path, checkpoint())
    content = (tmp_path / CHECKPOINT_NAME).read_bytes()
    messages = []
    for damaged in mutations(content, 200):
        (tmp_path / CHECKPOINT_NAME).write_bytes(damaged)
        try:
            assert len(read_checkpoint(tmp_path).losses) >= 0
        except ModelError as error:
            messages.append(str(error))
    assert len(messages) > 20
    assert all(message.endswith("remove it to start again") and message.isprintable() for message in messages)
