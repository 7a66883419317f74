"""Training pairs that a teacher labels: it sees the very box that the new network sees.

Stored targets are warped with the head, so they say what the teacher saw in the head as it was. A teacher that sees
the augmented box says what it sees there: the new network then learns the teacher as a function.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..network.architecture import FOV_MULTIPLE
from ..network.backend import compiled
from ..network.unet import build_unet, fill_weights
from .dataset import Example
from .generator import Generator, joined
from .given_weights import GivenWeights
from .recipe import Recipe

Teacher = Callable[[Any], Any]
"""From an image (1, x, y, z, 1) to posteriors (1, x, y, z, labels); tensors on the device."""

# Keeps the draws of this module apart from those of the generator, which has the same seed and number.
STREAM = 1


def load_teacher(given: GivenWeights, precision: str) -> Teacher:
    """Build the network of a teacher.

    Parameters
    ----------
    given : GivenWeights
    precision : {"float32", "bfloat16"}
        What its layers compute in; its posteriors are float32.

    Returns
    -------
    callable
        See `Teacher`.
    """
    network = build_unet(len(given.spec.colors), given.spec.features, precision=precision)
    fill_weights(network, given.weights)
    return compiled(network)


class TaughtGenerator:
    """Training pairs by number, most of them labelled by a teacher: pair n of a seed is always the same.

    A share of the pairs is labelled by the teacher; they are augmented no further than it can be trusted. The others
    are augmented as the recipe says, and keep their stored targets.

    The network's poolings make posteriors depend on where the box starts, by 0 to 3 voxels along each axis. Teacher
    and new network get boxes of different random starts, so the new network learns the average over starts.

    Parameters
    ----------
    examples : sequence of Example
        Heads to draw from; all of one image shape.
    recipe : Recipe
    teacher : callable
    """

    def __init__(self, examples: Sequence[Example], recipe: Recipe, teacher: Teacher) -> None:
        self._recipe, self._teach = recipe, teacher
        # The teacher's box is larger by what the new network's may be moved inside it.
        x, y, z = (edge + FOV_MULTIPLE for edge in recipe.box)
        limited = recipe.augmentation.limited_for_teacher()
        self._taught = Generator(examples, limited, (x, y, z), recipe.seed)
        self._stored = Generator(examples, recipe.augmentation, recipe.box, recipe.seed)

    def is_taught(self, number: int) -> bool:
        """Whether the teacher labels a pair."""
        return bool(self._chance(number).random() < self._recipe.teacher_share)

    def pair(self, number: int) -> tuple[Any, Any]:
        """Image (1, x, y, z, 1) and targets (1, x, y, z, labels), float32 tensors on the device."""
        if not self.is_taught(number):
            return self._stored.pair(number)
        image, _ = self._taught.pair(number)
        chance = self._chance(number)
        chance.random()
        starts = chance.integers(0, FOV_MULTIPLE, 3)
        part = (slice(None), *(slice(int(a), int(a) + n) for a, n in zip(starts, self._recipe.box, strict=True)))
        return image[part], self._teach(image)[part]

    def batch(self, step: int, size: int) -> tuple[Any, Any]:
        """The pairs of one training step.

        Parameters
        ----------
        step : int
            The first is 0.
        size : int
            Pairs a step.

        Returns
        -------
        image, targets : tensor
            As of `pair`, one after the other.
        """
        return joined([self.pair(step * size + i) for i in range(size)])

    def _chance(self, number: int) -> np.random.Generator:
        return np.random.default_rng((self._recipe.seed, number, STREAM))
