"""Dice on heads that are not learned from."""

from dataclasses import replace

import numpy as np
import pytest

from fs_sclimbic.training.dataset import read_example
from fs_sclimbic.training.validation import Validator, dice_scores
from tests.heads import FOUR
from tests.networks import random_weights


@pytest.fixture(scope="module")
def head(four_heads):
    return read_example(four_heads[0], FOUR, 48)


def test_a_structure_that_no_head_has(head):
    """It has no Dice; the others have."""
    targets = head.targets.copy()
    targets[..., 0] = np.maximum(targets[..., 0], targets[..., 4])
    targets[..., 4] = 0
    weights = random_weights(len(FOUR), 2)
    assert set(Validator([replace(head, targets=targets)], FOUR, 2)(weights)) == {"Left-Ball", "Right-Ball", "Rod"}
    assert set(Validator([head], FOUR, 2)(weights)) == {"Left-Ball", "Right-Ball", "Rod", "Box"}
    assert Validator([], FOUR, 2)(weights) == {}


def test_a_structure_counts_the_heads_that_have_it(head):
    targets = head.targets.copy()
    targets[..., 0] = np.maximum(targets[..., 0], targets[..., 4])
    targets[..., 4] = 0
    weights = random_weights(len(FOUR), 2)
    alone = Validator([head], FOUR, 2)(weights)
    both = Validator([head, replace(head, targets=targets)], FOUR, 2)(weights)
    assert both["Box"] == pytest.approx(alone["Box"])


def test_dice_by_hand():
    labels, truth = np.array([0, 1, 1, 2, 0]), np.array([0, 1, 2, 2, 0])
    assert np.allclose(dice_scores(labels, truth, 4), [2 / 3, 2 / 3, np.nan], equal_nan=True)
