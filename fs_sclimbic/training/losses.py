"""The losses that training lowers."""

from collections.abc import Callable
from typing import Any

import keras

ops = keras.ops

# The weighted L2 loss pulls logits to this of the voxel's label, and to minus this of the others.
SURE_LOGIT = 5.0
# Keeps the Dice of a structure that is not in the box defined, at a few voxels' weight.
DICE_SMOOTHING = 1.0
# Structures fill one voxel in a hundred of a box: without a weight the background's voxels decide.
FOREGROUND_WEIGHT = 20.0
# Keeps the relative error of a volume defined where the box holds a corner of the structure, or nothing of it.
VOLUME_SMOOTHING_VOXELS = 30.0
# Batch and space.
VOXEL_AXES = (0, 1, 2, 3)


def soft_dice(targets: Any, logits: Any) -> Any:
    """1 - mean soft Dice over labels; its optimum for soft targets is the targets themselves.

    Parameters
    ----------
    targets : tensor, (batch, x, y, z, labels)
        Posteriors, sum 1.
    logits : tensor, (batch, x, y, z, labels)

    Returns
    -------
    tensor
        One number.
    """
    posteriors = ops.softmax(logits, axis=-1)
    common = ops.sum(targets * posteriors, axis=VOXEL_AXES)
    size = ops.sum(ops.square(targets) + ops.square(posteriors), axis=VOXEL_AXES)
    return 1 - ops.mean((2 * common + DICE_SMOOTHING) / (size + DICE_SMOOTHING))


def cross_entropy(targets: Any, logits: Any) -> Any:
    """Mean cross-entropy, voxels weighted up with their share of foreground.

    It finds small structures soon, and makes them too large: a voxel that is foreground in one head of ten counts
    twenty times there. `even_cross_entropy` takes that back.

    Parameters
    ----------
    targets : tensor, (batch, x, y, z, labels)
        Posteriors, sum 1.
    logits : tensor, (batch, x, y, z, labels)

    Returns
    -------
    tensor
        One number.
    """
    weight = _foreground_weight(targets)
    return ops.sum(weight * _entropy(targets, logits)) / ops.sum(weight)


def even_cross_entropy(targets: Any, logits: Any) -> Any:
    """Cross-entropy in which every voxel weighs as much as foreground does in `cross_entropy`: without bias.

    Parameters
    ----------
    targets : tensor, (batch, x, y, z, labels)
        Posteriors, sum 1.
    logits : tensor, (batch, x, y, z, labels)

    Returns
    -------
    tensor
        One number.
    """
    return FOREGROUND_WEIGHT * ops.sum(_entropy(targets, logits)) / ops.sum(_foreground_weight(targets))


def _foreground_weight(targets: Any) -> Any:
    return 1 + (FOREGROUND_WEIGHT - 1) * (1 - targets[..., 0])


def _entropy(targets: Any, logits: Any) -> Any:
    return -ops.sum(targets * ops.log_softmax(logits, axis=-1), axis=-1)


def weighted_l2(targets: Any, logits: Any) -> Any:
    """Mean squared distance of logits from +5 (the voxel's label) and -5 (the others).

    Every label that is in the box has the same weight in all, shared by its voxels.

    Parameters
    ----------
    targets : tensor, (batch, x, y, z, labels)
        Posteriors, sum 1.
    logits : tensor, (batch, x, y, z, labels)

    Returns
    -------
    tensor
        One number.
    """
    size = ops.sum(targets, axis=VOXEL_AXES)
    share = ops.where(size >= 1, 1 / ops.maximum(size, 1.0), 0.0)
    weight = ops.sum(targets * share, axis=-1)
    distance = ops.mean(ops.square(logits - SURE_LOGIT * (2 * targets - 1)), axis=-1)
    return ops.sum(weight * distance) / ops.sum(weight)


def dice_and_cross_entropy(targets: Any, logits: Any) -> Any:
    """Sum of both: Dice sees small structures, cross-entropy every single voxel.

    Parameters
    ----------
    targets : tensor, (batch, x, y, z, labels)
        Posteriors, sum 1.
    logits : tensor, (batch, x, y, z, labels)

    Returns
    -------
    tensor
        One number.
    """
    return soft_dice(targets, logits) + cross_entropy(targets, logits)


def dice_and_even_cross_entropy(targets: Any, logits: Any) -> Any:
    """`dice_and_cross_entropy` without its bias.

    Parameters
    ----------
    targets : tensor, (batch, x, y, z, labels)
        Posteriors, sum 1.
    logits : tensor, (batch, x, y, z, labels)

    Returns
    -------
    tensor
        One number.
    """
    return soft_dice(targets, logits) + even_cross_entropy(targets, logits)


def volume_error(targets: Any, logits: Any) -> Any:
    """Mean error of the structures' volumes in each box, relative to the volume; a volume is a sum of posteriors.

    Dice and cross-entropy hardly see that a structure is a few percent too large all over.

    Parameters
    ----------
    targets : tensor, (batch, x, y, z, labels)
        Posteriors, sum 1.
    logits : tensor, (batch, x, y, z, labels)

    Returns
    -------
    tensor
        One number.
    """
    wanted = ops.sum(targets[..., 1:], axis=VOXEL_AXES[1:])
    found = ops.sum(ops.softmax(logits, axis=-1)[..., 1:], axis=VOXEL_AXES[1:])
    return ops.mean(ops.abs(found - wanted) / (wanted + VOLUME_SMOOTHING_VOXELS))


def within_rim(tensor: Any, rim: int) -> Any:
    """What counts of a box: all but ``rim`` voxels at each side.

    Parameters
    ----------
    tensor : tensor, (batch, x, y, z, labels)
    rim : int

    Returns
    -------
    tensor
    """
    return tensor[:, rim:-rim, rim:-rim, rim:-rim] if rim else tensor


def with_volumes(loss: Callable[[Any, Any], Any], weight: float) -> Callable[[Any, Any], Any]:
    """A loss and, with a weight, `volume_error`.

    Parameters
    ----------
    loss : callable
        From targets and logits to one number.
    weight : float
        0: the loss alone.

    Returns
    -------
    callable
    """
    if not weight:
        return loss

    def total(targets: Any, logits: Any) -> Any:
        return loss(targets, logits) + weight * volume_error(targets, logits)

    return total


LOSSES = {
    "dice": soft_dice,
    "cross-entropy": cross_entropy,
    "dice+cross-entropy": dice_and_cross_entropy,
    "l2": weighted_l2,
}
# What the last epochs lower instead, so that volumes come out right.
SETTLING = LOSSES | {"cross-entropy": even_cross_entropy, "dice+cross-entropy": dice_and_even_cross_entropy}
