"""Training pairs that a teacher labels: it sees the very box that the new network sees.

Stored targets are warped with the head, so they say what the teacher saw in the head as it was. A teacher that sees
the augmented box says what it sees there: the new network then learns the teacher as a function.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import keras
import numpy as np
from numpy.typing import NDArray

from ..network.architecture import FOV_MULTIPLE
from ..network.backend import compiled, compiled_function
from ..network.unet import build_unet, fill_weights
from .augment import Draw, draw
from .dataset import UINT8_ONE, Example
from .deform import warp
from .generator import Generator, geometry_arrays, joined
from .given_weights import GivenWeights
from .recipe import Augmentation, Recipe

ops = keras.ops

Teacher = Callable[[Any], Any]
"""From an image (1, x, y, z, 1) to posteriors (1, x, y, z, labels); tensors on the device."""
Kind = Literal["taught", "harder", "stored"]
"""The teacher labels what the new network sees, or an easier view of it; or the pair keeps its stored targets."""

# Keep the draws of this module apart from those of the generator, which has the same seed and number.
STREAM, HARDER_STREAM = 1, 2
# An easy view is larger than the box by this, so that a turned box lies inside it but for its corners.
HARDER_MARGIN_VOXELS = 16
# Posteriors get a rim of background of one voxel before they are turned.
RIM_ORIGIN = np.full(3, -1, np.float32)
# A teacher that finds less or more of a structure than these shares of what is stored has lost it.
TRUSTED_SHARES = (0.4, 2.2)
# Of a structure that the box only touches, the share says nothing.
MIN_TRUSTED_VOXELS = 30.0
# A teacher's labels farther from the stored ones than this are islands.
ISLAND_VOXELS = 6
# A stored posterior of foreground from which on a voxel counts as near.
NEAR_POSTERIOR = 0.1


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

    A share of the pairs is labelled by the teacher; they are augmented no further than it can be trusted. For another
    share it labels such an easy view, and the new network sees a harder view of it. The rest is augmented as the
    recipe says, and keeps its stored targets. So does a pair in which the teacher loses a structure.

    The network's poolings make posteriors depend on where the box starts, by 0 to 3 voxels along each axis. Teacher
    and new network get boxes of different random starts, so the new network learns the average over starts.

    Parameters
    ----------
    examples : sequence of Example
        Heads to draw from; all of one image shape.
    recipe : Recipe
    teacher : callable
    mirrored_channels : ndarray of int, shape (labels,)
        As `Generator` takes it.
    """

    def __init__(
        self, examples: Sequence[Example], recipe: Recipe, teacher: Teacher, mirrored_channels: NDArray[np.int32]
    ) -> None:
        self._recipe, self._teach = recipe, teacher
        limited = recipe.augmentation.limited_for_teacher()

        def generator(settings: Augmentation, margin: int) -> Generator:
            x, y, z = (edge + margin for edge in recipe.box)
            return Generator(examples, settings, (x, y, z), recipe.seed, mirrored_channels)

        # The teacher's box is larger by what the new network's may be moved inside it.
        self._taught = generator(limited, FOV_MULTIPLE)
        self._easy = generator(limited, HARDER_MARGIN_VOXELS)
        self._stored = generator(recipe.augmentation, 0)
        self._view = compiled_function(_view)
        self._trusted_part = compiled_function(_trusted_part)

    def kind(self, number: int) -> Kind:
        """Who labels a pair."""
        chance, recipe = self._chance(number).random(), self._recipe
        if chance < recipe.teacher_share:
            return "taught"
        return "harder" if chance < recipe.teacher_share + recipe.harder_share else "stored"

    def pair(self, number: int) -> tuple[Any, Any]:
        """Image (1, x, y, z, 1) and targets (1, x, y, z, labels), float32 tensors on the device."""
        kind = self.kind(number)
        if kind == "stored":
            return self._stored.pair(number)
        return self._pair_of_same_view(number) if kind == "taught" else self._pair_of_harder_view(number)

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

    def _pair_of_same_view(self, number: int) -> tuple[Any, Any]:
        image, stored = self._taught.pair(number)
        chance = self._chance(number)
        chance.random()  # the kind
        starts = chance.integers(0, FOV_MULTIPLE, 3)
        part = (slice(None), *(slice(int(a), int(a) + n) for a, n in zip(starts, self._recipe.box, strict=True)))
        return image[part], self._labels(image, stored)[part]

    def _pair_of_harder_view(self, number: int) -> tuple[Any, Any]:
        example, easy = self._easy.draw_pair(number)
        plain, stored = self._easy.sample(example, easy)
        posteriors = self._labels(self._easy.spoil(plain, easy), stored)
        box = self._recipe.box
        harder = self._draw_harder(number, example, easy)
        size = np.array(box, np.float32)
        image, targets = self._view(plain[0, ..., 0], posteriors[0], RIM_ORIGIN, size, *geometry_arrays(box, harder))
        return self._stored.spoil(image[None, ..., None], harder), targets[None]

    def _draw_harder(self, number: int, example: Example, easy: Draw) -> Draw:
        """How the harder view differs: turned and spoiled as the recipe says; size and warp are the easy view's."""
        recipe = self._recipe
        settings = replace(recipe.augmentation, scaling=0.0, warp=0.0, jitter=0.0, elsewhere=0.0, flip=0.0)
        wide = np.array(recipe.box) + HARDER_MARGIN_VOXELS
        center = (wide - 1) / 2
        # A cut must know where the structures lie in the easy view.
        to_view = np.linalg.inv(easy.matrix.astype(float))
        middle = center + to_view @ (example.middle - easy.center)
        reach = np.abs(to_view) @ example.reach + np.abs(easy.velocity).max()
        rng = np.random.default_rng((recipe.seed, number, HARDER_STREAM))
        harder = draw(rng, settings, recipe.box, int(wide.max()), middle, reach, example.tissue)
        return replace(harder, center=center.astype(np.float32))

    def _labels(self, image: Any, stored: Any) -> Any:
        """What the teacher says of an image; the stored targets where it has lost a structure."""
        return self._trusted_part(self._teach(image), stored)

    def _chance(self, number: int) -> np.random.Generator:
        return np.random.default_rng((self._recipe.seed, number, STREAM))


def _view(image: Any, posteriors: Any, origin: Any, size: Any, *geometry: Any) -> tuple[Any, Any]:
    """Image and posteriors, both 0-1, as `warp` brings them to another box; beyond them is background."""
    background = ops.one_hot(ops.zeros((1, 1, 1), "int32"), posteriors.shape[-1])
    rimmed = ops.pad(posteriors - background, ((1, 1), (1, 1), (1, 1), (0, 0))) + background
    return warp(image * UINT8_ONE, rimmed * UINT8_ONE, origin, size, *geometry)


def _trusted_part(posteriors: Any, stored: Any) -> Any:
    """A teacher's posteriors without islands; the stored targets if it finds far too little or too much of one."""
    near: Any = 1 - stored[..., :1]
    width = 2 * ISLAND_VOXELS + 1
    for window in ((width, 1, 1), (1, width, 1), (1, 1, width)):
        near = ops.max_pool(near, window, 1, "same", data_format="channels_last")
    background = ops.one_hot(ops.zeros(posteriors.shape[:-1], "int32"), posteriors.shape[-1])
    posteriors = ops.where(near >= NEAR_POSTERIOR, posteriors, background)
    found, wanted = (ops.sum(tensor[..., 1:], axis=(0, 1, 2, 3)) for tensor in (posteriors, stored))
    low, high = TRUSTED_SHARES
    lost = (wanted >= MIN_TRUSTED_VOXELS) & ((found < low * wanted) | (found > high * wanted))
    return ops.where(ops.any(lost), stored, posteriors)
