"""The course of a training: phases, the best epoch, the checkpoint, the order of heads."""

from dataclasses import replace

import numpy as np
import pytest

from fs_sclimbic.errors import ModelError
from fs_sclimbic.network.architecture import LIKELIHOOD_LAYER
from fs_sclimbic.network.spec import ModelSpec
from fs_sclimbic.network.unet import weights_of
from fs_sclimbic.network.weights import read_weights
from fs_sclimbic.training.checkpoint import CHECKPOINT_NAME, Epoch, read_checkpoint
from fs_sclimbic.training.dataset import read_example
from fs_sclimbic.training.losses import LOSSES, SETTLING, within_rim
from fs_sclimbic.training.recipe import Recipe
from fs_sclimbic.training.trainer import Trainer, has_stalled
from tests.heads import FOUR


@pytest.fixture(scope="module")
def heads(four_heads):
    return [read_example(source, FOUR, 48) for source in four_heads[:3]]


@pytest.fixture
def small_trainer(heads, tmp_path):
    """Makes a Trainer of a few steps; keywords go to the recipe."""

    def make(start=None, measure=None, **settings):
        recipe = Recipe(**{"box": (16, 16, 16), "fov": 48, "features": 2, "steps": 4, **settings})
        return Trainer(heads[:2], heads[2:], colors=FOUR, recipe=recipe, folder=tmp_path, start=start, measure=measure)

    return make


def test_a_change_of_phase_keeps_the_optimizer_and_settles(small_trainer):
    trainer = small_trainer(epochs=3, l2_epochs=1, settle_epochs=1)
    iterations, losses = [], []
    for _ in trainer.run():
        iterations.append(int(trainer.network.optimizer.iterations.numpy()))
        losses.append(trainer.network.loss)
    assert iterations == list(range(1, 13))
    assert losses[8] is SETTLING["dice+cross-entropy"]
    assert losses[7] is not losses[8]
    assert losses[0] is SETTLING["l2"]
    # Volumes have no place there.
    assert small_trainer(epochs=3, l2_epochs=1, volume_weight=0.3).network.loss is LOSSES["l2"]
    assert small_trainer(epochs=3, volume_weight=0.3).network.loss is not LOSSES["dice+cross-entropy"]


def test_the_network_is_there_from_the_start_and_goes_on_from_a_checkpoint(small_trainer):
    trainer = small_trainer(epochs=2, settle_epochs=1)
    assert trainer.network.loss is not SETTLING["dice+cross-entropy"]
    for step in trainer.run():
        if step.epoch:
            break
    state = trainer.state()
    again = small_trainer(start=state, epochs=2, settle_epochs=1)
    assert again.network.loss is SETTLING["dice+cross-entropy"]
    assert int(again.network.optimizer.iterations.numpy()) == 4
    for layer, arrays in weights_of(again.network).items():
        assert all(np.array_equal(array, state.weights[layer][name]) for name, array in arrays.items())


def test_the_model_is_the_best_epoch(small_trainer, tmp_path):
    """Its weights, not the last ones; and a settled epoch before one that is a little better."""
    scores = iter([0.5, 0.84, 0.6, 0.8, 0.7])
    trainer = small_trainer(measure=lambda weights: {"Rod": next(scores)}, epochs=5, settle_epochs=2)
    seen = {}
    for step in trainer.run():
        if step.epoch:
            seen[step.epoch.number] = weights_of(trainer.network)[LIKELIHOOD_LAYER]["kernel"]
    spec = ModelSpec(tmp_path / "model.h5", "", FOUR, fov=48, features=2)
    kept = read_weights(spec)[LIKELIHOOD_LAYER]["kernel"]
    assert [epoch.kept for epoch in trainer.state().epochs] == [True, True, False, True, False]
    assert np.array_equal(kept, seen[4])
    assert not np.array_equal(kept, seen[5])


def test_one_checkpoint_an_epoch(small_trainer, tmp_path):
    """It is there when the epoch is told, and is not written again for the same step."""
    trainer = small_trainer(epochs=2, checkpoint_steps=3)
    written = []
    for step in trainer.run():
        trainer.save() if step.epoch else None
        there = tmp_path / CHECKPOINT_NAME
        written.append((step.number, there.stat().st_mtime_ns) if there.exists() else None)
        if step.epoch:
            assert len(read_checkpoint(tmp_path).losses) == step.number
    files = [one and one[1] for one in written]
    assert files[:2] == [None, None]
    assert len({*files[2:]}) == 4  # after steps 3, 4, 6 and 8
    assert files[4] == files[3]


def test_heads_in_another_order_are_the_same_and_others_are_not(small_trainer):
    trainer = small_trainer(epochs=1)
    for _ in trainer.run():
        pass
    start = trainer.state()
    small_trainer(start, epochs=2)
    changed = replace(start, fingerprint=start.fingerprint.replace('"head0": [1.0, "', '"head0": [1.0, "0'))
    assert changed.fingerprint != start.fingerprint
    with pytest.raises(ModelError, match="other training heads head0"):
        small_trainer(changed, epochs=2)


def test_stalling():
    def course(*values):
        return [Epoch(i, i, 0.1, 0.1, {"A": value}, 1.0) for i, value in enumerate(values)]

    assert not has_stalled(course(0.5, 0.4, 0.4), 0)
    assert not has_stalled(course(0.5, 0.4), 2)
    assert has_stalled(course(0.5, 0.4, 0.5), 2)
    assert not has_stalled(course(0.5, 0.4, 0.6), 2)


def test_the_rim_does_not_count(small_trainer):
    """The loss of a step is that of the inner voxels; with a weight the volumes' error is in it."""
    inner = np.zeros((1, 16, 16, 16, 5), np.float32)
    inner[:, 3:-3, 3:-3, 3:-3] = 1
    assert within_rim(inner, 3).shape == (1, 10, 10, 10, 5)
    assert within_rim(inner, 3).all()
    assert within_rim(inner, 0) is inner
    trainer = small_trainer(epochs=1, rim=3, volume_weight=0.5, clip_gradient=1.0)
    assert trainer.network.output_shape[-1] == 5
    image = np.random.default_rng(0).random((1, 16, 16, 16, 1), np.float32)
    assert trainer.network(image).shape == (1, 10, 10, 10, 5)
    assert all(np.isfinite(step.loss) for step in trainer.run())
    plain = [step.loss for step in small_trainer(epochs=1).run()]
    counted = [step.loss for step in small_trainer(epochs=1, rim=3).run()]
    with_volumes = [step.loss for step in small_trainer(epochs=1, rim=3, volume_weight=0.5).run()]
    assert plain[0] != pytest.approx(counted[0], rel=1e-3)
    assert with_volumes[0] > counted[0] + 0.01


def test_a_gradient_is_clipped(small_trainer):
    """With the shortest of gradients Adam still steps, so the optimizer's own first moment shows the length."""
    trainer = small_trainer(epochs=1, clip_gradient=1e-3)
    next(trainer.run())
    moments = [m for m in trainer.network.optimizer.variables if "momentum" in m.path]
    length = np.sqrt(sum(float(np.sum(np.square(m.numpy()))) for m in moments))
    assert 0 < length <= 0.1 * 1e-3 * 1.001
