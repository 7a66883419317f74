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
STORED = 77
# A head of two channels keeps them when it is mirrored.
SAME = np.arange(2, dtype=np.int32)
OFF = Augmentation(**{name: 0.0 for name in Augmentation.__dataclass_fields__})


@pytest.fixture(scope="module")
def head():
    """A smooth random head; its stored targets are structure 1 by 0.3 everywhere, which the teachers here never say."""
    rng = np.random.default_rng(0)
    image = ndimage.gaussian_filter(rng.random((FOV,) * 3), 2)
    image = np.rint(255 * (image - image.min()) / np.ptp(image)).astype(np.uint8)
    targets = np.zeros((30, 30, 30, 2), np.uint8)
    targets[..., 0], targets[..., 1] = UINT8_ONE - STORED, STORED
    return Example("head", image, targets, (5, 4, 6), MIDDLE, 0.8)


def by_brightness(image):
    """A teacher that looks at single voxels: posteriors of structure 1 are half of the intensity."""
    return keras.ops.concatenate([1 - image / 2, image / 2], axis=-1)


def by_position(image):
    """A teacher whose labels depend on where its box starts, as poolings make them: the position modulo 4, coded."""
    x, y, z = np.indices(image.shape[1:4]) % 4
    coded = ((16 * x + 4 * y + z) / 64).astype(np.float32)
    return keras.ops.convert_to_tensor(np.stack([1 - coded, coded], -1)[None])


def pairs_of(generator, numbers=range(PAIRS)):
    return [tuple(map(keras.ops.convert_to_numpy, generator.pair(number))) for number in numbers]


def test_the_teacher_sees_what_the_new_network_sees(head):
    bright = Augmentation(gamma=0, bias=0, darkest=0)
    recipe = Recipe(box=BOX, fov=FOV, teacher_share=1, augmentation=bright)
    generator = TaughtGenerator([head], recipe, by_brightness, SAME)
    for image, targets in pairs_of(generator, range(8)):
        assert image.shape == (1, *BOX, 1)
        assert targets.shape == (1, *BOX, 2)
        assert np.allclose(targets[..., 1:], image / 2, atol=1e-6)


def test_its_box_starts_anywhere(head):
    generator = TaughtGenerator([head], Recipe(box=BOX, fov=FOV, teacher_share=1), by_position, SAME)
    codes = [round(64 * float(targets[0, 0, 0, 0, 1])) for _, targets in pairs_of(generator)]
    starts = np.array([(code // 16, code // 4 % 4, code % 4) for code in codes])
    assert all(set(axis) == {0, 1, 2, 3} for axis in starts.T)
    assert len(set(codes)) > 20


def test_the_others_keep_their_stored_targets(head):
    """About the share that is asked for; and their augmentation is not limited."""
    recipe = Recipe(box=BOX, fov=FOV, teacher_share=0.7, augmentation=Augmentation(elsewhere=0, rotation=40))
    generator = TaughtGenerator([head], recipe, by_brightness, SAME)
    numbers = range(400)
    taught = [generator.kind(number) == "taught" for number in numbers]
    assert 0.63 < np.mean(taught) < 0.77
    stored = [number for number in numbers if not taught[number]][:5]
    for _, targets in pairs_of(generator, stored):
        assert targets[0, 8, 10, 6, 1] == pytest.approx(STORED / UINT8_ONE, abs=0.01)


def test_same_number_same_pair(head):
    recipe = Recipe(box=BOX, fov=FOV, seed=9)
    one, two = (pairs_of(TaughtGenerator([head], recipe, by_brightness, SAME), range(6)) for _ in range(2))
    for first, second in zip(one, two, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    other = pairs_of(TaughtGenerator([head], Recipe(box=BOX, fov=FOV, seed=10), by_brightness, SAME), range(6))
    assert not any(np.allclose(a[0], b[0]) for a, b in zip(one, other, strict=True))
    batch = TaughtGenerator([head], recipe, by_brightness, SAME).batch(1, 3)
    assert np.array_equal(keras.ops.convert_to_numpy(batch[0])[1:2], one[4][0])


def test_mirrored_and_harder_pairs_are_always_the_same(head):
    settings = Augmentation(flip=0.5)
    recipe = Recipe(box=BOX, fov=FOV, seed=4, teacher_share=0.4, harder_share=0.4, augmentation=settings)
    one, two = (TaughtGenerator([head], recipe, by_brightness, SAME) for _ in range(2))
    numbers = range(10)
    assert {one.kind(number) for number in numbers} == {"taught", "harder", "stored"}
    # Backwards: no pair depends on the one before.
    again = pairs_of(two, numbers[::-1])[::-1]
    for first, second in zip(pairs_of(one, numbers), again, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_sides_change_places_in_pairs_of_every_kind(head):
    """Left is bright in the head, so right is bright in its mirror image. The teacher loses both sides."""
    image, sides = np.full((FOV,) * 3, 50, np.uint8), np.zeros((*head.targets.shape[:3], 3), np.uint8)
    image[: int(MIDDLE[0])] = 200
    sides[:14, ..., 1], sides[14:, ..., 2] = UINT8_ONE, UINT8_ONE
    two_sides = Example("sides", image, sides, head.start, MIDDLE, 0.8)

    def lost(image):
        return keras.ops.concatenate([1 + 0 * image, 0 * image, 0 * image], axis=-1)

    settings = Augmentation(**{**OFF.__dict__, "flip": 1})
    recipe = Recipe(box=(16, 16, 16), fov=FOV, teacher_share=0.4, harder_share=0.4, augmentation=settings)
    generator = TaughtGenerator([two_sides], recipe, lost, np.array([0, 2, 1], np.int32))
    numbers = range(10)
    assert {generator.kind(number) for number in numbers} == {"taught", "harder", "stored"}
    for image, targets in pairs_of(generator, numbers):
        # A mirrored head has its bright half on the right of the box, and that half is now structure 2.
        assert image[0, 13:, 8, 8, 0].min() > 0.7 > 0.3 > image[0, :3, 8, 8, 0].max()
        assert targets[0, 13:, 8, 8, 2].min() > 0.9
        assert targets[0, :3, 8, 8, 1].min() > 0.9


def test_limits_hold_and_never_widen():
    wide = Augmentation(rotation=30, noise=40, slices=4, elsewhere=0.5, darkest=0.1, shear=0.05)
    limited = wide.limited_for_teacher()
    assert (limited.rotation, limited.noise, limited.slices, limited.elsewhere) == (8, 10, 1.5, 0)
    assert limited.darkest == TEACHER_DARKEST
    assert limited.shear == wide.shear
    narrow = Augmentation(**{name: limit / 2 for name, limit in TEACHER_LIMITS.items()}, darkest=0.9)
    assert narrow.limited_for_teacher() == narrow
    assert OFF.limited_for_teacher() == OFF


def sees_plainly(image):
    """A teacher of harder views: it must see an easy one, and says how bright that is."""
    return keras.ops.concatenate([1 - image / 2, image / 2], axis=-1)


def test_a_harder_view_has_the_labels_of_the_easy_one(head):
    """The teacher's labels are turned along: where nothing but the turn is on, they still fit the image."""
    off = OFF.__dict__
    recipe = Recipe(
        box=BOX, fov=FOV, teacher_share=0.1, harder_share=0.9, augmentation=Augmentation(**{**off, "rotation": 30})
    )
    generator = TaughtGenerator([head], recipe, sees_plainly, SAME)
    numbers = [number for number in range(12) if generator.kind(number) == "harder"]
    for image, targets in pairs_of(generator, numbers):
        assert image.shape == (1, *BOX, 1)
        assert targets.shape == (1, *BOX, 2)
        # The corners may lie outside the easy view, where there is no image.
        inner = np.s_[0, 4:-4, 4:-4, 3:-3]
        assert np.abs(targets[(*inner, 1)] - image[(*inner, 0)] / 2).max() < 1e-5
    noisy = Recipe(
        box=BOX, fov=FOV, teacher_share=0.1, harder_share=0.9, augmentation=Augmentation(**{**off, "noise": 60})
    )
    generator = TaughtGenerator([head], noisy, sees_plainly, SAME)
    errors = [np.std(targets[..., 1] - image[..., 0] / 2) for image, targets in pairs_of(generator, numbers)]
    # A teacher's noise has an sd of at most 10 / 255, and half of it comes into these labels.
    assert max(errors) > 0.06, "the new network sees noise that the teacher did not see"


def test_beyond_the_easy_view_is_background():
    """There the turned image is black; a structure at the rim of the easy view ends there."""
    settings = Augmentation(**{**OFF.__dict__, "rotation": 45})
    recipe = Recipe(box=(40, 40, 12), fov=64, teacher_share=0.01, harder_share=0.99, augmentation=settings)

    def everywhere(image):
        found = keras.ops.zeros_like(image) + STORED / UINT8_ONE
        return keras.ops.concatenate([1 - found, found], axis=-1)

    whole = np.empty((64, 64, 64, 2), np.uint8)
    whole[:] = [UINT8_ONE - STORED, STORED]
    large = Example("large", np.full((64,) * 3, 200, np.uint8), whole, (0, 0, 0), np.full(3, 31.5), 0.8)
    black = 0
    for image, targets in pairs_of(TaughtGenerator([large], recipe, everywhere, SAME), range(8)):
        assert np.allclose(targets.sum(-1), 1, atol=1e-5)
        assert targets[0, 20, 20, 6, 1] == pytest.approx(STORED / UINT8_ONE, abs=1e-4)
        # Targets end within a voxel of the image; nothing of the blur is left two voxels further.
        outside = ndimage.minimum_filter(image[0, ..., 0] == 0, 5)
        assert not targets[0, outside, 1].any()
        black += np.count_nonzero(outside)
    assert black > 500


def test_no_cut_of_a_harder_view_takes_structures(head):
    """Wherever the easy view's box was moved to: where the labels say structure, there is image."""
    settings = Augmentation(**{**OFF.__dict__, "cut": 1, "jitter": 8, "scaling": 0.1, "darkest": 0})
    recipe = Recipe(box=(24, 24, 24), fov=FOV, teacher_share=0.01, harder_share=0.99, augmentation=settings)
    image = np.full((FOV,) * 3, 100, np.uint8)
    targets = np.zeros((9, 9, 9, 2), np.uint8)
    targets[..., 0] = UINT8_ONE
    targets[1:-1, 1:-1, 1:-1] = [0, UINT8_ONE]
    image[15:22, 15:22, 15:22] = 250
    bright = Example("bright", image, targets, (14, 14, 14), np.full(3, 18.0), 1.0)

    def the_bright(image):
        found = keras.ops.cast(image > 0.7, "float32")
        return keras.ops.concatenate([1 - found, found], axis=-1)

    generator = TaughtGenerator([bright], recipe, the_bright, SAME)
    # Of 800 pairs those in which a cut comes so near that it takes something, if it does not know of the move.
    for image, targets in pairs_of(generator, (187, 404, 410, 767)):
        assert image[targets[..., 1:] > 0.9].min() > 0.5


def test_shares_of_the_three_kinds(head):
    generator = TaughtGenerator(
        [head], Recipe(box=BOX, fov=FOV, teacher_share=0.5, harder_share=0.3), sees_plainly, SAME
    )
    kinds = [generator.kind(number) for number in range(1000)]
    shares = [kinds.count(kind) / 1000 for kind in ("taught", "harder", "stored")]
    assert np.allclose(shares, [0.5, 0.3, 0.2], atol=0.05)
    assert kinds == [generator.kind(number) for number in range(1000)]


@pytest.mark.parametrize("factor", [0.05, 3.0])
def test_a_teacher_that_loses_a_structure_is_not_followed(head, factor):
    def lost(image):
        found = keras.ops.zeros_like(image) + factor * STORED / UINT8_ONE
        return keras.ops.concatenate([1 - found, found], axis=-1)

    generator = TaughtGenerator([head], Recipe(box=BOX, fov=FOV, teacher_share=1), lost, SAME)
    for _, targets in pairs_of(generator, range(4)):
        assert np.median(targets[..., 1]) == pytest.approx(STORED / UINT8_ONE, abs=0.01)


def test_islands_of_the_teacher_are_dropped(head):
    """The stored structure fills the middle of the box; the teacher finds it everywhere."""
    targets = np.zeros_like(head.targets)
    targets[..., 0] = UINT8_ONE
    targets[11:18, 11:18, 12:19] = [0, UINT8_ONE]
    small = Example("small", head.image, targets, head.start, MIDDLE, 0.8)

    def half_of_it_everywhere(image):
        found = keras.ops.zeros_like(image) + 0.04
        return keras.ops.concatenate([1 - found, found], axis=-1)

    box = (36, 36, 36)
    recipe = Recipe(box=box, fov=FOV, teacher_share=1, augmentation=OFF)
    (_, found), *_ = pairs_of(TaughtGenerator([small], recipe, half_of_it_everywhere, SAME), range(1))
    where = np.argwhere(found[0, ..., 1] > 0)
    assert 0 < len(where) < np.prod(box)
    assert (np.ptp(where, axis=0) + 1 == 7 + 2 * 6).all()
    assert np.allclose(found.sum(-1), 1)
