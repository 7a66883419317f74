import numpy as np
import pytest

from fs_sclimbic.errors import UsageError
from fs_sclimbic.training.augment import draw, interpolation_matrix, slice_matrix
from fs_sclimbic.training.recipe import Augmentation

BOX, FOV, MIDDLE = (16, 20, 24), 48, np.array([20.0, 24.0, 28.0])
REACH = np.array([6.0, 7.0, 4.0])
OFF = Augmentation(**{name: 0.0 for name in Augmentation.__dataclass_fields__})


def drawn(settings=None, seed=0, tissue=0.5):
    return draw(np.random.default_rng(seed), settings or Augmentation(), BOX, FOV, MIDDLE, REACH, tissue)


def test_same_seed_same_draw():
    one, two, other = drawn(seed=7), drawn(seed=7), drawn(seed=8)
    for name in ("matrix", "center", "velocity", "planes", "brain", "log_bias", "noise", "tones", "curve", "air"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
        assert getattr(one, name).dtype == np.float32
    assert not np.array_equal(one.noise, other.noise)
    assert not np.array_equal(one.matrix, other.matrix)


def test_everything_off_is_the_head_itself():
    pair = drawn(OFF)
    assert np.array_equal(pair.matrix, np.eye(3))
    assert np.array_equal(pair.center, MIDDLE.astype(np.float32))
    assert not pair.velocity.any()
    assert not pair.noise.any()
    assert not pair.log_bias.any()
    for blur in pair.blurs:
        assert np.allclose(blur, np.eye(len(blur)), atol=1e-5)
    assert np.allclose(pair.tones, [1, 0, 1, 1])
    assert np.allclose(pair.curve, np.linspace(0, 1, len(pair.curve)))
    assert not pair.air.any()


def test_draws_fill_the_ranges_and_stay_inside():
    settings = Augmentation(rotation=10, scaling=0.1, shear=0, elsewhere=0, jitter=5, darkest=0.2)
    pairs = [drawn(settings, seed) for seed in range(300)]
    sizes = np.array([np.linalg.norm(pair.matrix, axis=0) for pair in pairs])
    assert 0.9 - 1e-6 <= sizes.min() < 0.91
    assert 1.09 < sizes.max() <= 1.1 + 1e-6
    # Three turns of up to 10 degrees make one of less than 18.
    rotations = [pair.matrix / np.linalg.norm(pair.matrix, axis=0) for pair in pairs]
    turns = np.rad2deg([np.arccos((np.trace(rotation) - 1) / 2) for rotation in rotations])
    assert 12 < turns.max() < 18
    shifts = np.array([pair.center - MIDDLE for pair in pairs])
    assert 4.9 < np.abs(shifts).max() <= 5
    levels = np.array([pair.tones[0] * 0.5 for pair in pairs])
    assert 0.2 <= levels.min() < 0.22
    assert 0.97 < levels.max() <= 1


def test_shares_of_boxes_elsewhere_and_of_cut_images():
    settings = Augmentation(elsewhere=0.3, jitter=0, cut=0.4)
    pairs = [drawn(settings, seed) for seed in range(500)]
    assert 0.24 < np.mean([not np.array_equal(pair.center, MIDDLE.astype(np.float32)) for pair in pairs]) < 0.36
    assert 0.14 < np.mean([pair.brain[3] < 100**2 for pair in pairs]) < 0.26
    half = (np.array(BOX) - 1) / 2
    assert all(np.all((pair.center >= half - 1e-4) & (pair.center <= FOV - 1 - half + 1e-4)) for pair in pairs)


def test_tone_curves_rise_and_air_is_noisy_as_often_as_asked():
    pairs = [drawn(Augmentation(contrast=0.4, air=0.3), seed) for seed in range(300)]
    slopes = np.diff([pair.curve for pair in pairs])
    assert slopes.min() > 0
    assert np.std(np.log(slopes * len(slopes[0]))) == pytest.approx(0.4, rel=0.2)
    assert all(pair.curve[0] == 0 and pair.curve[-1] == pytest.approx(1) for pair in pairs)
    noisy = [pair.air for pair in pairs if pair.air.any()]
    assert 0.22 < len(noisy) / len(pairs) < 0.38
    assert 0.25 < np.min([air.max() for air in noisy]) < np.max([air.max() for air in noisy]) <= 1


def test_a_cut_never_takes_the_structures():
    for reach in (REACH, np.array([90.0, 80.0, 70.0])):
        corners = MIDDLE + reach * np.moveaxis(np.indices((2, 2, 2)) * 2 - 1, 0, -1).reshape(-1, 3)
        for seed in range(200):
            pair = draw(np.random.default_rng(seed), Augmentation(cut=1), BOX, FOV, MIDDLE, reach, 0.5)
            assert np.all(corners @ pair.planes[:, :3].T <= pair.planes[:, 3] - 4.9)
            assert np.all(np.sum((corners - pair.brain[:3]) ** 2 / pair.brain[3:], -1) <= 1 + 1e-5)


@pytest.mark.parametrize("thickness", [1.4, 2.0, 2.7])
def test_thick_slices_keep_a_ramp_and_blur_a_step(thickness):
    matrix = slice_matrix(24, thickness, 0.3)
    assert np.allclose(matrix.sum(1), 1)
    ramp = np.arange(24.0)
    assert np.abs((matrix @ ramp - ramp)[4:-4]).max() < 0.6
    step = (ramp >= 12).astype(float)
    assert (np.abs(matrix @ step - step) > 0.01).sum() >= 1
    if thickness == 2.0:
        # Slices of two voxels, half a voxel off by the phase of 0.3: each is the mean of what it covers.
        assert np.linalg.matrix_rank(matrix) <= 14


def test_interpolation_between_grids_of_one_extent():
    at, knots = (np.arange(8) + 0.5) / 8, (np.arange(4) + 0.5) / 4
    matrix = interpolation_matrix(at, knots)
    inner = slice(1, -1)
    assert np.allclose((matrix @ knots)[inner], at[inner])
    assert np.allclose(matrix @ np.ones(4), 1)
    assert np.array_equal(interpolation_matrix(at, knots[:1]), np.ones((8, 1)))


@pytest.mark.parametrize("setting", [{"noise": -1}, {"elsewhere": 1.5}, {"warp": float("nan")}])
def test_senseless_settings(setting):
    with pytest.raises(UsageError, match=next(iter(setting))):
        Augmentation(**setting)


def test_mirrored_heads_are_as_many_as_asked_and_change_nothing_else():
    pairs = [drawn(Augmentation(flip=0.4), seed) for seed in range(400)]
    mirrored = [pair.mirrored for pair in pairs]
    assert 0.34 < np.mean(mirrored) < 0.46
    assert all((np.linalg.det(pair.matrix) < 0) == pair.mirrored for pair in pairs)
    assert not any(drawn(seed=seed).mirrored for seed in range(50))
    always, never = drawn(Augmentation(**{**OFF.__dict__, "flip": 1})), drawn(OFF)
    assert np.array_equal(always.matrix, never.matrix @ np.diag([-1, 1, 1]))
