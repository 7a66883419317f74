import keras
import numpy as np
import pytest

from fs_sclimbic.training.losses import (
    LOSSES,
    SETTLING,
    cross_entropy,
    soft_dice,
    volume_error,
    weighted_l2,
    with_volumes,
)
from fs_sclimbic.training.recipe import LOSS_NAMES

RNG = np.random.default_rng(0)
SHAPE = (1, 6, 5, 4, 3)


def of(loss, targets, logits):
    tensors = (keras.ops.convert_to_tensor(array.astype(np.float32)) for array in (targets, logits))
    return float(keras.ops.convert_to_numpy(loss(*tensors)))


@pytest.fixture
def targets():
    return np.eye(3)[RNG.integers(0, 3, SHAPE[:-1])]


@pytest.fixture
def soft():
    return RNG.dirichlet([1, 1, 1], SHAPE[:-1])


def test_every_name_of_a_recipe_is_a_loss():
    assert set(LOSSES) == set(SETTLING) == set(LOSS_NAMES)


def test_soft_dice_by_hand(targets):
    logits = RNG.normal(size=SHAPE)
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    per_label = [
        (2 * (targets[..., c] * p[..., c]).sum() + 1) / ((targets[..., c] ** 2 + p[..., c] ** 2).sum() + 1)
        for c in range(3)
    ]
    assert of(soft_dice, targets, logits) == pytest.approx(1 - np.mean(per_label), abs=1e-5)


def test_cross_entropy_by_hand(soft):
    logits = RNG.normal(size=SHAPE)
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    weight = 1 + 19 * (1 - soft[..., 0])
    wanted = -(weight * (soft * log_p).sum(-1)).sum() / weight.sum()
    assert of(cross_entropy, soft, logits) == pytest.approx(wanted, rel=1e-5)


def test_weighting_the_foreground_is_biased_and_settling_is_not():
    """A voxel that is foreground in one head of five: what single posterior does each loss like best?"""
    heads = np.eye(3)[np.array([1, 0, 0, 0, 0])][None, :, None, None, :]
    shares = np.linspace(0.02, 0.98, 97)
    for loss, best in ((cross_entropy, 20 / 24), (SETTLING["cross-entropy"], 0.2)):
        values = []
        for share in shares:
            logits = np.broadcast_to(np.log([1 - share, share, 1e-9]), heads.shape)
            values.append(of(loss, heads, logits))
        assert shares[np.argmin(values)] == pytest.approx(best, abs=0.011)


@pytest.mark.parametrize("name", ["dice", "cross-entropy", "dice+cross-entropy"])
def test_soft_targets_are_their_own_optimum(name, soft):
    """At the targets no small change of the logits lowers the loss: the network learns posteriors, not labels."""
    logits = np.log(soft)
    best = of(LOSSES[name], soft, logits)
    for _ in range(10):
        assert of(LOSSES[name], soft, logits + 0.05 * RNG.normal(size=SHAPE)) > best
        assert of(SETTLING[name], soft, logits + 0.05 * RNG.normal(size=SHAPE)) > of(SETTLING[name], soft, logits)


def test_l2_is_zero_at_sure_logits_only(targets):
    sure = 5 * (2 * targets - 1)
    assert of(weighted_l2, targets, sure) == pytest.approx(0, abs=1e-6)
    assert of(weighted_l2, targets, 0.8 * sure) > 0.01


def test_l2_pulls_all_present_labels_alike_and_none_that_is_absent():
    labels = np.zeros(SHAPE[:-1], int)
    labels[0, :2], labels[0, 5, 0, 0] = 1, 2
    four = np.eye(4)[labels]  # a fourth label that is nowhere
    sure = 5 * (2 * four - 1)
    losses = []
    for label in range(3):
        wrong = sure.copy()
        wrong[labels == label] = 0
        losses.append(of(weighted_l2, four, wrong))
    assert np.allclose(losses, 25 / 3, rtol=1e-4)
    missed = sure.copy()
    missed[labels == 2] = sure[labels == 0][0]
    assert of(weighted_l2, four, missed) > 5


def test_a_small_structure_counts_as_much_as_a_large_one():
    labels = np.zeros(SHAPE[:-1], int)
    labels[0, :4], labels[0, 5, 0, 0] = 1, 2
    targets = np.eye(3)[labels]
    sure = 10 * (2 * targets - 1)
    without_small, without_tenth = sure.copy(), sure.copy()
    without_small[labels == 2] = sure[labels == 0][0]
    assert of(soft_dice, targets, without_small) > 0.15
    without_tenth[0, 0, :, :2] = sure[labels == 0][0]
    assert of(soft_dice, targets, without_small) > of(soft_dice, targets, without_tenth)


def test_an_absent_structure_is_no_trap():
    targets = np.eye(3)[np.zeros(SHAPE[:-1], int)]
    for loss in LOSSES.values():
        assert np.isfinite(of(loss, targets, 5 * (2 * targets - 1)))
    assert of(soft_dice, targets, 10 * (2 * targets - 1)) < 1e-3


def test_volume_error_by_hand(soft):
    """Each box by itself: two boxes whose errors are opposite do not balance."""
    two = np.concatenate([soft, soft[:, ::-1]])
    logits = RNG.normal(size=two.shape)
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    wanted, found = (array[..., 1:].sum((1, 2, 3)) for array in (two, p))
    assert of(volume_error, two, logits) == pytest.approx(np.mean(np.abs(found - wanted) / (wanted + 30)), rel=1e-4)
    assert of(volume_error, soft, np.log(soft)) == pytest.approx(0, abs=1e-5)


def test_volumes_are_added_with_their_weight(soft):
    logits = RNG.normal(size=SHAPE)
    for weight in (0.3, 2.0):
        both = of(soft_dice, soft, logits) + weight * of(volume_error, soft, logits)
        assert of(with_volumes(soft_dice, weight), soft, logits) == pytest.approx(both, rel=1e-5)
    assert with_volumes(soft_dice, 0.0) is soft_dice
