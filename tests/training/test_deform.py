"""The device's warp and spoiling against NumPy's."""

import keras
import numpy as np

from fs_sclimbic.network.backend import compiled_function
from fs_sclimbic.training.augment import draw
from fs_sclimbic.training.deform import deformed, spoil
from fs_sclimbic.training.generator import bias_arrays, geometry_arrays, intensity_arrays
from fs_sclimbic.training.recipe import Augmentation

FOV, BOX = 40, (16, 20, 12)
OFF = Augmentation(**{name: 0.0 for name in Augmentation.__dataclass_fields__})
MIDDLE, REACH = np.array([19.5, 18.5, 21.5]), np.full(3, 8.0)


def to_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_warp_is_smooth_and_invertible():
    """A stationary velocity field gives a diffeomorphism: no voxel is folded over."""
    settings = Augmentation(**{**OFF.__dict__, "warp": 3})
    box = (48, 48, 48)
    largest = 0.0
    for seed in range(5):
        pair = draw(np.random.default_rng(seed), settings, box, 64, np.full(3, 32.0), REACH, 1.0)
        points = to_numpy(compiled_function(deformed)(np.array(box, np.float32), *geometry_arrays(box, pair)[:-2]))
        gradients = np.stack([np.stack(np.gradient(points[..., i]), -1) for i in range(3)], -2)
        assert np.linalg.det(gradients).min() > 0
        straight = np.moveaxis(np.indices(box), 0, -1) - 23.5 + 32
        largest = max(largest, np.abs(points - straight).max())
    assert 2 < largest < 12


def test_constant_velocity_moves_by_itself():
    pair = draw(np.random.default_rng(0), OFF, BOX, FOV, MIDDLE, REACH, 1.0)
    pair.velocity[..., 1] = 2.5
    points = to_numpy(compiled_function(deformed)(np.array(BOX, np.float32), *geometry_arrays(BOX, pair)[:-2]))
    straight = np.moveaxis(np.indices(BOX), 0, -1) - (np.array(BOX) - 1) / 2 + MIDDLE
    assert np.allclose(points - straight, [0, 2.5, 0], atol=1e-4)


def test_spoiling_is_what_the_draw_says():
    """Smoothing and slices, bias, brightness, noise, window, gamma: the whole chain again, with NumPy."""
    settings = Augmentation(cut=0, darkest=0.2, gamma=0.6, bias=0.8, contrast=0.5, air=0.5)
    rng = np.random.default_rng(5)
    image = rng.random(BOX, np.float32)
    kinds = set()
    for seed in range(12):
        pair = draw(np.random.default_rng(seed), settings, BOX, FOV, MIDDLE, REACH, 0.8)
        spoiled = to_numpy(
            compiled_function(spoil)(image, *pair.blurs, *bias_arrays(BOX, pair), *intensity_arrays(pair))
        )
        wanted = np.einsum("ai,bj,ck,ijk->abc", *(blur.astype(float) for blur in pair.blurs), image.astype(float))
        field = pair.log_bias.astype(float)
        for axis, n in enumerate(BOX):
            coarse = field.shape[axis]
            at = np.clip((np.arange(n) + 0.5) / n * coarse - 0.5, 0, coarse - 1)
            field = np.apply_along_axis(lambda line, at=at: np.interp(at, np.arange(len(line)), line), axis, field)
        factor, bottom, top, gamma = pair.tones
        wanted = wanted * np.exp(field) * factor + pair.noise
        wanted = np.clip((wanted - bottom) / (top - bottom), 0, 1) ** gamma
        wanted = np.interp(wanted, np.linspace(0, 1, len(pair.curve)), pair.curve)
        wanted = np.where(image < 0.03, np.maximum(wanted, pair.air), wanted)
        assert np.abs(spoiled - wanted).max() < 2e-3
        kinds.add(
            (bottom < 0, pair.air.any(), any(np.abs(blur - np.eye(len(blur))).max() > 0.3 for blur in pair.blurs))
        )
    assert len(kinds) >= 5
