"""Which engine runs a network, and that slabs of a box give what the whole box gives."""

import platform
from dataclasses import replace

import keras
import numpy as np
import pytest

from fs_sclimbic.errors import ModelError
from fs_sclimbic.image.volume import Grid, Volume
from fs_sclimbic.network.predictor import NetworkPredictor, choose_engine
from fs_sclimbic.network.unet import build_unet, fill_weights
from fs_sclimbic.network.weights import read_weights
from tests.networks import RNG

ENGINE_CHOICES = {
    # word, device, openvino installed, processor
    ("auto", None, True, "x86_64"): "openvino",
    ("auto", None, True, "AMD64"): "openvino",
    ("auto", None, True, "arm64"): "tensorflow",
    ("auto", None, False, "x86_64"): "tensorflow",
    ("auto", "0", True, "x86_64"): "tensorflow",
    ("openvino", None, True, "arm64"): "openvino",
    ("tensorflow", None, True, "x86_64"): "tensorflow",
    ("tensorflow", "0", False, "x86_64"): "tensorflow",
}


NO_ENGINES = {
    ("openvino", None, False, "x86_64"): "not installed; run pip install openvino",
    ("openvino", "0", True, "x86_64"): "--cuda-device goes with --engine tensorflow",
    ("onnx", None, True, "x86_64"): "engine 'onnx': expected one of auto, tensorflow, openvino",
}


@pytest.mark.parametrize("choice", ENGINE_CHOICES, ids=str)
def test_the_engine_that_suits_the_machine(choice):
    word, device, installed, processor = choice
    assert choose_engine(word, device, processor=processor, has_openvino=installed) == ENGINE_CHOICES[choice]


@pytest.mark.parametrize("choice", NO_ENGINES, ids=str)
def test_an_engine_that_is_not_there(choice):
    word, device, installed, processor = choice
    with pytest.raises(ModelError, match=NO_ENGINES[choice]):
        choose_engine(word, device, processor=processor, has_openvino=installed)


def test_the_predictor_says_what_runs_it(tiny_model):
    for engine in ("openvino", "tensorflow"):
        model = NetworkPredictor(tiny_model, threads=1, engine=engine)
        assert (model.engine, model.precision) == (engine, "float32")


def test_a_broken_openvino_costs_no_night(tiny_model, monkeypatch, caplog):
    """auto goes on with TensorFlow, and says so; who asks for OpenVINO by name is told."""

    def broken(spec, weights, *, engine, **how):
        if engine == "openvino":
            raise ImportError("libstdc++.so.6: version not found")
        return lambda image, extents: None

    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert NetworkPredictor(tiny_model, load=broken).engine == "tensorflow"
    assert "libstdc++" in caplog.text
    with pytest.raises(ImportError):
        NetworkPredictor(tiny_model, engine="openvino", load=broken)


def test_weights_that_were_read_before_are_not_read_again(tiny_model):
    weights = read_weights(tiny_model)
    spec = replace(tiny_model, weights=tiny_model.weights.with_name("gone.h5"))
    image = Volume(np.full((8, 8, 8), 0.9, np.float32), Grid((8, 8, 8), np.eye(4)))
    found, wanted = (
        NetworkPredictor(s, threads=1, weights=w).predict(image).data for s, w in ((spec, weights), (tiny_model, None))
    )
    assert np.array_equal(found, wanted)


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_a_precision_that_is_none(tiny_model, engine):
    with pytest.raises(ModelError, match="precision 'float16': expected one of float32, bfloat16"):
        NetworkPredictor(tiny_model, engine=engine, precision="float16")


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_slabs_give_what_the_whole_box_gives(random_model, engine):
    image = RNG.random((20, 20, 20), np.float32)
    spec = replace(random_model, fov=20)
    network = build_unet(len(spec.colors), spec.features)
    fill_weights(network, read_weights(spec))
    whole = keras.ops.convert_to_numpy(network(image[None, ..., None], training=False))[0]
    for slab in (4, 8, 20):
        model = NetworkPredictor(spec, threads=1, engine=engine, slab_thickness=slab)
        found = model.predict(Volume(image, Grid(image.shape, np.eye(4))))
        assert np.abs(found.data - whole).max() < 1e-5


def test_a_device_on_a_machine_without_a_gpu(tiny_model, caplog):
    """The processor does the work, and this is said."""
    if has_gpu():
        pytest.skip("this machine has a GPU")
    model = NetworkPredictor(tiny_model, device="0", threads=1)
    assert model.engine == "tensorflow"
    assert "CUDA device 0: TensorFlow finds no GPU on this machine; the processor is used" in caplog.text
    for device in ("99", "first"):
        with pytest.raises(ModelError, match=f"'{device}' is not there"):
            NetworkPredictor(tiny_model, device=device)


def has_gpu():
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


@pytest.mark.parametrize("device", ["-1", "-2", None])
def test_a_negative_device_is_the_processor(device):
    assert choose_engine("auto", device, processor="x86_64", has_openvino=True) == "openvino"
    assert choose_engine("openvino", device, has_openvino=True) == "openvino"


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
@pytest.mark.parametrize("threads", [0, -1])
def test_no_threads_are_all(tiny_model, engine, threads):
    image = Volume(np.full((8, 8, 8), 0.9, np.float32), Grid((8, 8, 8), np.eye(4)))
    found = NetworkPredictor(tiny_model, threads=threads, engine=engine).predict(image)
    assert found.data.shape == (8, 8, 8, 3)
