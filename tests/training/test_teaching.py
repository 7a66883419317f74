"""Pairs that a teacher labels: what it sees, where its box starts, how often it is asked."""

import keras
import numpy as np
import pytest
from scipy import ndimage

from fs_sclimbic.training.dataset import UINT8_ONE, Example
from fs_sclimbic.training.recipe import TEACHER_DARKEST, TEACHER_LIMITS, Augmentation, Recipe
from fs_sclimbic.training.teaching import TaughtGenerator

FOV, BOX = 40, (16, 20, 12)
MIDDLE = np.array([19.5, 18.5, 21.5])
PAIRS = 40


@pytest.fixture(scope="module")
def head():
    """A smooth random head; its stored targets are all of structure 1, which the teachers here never say."""
    rng = np.random.default_rng(0)
    image = ndimage.gaussian_filter(rng.random((FOV,) * 3), 2)
    image = np.rint(255 * (image - image.min()) / np.ptp(image)).astype(np.uint8)
    targets = np.zeros((30, 30, 30, 2), np.uint8)
    targets[..., 1] = UINT8_ONE
    return Example("head", image, targets, (5, 4, 6), MIDDLE, 0.8)


def by_brightness(image):
    """A teacher that looks at single voxels: posteriors of structure 1 are half of the intensity."""
    return keras.ops.concatenate([1 - image / 2, image / 2], axis=-1)


def by_position(image):
    """A teacher whose labels depend on where its box starts, as poolings make them: the position modulo 4."""
    x, y, z = np.indices(image.shape[1:4]) % 4
    return keras.ops.convert_to_tensor(np.stack([x, y, z], -1)[None].astype(np.float32))


def pairs_of(generator, numbers=range(PAIRS)):
    return [tuple(map(keras.ops.convert_to_numpy, generator.pair(number))) for number in numbers]


def test_the_teacher_sees_what_the_new_network_sees(head):
    generator = TaughtGenerator([head], Recipe(box=BOX, fov=FOV, teacher_share=1), by_brightness)
    for image, targets in pairs_of(generator, range(8)):
        assert image.shape == (1, *BOX, 1)
        assert targets.shape == (1, *BOX, 2)
        assert np.allclose(targets[..., 1:], image / 2, atol=1e-6)


def test_its_box_starts_anywhere(head):
    generator = TaughtGenerator([head], Recipe(box=BOX, fov=FOV, teacher_share=1), by_position)
    starts = np.array([targets[0, 0, 0, 0] for _, targets in pairs_of(generator)])
    assert all(set(axis) == {0, 1, 2, 3} for axis in starts.T)
    assert len(set(map(tuple, starts))) > 20


def test_the_others_keep_their_stored_targets(head):
    """About the share that is asked for; and their augmentation is not limited."""
    recipe = Recipe(box=BOX, fov=FOV, teacher_share=0.7, augmentation=Augmentation(elsewhere=0, rotation=40))
    generator = TaughtGenerator([head], recipe, by_brightness)
    numbers = range(400)
    taught = [generator.is_taught(number) for number in numbers]
    assert 0.63 < np.mean(taught) < 0.77
    stored = [number for number in numbers if not taught[number]][:5]
    for _, targets in pairs_of(generator, stored):
        assert targets[0, 8, 10, 6, 1] == pytest.approx(1, abs=0.01)


def test_same_number_same_pair(head):
    recipe = Recipe(box=BOX, fov=FOV, seed=9)
    one, two = (pairs_of(TaughtGenerator([head], recipe, by_brightness), range(6)) for _ in range(2))
    for first, second in zip(one, two, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    other = pairs_of(TaughtGenerator([head], Recipe(box=BOX, fov=FOV, seed=10), by_brightness), range(6))
    assert not any(np.allclose(a[0], b[0]) for a, b in zip(one, other, strict=True))
    batch = TaughtGenerator([head], recipe, by_brightness).batch(1, 3)
    assert np.array_equal(keras.ops.convert_to_numpy(batch[0])[1:2], one[4][0])


def test_limits_hold_and_never_widen():
    wide = Augmentation(rotation=30, noise=40, slices=4, elsewhere=0.5, darkest=0.1, shear=0.05)
    limited = wide.limited_for_teacher()
    assert (limited.rotation, limited.noise, limited.slices, limited.elsewhere) == (8, 10, 1.5, 0)
    assert limited.darkest == TEACHER_DARKEST
    assert limited.shear == wide.shear
    narrow = Augmentation(**{name: limit / 2 for name, limit in TEACHER_LIMITS.items()}, darkest=0.9)
    assert narrow.limited_for_teacher() == narrow
    off = Augmentation(**{name: 0.0 for name in Augmentation.__dataclass_fields__})
    assert off.limited_for_teacher() == off
