"""The network against a second, independent forward pass written with scipy."""

import keras
import numpy as np
import pytest
from scipy import ndimage

from fs_sclimbic.errors import ModelError
from fs_sclimbic.image.volume import Grid, Volume
from fs_sclimbic.network.predictor import NetworkPredictor
from fs_sclimbic.network.unet import build_unet, fill_weights, weights_of
from fs_sclimbic.network.weights import read_weights
from tests.networks import RNG


def forward(image, weights):
    """The U-Net in float64: channels last, zero padding, skips taken before the batch norm."""

    def convolve(x, layer, elu=True):
        kernel, bias = (weights[layer][name].astype(np.float64) for name in ("kernel", "bias"))
        y = (
            np.stack(
                [
                    sum(ndimage.correlate(x[..., i], kernel[..., i, o], mode="constant") for i in range(x.shape[-1]))
                    for o in range(kernel.shape[-1])
                ],
                axis=-1,
            )
            + bias
        )
        return np.where(y > 0, y, np.expm1(np.minimum(y, 0))) if elu else y

    def normalise(x, layer):
        w = weights[layer]
        return (x - w["moving_mean"]) / np.sqrt(w["moving_variance"].astype(np.float64) + 1e-3) * w["gamma"] + w["beta"]

    def pool(x):
        a, b, c, f = x.shape
        return x.reshape(a // 2, 2, b // 2, 2, c // 2, 2, f).max(axis=(1, 3, 5))

    x, skips = image[..., None].astype(np.float64), []
    for level in range(3):
        x = convolve(convolve(x, f"unet_conv_downarm_{level}_0"), f"unet_conv_downarm_{level}_1")
        skips.append(x)
        x = normalise(x, f"unet_bn_down_{level}")
        x = pool(x) if level < 2 else x
    for up, level in enumerate((1, 0)):
        x = np.concatenate([skips[level], x.repeat(2, 0).repeat(2, 1).repeat(2, 2)], axis=-1)
        x = convolve(convolve(x, f"unet_conv_uparm_{3 + up}_0"), f"unet_conv_uparm_{3 + up}_1")
        x = normalise(x, f"unet_bn_up_{up}")
    logits = convolve(x, "unet_likelihood", elu=False)
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_network_is_the_published_architecture(random_model, engine):
    image = RNG.random((12, 12, 12), np.float32)
    model = NetworkPredictor(random_model, threads=1, engine=engine)
    found = model.predict(Volume(image, Grid(image.shape, np.eye(4))))
    assert found.data.dtype == np.float32
    assert found.data.shape == (12, 12, 12, 3)
    expected = forward(image, read_weights(random_model))
    assert expected.std() > 0.05, "the comparison needs posteriors that vary"
    assert np.abs(found.data - expected).max() < 1e-5


def test_unfilled_weights_are_an_error(random_model):
    weights = read_weights(random_model)
    del weights["unet_bn_up_0"]["beta"]
    with pytest.raises(ModelError, match="unet_bn_up_0/beta"):
        fill_weights(build_unet(len(random_model.colors), random_model.features), weights)


def test_frozen_norms_stay_frozen_in_training():
    """A step at rate 0 moves no statistics, and its loss is the one of inference; gamma and beta still learn."""
    keras.utils.set_random_seed(1)
    image = RNG.random((1, 8, 8, 8, 1)).astype(np.float32)
    targets = np.eye(3)[RNG.integers(0, 3, (1, 8, 8, 8))].astype(np.float32)
    losses = {}
    for frozen in (True, False):
        network = build_unet(3, 2, frozen_norm=frozen)
        network.compile(keras.optimizers.SGD(0.0), "categorical_crossentropy", jit_compile=False)
        before = weights_of(network)
        losses[frozen] = [float(network.train_on_batch(image, targets)), float(network.test_on_batch(image, targets))]
        after = weights_of(network)
        moved = [
            name
            for layer, arrays in after.items()
            for name, array in arrays.items()
            if not np.array_equal(array, before[layer][name])
        ]
        assert set(moved) == (set() if frozen else {"moving_mean", "moving_variance"})
        assert len(network.trainable_variables) == 32
    assert losses[True][0] == pytest.approx(losses[True][1], rel=1e-6)
    assert losses[False][0] != pytest.approx(losses[False][1], rel=1e-2)
