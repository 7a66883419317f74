"""Devices of Keras' backends, and compiled networks."""

import os
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from fs_sclimbic.errors import ModelError
from fs_sclimbic.network.backend import compiled, configure
from fs_sclimbic.network.unet import build_unet, fill_weights
from tests.networks import RNG, random_weights


def no_gpus():
    """A backend that finds none."""
    return SimpleNamespace(
        cuda=SimpleNamespace(is_available=lambda: False),
        backends=SimpleNamespace(cudnn=SimpleNamespace(), cuda=SimpleNamespace(matmul=SimpleNamespace())),
        default_backend=lambda: "cpu",
        config=SimpleNamespace(update=lambda *_: None),
    )


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_a_device_that_other_backends_do_not_find(monkeypatch, backend):
    monkeypatch.setitem(sys.modules, backend, no_gpus())
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(ModelError, match=f"'3' is not there: {backend}"):
        configure(device="3")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"


def test_compiled_network_follows_its_weights(tmp_path):
    """What validates a network in training must see the weights of now, not those of its first call."""
    network = build_unet(3, 2)
    forward = compiled(network)
    image = keras.ops.convert_to_tensor(RNG.random((1, 8, 8, 8, 1)).astype(np.float32))
    first = keras.ops.convert_to_numpy(forward(image))
    fill_weights(network, random_weights(3, 2))
    second = keras.ops.convert_to_numpy(forward(image))
    assert np.abs(second - first).max() > 0.01
    assert np.allclose(second, keras.ops.convert_to_numpy(network(image)), atol=1e-5)


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_a_machine_without_a_gpu(monkeypatch, caplog, backend):
    """Device 0 is the only one that scripts ask for whatever the machine has: the processor does the work."""
    monkeypatch.setitem(sys.modules, backend, no_gpus())
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    configure(device="0")
    assert "finds no GPU on this machine; the processor is used" in caplog.text
