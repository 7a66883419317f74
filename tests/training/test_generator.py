"""Pairs against the heads they are made of, and against scipy's sampling."""

import keras
import numpy as np
import pytest
from scipy import ndimage

from fs_sclimbic.network.backend import compiled_function
from fs_sclimbic.training.augment import draw
from fs_sclimbic.training.dataset import UINT8_ONE, Example
from fs_sclimbic.training.deform import warp
from fs_sclimbic.training.generator import Generator, geometry_arrays
from fs_sclimbic.training.recipe import Augmentation

FOV, BOX = 40, (16, 20, 12)
OFF = Augmentation(**{name: 0.0 for name in Augmentation.__dataclass_fields__})
MIDDLE, REACH = np.array([19.5, 18.5, 21.5]), np.full(3, 8.0)
# A head of two channels keeps them when it is mirrored.
SAME = np.arange(2, dtype=np.int32)


def to_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture(scope="module")
def example():
    """A smooth random head with one structure of soft edges about MIDDLE."""
    rng = np.random.default_rng(0)
    image = ndimage.gaussian_filter(rng.random((FOV,) * 3), 2)
    image = np.rint(255 * (image - image.min()) / np.ptp(image)).astype(np.uint8)
    start = (12, 10, 14)
    at = np.moveaxis(np.indices((16, 18, 16)), 0, -1) + start
    inside = np.clip(5 - np.linalg.norm(at - MIDDLE, axis=-1), 0, 1)
    targets = np.rint(UINT8_ONE * np.stack([1 - inside, inside], -1)).astype(np.uint8)
    return Example("head", image, targets, start, MIDDLE, 0.8)


def test_everything_off_cuts_the_box_out(example):
    image, targets = (to_numpy(tensor)[0] for tensor in Generator([example], OFF, BOX, 1, SAME).pair(0))
    first = np.rint(MIDDLE - (np.array(BOX) - 1) / 2).astype(int)
    box = tuple(slice(a, a + n) for a, n in zip(first, BOX, strict=True))
    assert image.shape == (*BOX, 1)
    assert targets.shape == (*BOX, 2)
    assert np.abs(image[..., 0] - example.image[box] / 255).max() < 1e-3
    whole = np.zeros((FOV,) * 3)
    whole[12:28, 10:28, 14:30] = example.targets[..., 1] / UINT8_ONE
    assert np.abs(targets[..., 1] - whole[box]).max() < 1e-5
    assert np.allclose(targets.sum(-1), 1, atol=0.01)


def test_affine_sampling_is_scipys(example):
    settings = Augmentation(**{**OFF.__dict__, "rotation": 25, "scaling": 0.2, "shear": 0.1, "jitter": 3})
    pair = draw(np.random.default_rng(3), settings, BOX, FOV, MIDDLE, REACH, 0.8)
    image, targets = (to_numpy(t)[0] for t in _pair_of(example, settings, np.random.default_rng(3)))
    at = (np.moveaxis(np.indices(BOX), 0, -1) - (np.array(BOX) - 1) / 2) @ pair.matrix.T + pair.center
    wanted = ndimage.map_coordinates(example.image / 255, np.moveaxis(at, -1, 0), order=1, cval=0)
    assert np.abs(image[..., 0] - wanted).max() < 2e-3
    whole = np.zeros((FOV,) * 3)
    whole[12:28, 10:28, 14:30] = example.targets[..., 1] / UINT8_ONE
    wanted = ndimage.map_coordinates(whole, np.moveaxis(at, -1, 0), order=1, cval=0)
    assert np.abs(targets[..., 1] - wanted).max() < 1e-4


def _pair_of(example, settings, rng):
    """The generator's pair of a given stream of chance (its own begins with the choice of the head)."""
    chance = draw(rng, settings, BOX, FOV, MIDDLE, REACH, example.tissue)
    return Generator([example], settings, BOX, 1, SAME).make_pair(example, chance)


def test_same_number_same_pair_and_intensities_in_range(example):
    settings = Augmentation(elsewhere=0.3)
    one, two = Generator([example], settings, BOX, 5, SAME), Generator([example], settings, BOX, 5, SAME)
    seen = []
    for number in range(12):
        (image, targets), again = one.pair(number), two.pair(number)
        image, targets = to_numpy(image), to_numpy(targets)
        assert np.array_equal(image, to_numpy(again[0]))
        assert np.array_equal(targets, to_numpy(again[1]))
        assert 0 <= image.min() <= image.max() <= 1 + 1e-5
        assert np.allclose(targets.sum(-1), 1, atol=0.02)
        seen.append(targets[..., 1].sum())
    assert len(set(seen)) > 6


def test_a_box_away_from_the_structures_is_background(example):
    settings = Augmentation(**{**OFF.__dict__, "elsewhere": 1})
    generator = Generator([example], settings, (8, 8, 8), 2, SAME)
    sums = [to_numpy(generator.pair(number)[1])[..., 1].sum() for number in range(40)]
    assert min(sums) == 0
    assert max(sums) > 10


def test_cut_makes_black(example):
    pair = draw(np.random.default_rng(0), OFF, BOX, FOV, MIDDLE, REACH, 1.0)
    pair.planes[0] = [1, 0, 0, MIDDLE[0]]  # nothing right of the middle
    generator = Generator([example], OFF, BOX, 1, SAME)
    image = to_numpy(generator.make_pair(example, pair)[0])[0, ..., 0]
    assert image[9:].max() < 1e-3
    assert image[:8].min() > 0


def test_noise_has_the_sd_that_was_drawn(example):
    settings = Augmentation(**{**OFF.__dict__, "noise": 25})
    plain = to_numpy(_pair_of(example, OFF, np.random.default_rng(1))[0])
    rng = np.random.default_rng(1)
    pair = draw(np.random.default_rng(1), settings, BOX, FOV, MIDDLE, REACH, 0.8)
    noisy = to_numpy(_pair_of(example, settings, rng)[0])
    window = pair.tones[2] - pair.tones[1]
    inner = (noisy > 0.01) & (noisy < 0.99)
    assert np.std((noisy * window + pair.tones[1] - plain)[inner]) == pytest.approx(pair.noise.std(), rel=0.1)


def test_an_ellipsoid_leaves_the_brain_alone(example):
    pair = draw(np.random.default_rng(0), OFF, BOX, FOV, MIDDLE, REACH, 1.0)
    pair.brain[:] = [*MIDDLE, 25, 36, 16]
    generator = Generator([example], OFF, BOX, 1, SAME)
    image = to_numpy(generator.make_pair(example, pair)[0])[0, ..., 0]
    at = np.moveaxis(np.indices(BOX), 0, -1) - (np.array(BOX) - 1) / 2
    inside = (at**2 / [25, 36, 16]).sum(-1)
    whole = to_numpy(Generator([example], OFF, BOX, 1, SAME).pair(0)[0])[0, ..., 0]
    assert image[inside > 1.1].max() < 1e-4
    assert np.allclose(image[inside < 0.9], whole[inside < 0.9], atol=1e-4)


def test_pairs_depend_on_the_seed(example):
    images = [to_numpy(Generator([example], Augmentation(), BOX, seed, SAME).pair(0)[0]) for seed in (1, 2)]
    assert not np.allclose(*images)


def test_heads_are_drawn_by_weight(example):
    other = Example("other", example.image, example.targets, example.start, MIDDLE, 0.8, weight=3)
    generator = Generator([example, other], OFF, BOX, 1, SAME)
    share = np.mean([generator.draw_pair(number)[0].name == "other" for number in range(400)])
    assert 0.68 < share < 0.82


def test_targets_beyond_their_box_are_background(example):
    """The rim of the padded targets goes on outside: sampling far away gives pure background."""
    pair = draw(np.random.default_rng(0), OFF, BOX, FOV, np.array([33.0, 33.0, 33.0]), REACH, 1.0)
    padded = np.zeros((18, 20, 18, 2), np.uint8)
    padded[..., 0] = UINT8_ONE
    padded[1:-1, 1:-1, 1:-1] = example.targets
    size, origin = np.array(BOX, np.float32), np.array(example.start, np.float32) - 1
    _, targets = compiled_function(warp)(
        example.image.astype(np.float32), padded, origin, size, *geometry_arrays(BOX, pair)
    )
    assert np.array_equal(to_numpy(targets)[-4:, -4:, -4:, 0], np.ones((4, 4, 4)))


def test_a_mirrored_pair_is_the_mirror_image_and_its_sides_change_places(example):
    left = np.zeros_like(example.targets[..., 1])
    left[:6] = example.targets[:6, ..., 1]
    right = example.targets[..., 1] - left
    sides = np.stack([example.targets[..., 0], left, right], -1)
    head = Example("sides", example.image, sides, example.start, MIDDLE, 0.8)
    swapped = np.array([0, 2, 1], np.int32)
    (image, targets), (mirrored_image, mirrored_targets) = (
        map(to_numpy, Generator([head], Augmentation(**{**OFF.__dict__, "flip": flip}), BOX, 1, swapped).pair(0))
        for flip in (0, 1)
    )
    assert np.abs(mirrored_image - image[:, ::-1]).max() < 1e-5
    assert np.abs(mirrored_targets - targets[:, ::-1][..., swapped]).max() < 1e-5
    assert np.abs(mirrored_targets[..., 1] - targets[..., 1]).max() > 0.5
