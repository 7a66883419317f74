"""The network against a second, independent forward pass written with scipy."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from fs_sclimbic.errors import ModelError
from fs_sclimbic.network.weights import read_weights, write_weights
from tests.conftest import ROOT, TWO_BALLS, make_model
from tests.networks import RNG, random_weights


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


@pytest.fixture
def random_model(tmp_path):
    spec = make_model(tmp_path)
    write_weights(spec.weights, random_weights(len(TWO_BALLS), 2))
    return replace(spec, fov=12)


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_network_is_the_published_architecture(random_model, engine):
    from fs_sclimbic.image.volume import Grid, Volume
    from fs_sclimbic.network.predictor import NetworkPredictor

    image = RNG.random((12, 12, 12), np.float32)
    model = NetworkPredictor(random_model, threads=1, engine=engine)
    found = model.predict(Volume(image, Grid(image.shape, np.eye(4))))
    assert found.data.dtype == np.float32
    assert found.data.shape == (12, 12, 12, 3)
    expected = forward(image, read_weights(random_model))
    assert expected.std() > 0.05, "the comparison needs posteriors that vary"
    assert np.abs(found.data - expected).max() < 1e-5


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_slabs_give_what_the_whole_box_gives(random_model, monkeypatch, engine):
    from fs_sclimbic.image.volume import Grid, Volume
    from fs_sclimbic.network import predictor
    from fs_sclimbic.network.backend import keras
    from fs_sclimbic.network.unet import build_unet, fill_weights

    image = RNG.random((20, 20, 20), np.float32)
    spec = replace(random_model, fov=20)
    network = build_unet(len(spec.colors), spec.features)
    fill_weights(network, read_weights(spec))
    whole = keras.ops.convert_to_numpy(network(image[None, ..., None], training=False))[0]
    for slab in (4, 8, 20):
        monkeypatch.setattr(predictor, "SLAB", slab)
        model = predictor.NetworkPredictor(spec, threads=1, engine=engine)
        found = model.predict(Volume(image, Grid(image.shape, np.eye(4))))
        assert np.abs(found.data - whole).max() < 1e-5


def test_a_users_keras_settings_change_nothing(tiny_model, tmp_path):
    """keras.json may say channels_first and float16; the network is what it is."""
    settings = {"image_data_format": "channels_first", "floatx": "float16"}
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    ctab = tiny_model.weights.with_name("tiny.ctab")
    script = (
        "import numpy as np\n"
        "from fs_sclimbic import Grid, Volume, load_model\n"
        f"model = load_model({str(tiny_model.weights)!r}, {str(ctab)!r}, fov=48, features=2, engine='tensorflow')\n"
        "import keras; assert keras.config.floatx() == 'float16'\n"
        "out = model.predict(Volume(np.full((48, 48, 48), 0.9, 'f4'), Grid((48, 48, 48), np.eye(4)))).data\n"
        "print(out.dtype, out.shape, out[20, 20, 20].argmax())"
    )
    environment = {**os.environ, "KERAS_HOME": str(tmp_path)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "float32 (48, 48, 48, 3) 2", done.stderr


def test_unfilled_weights_are_an_error(random_model):
    from fs_sclimbic.network.unet import build_unet, fill_weights

    weights = read_weights(random_model)
    del weights["unet_bn_up_0"]["beta"]
    with pytest.raises(ModelError, match="unet_bn_up_0/beta"):
        fill_weights(build_unet(len(random_model.colors), random_model.features), weights)


def test_a_device_that_is_not_there(tiny_model):
    from fs_sclimbic.network.predictor import NetworkPredictor

    with pytest.raises(ModelError, match="99"):
        NetworkPredictor(tiny_model, device="99")


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_a_device_that_other_backends_do_not_find(monkeypatch, backend):
    from fs_sclimbic.network.backend import configure, keras

    no_gpu = SimpleNamespace(
        cuda=SimpleNamespace(is_available=lambda: False),
        backends=SimpleNamespace(cudnn=SimpleNamespace(), cuda=SimpleNamespace(matmul=SimpleNamespace())),
        default_backend=lambda: "cpu",
        config=SimpleNamespace(update=lambda *_: None),
    )
    monkeypatch.setitem(sys.modules, backend, no_gpu)
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(ModelError, match=f"'3' is not there: {backend}"):
        configure(device="3")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"


def test_frozen_norms_stay_frozen_in_training():
    """A step at rate 0 moves no statistics, and its loss is the one of inference; gamma and beta still learn."""
    import keras

    from fs_sclimbic.network.unet import build_unet, weights_of

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


def test_compiled_network_follows_its_weights(tmp_path):
    """What validates a network in training must see the weights of now, not those of its first call."""
    import keras

    from fs_sclimbic.network.backend import compiled
    from fs_sclimbic.network.unet import build_unet, fill_weights

    network = build_unet(3, 2)
    forward = compiled(network)
    image = keras.ops.convert_to_tensor(RNG.random((1, 8, 8, 8, 1)).astype(np.float32))
    first = keras.ops.convert_to_numpy(forward(image))
    fill_weights(network, random_weights(3, 2))
    second = keras.ops.convert_to_numpy(forward(image))
    assert np.abs(second - first).max() > 0.01
    assert np.allclose(second, keras.ops.convert_to_numpy(network(image)), atol=1e-5)


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


def machine(monkeypatch, installed, processor):
    from fs_sclimbic.network import predictor

    monkeypatch.setattr(predictor, "find_spec", lambda name: object() if installed else None)
    monkeypatch.setattr(predictor.platform, "machine", lambda: processor)
    return predictor.choose_engine


@pytest.mark.parametrize("choice", ENGINE_CHOICES, ids=str)
def test_the_engine_that_suits_the_machine(choice, monkeypatch):
    word, device, *where = choice
    assert machine(monkeypatch, *where)(word, device) == ENGINE_CHOICES[choice]


@pytest.mark.parametrize("choice", NO_ENGINES, ids=str)
def test_an_engine_that_is_not_there(choice, monkeypatch):
    word, device, *where = choice
    choose = machine(monkeypatch, *where)
    with pytest.raises(ModelError, match=NO_ENGINES[choice]):
        choose(word, device)


def test_the_predictor_says_what_runs_it(tiny_model):
    from fs_sclimbic.network.predictor import NetworkPredictor

    for engine in ("openvino", "tensorflow"):
        model = NetworkPredictor(tiny_model, threads=1, engine=engine)
        assert (model.engine, model.precision) == (engine, "float32")


def test_a_broken_openvino_costs_no_night(tiny_model, monkeypatch, caplog):
    """auto goes on with TensorFlow, and says so; who asks for OpenVINO by name is told."""
    from fs_sclimbic.network import predictor

    def broken(spec, weights, engine, *how):
        if engine == "openvino":
            raise ImportError("libstdc++.so.6: version not found")
        return lambda image, extents: None

    monkeypatch.setattr(predictor, "_load_engine", broken)
    monkeypatch.setattr(predictor.platform, "machine", lambda: "x86_64")
    assert predictor.NetworkPredictor(tiny_model).engine == "tensorflow"
    assert "libstdc++" in caplog.text
    with pytest.raises(ImportError):
        predictor.NetworkPredictor(tiny_model, engine="openvino")


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_a_precision_that_is_none(tiny_model, engine):
    from fs_sclimbic.network.predictor import NetworkPredictor

    with pytest.raises(ModelError, match="precision 'float16': expected one of float32, bfloat16"):
        NetworkPredictor(tiny_model, engine=engine, precision="float16")


def test_a_processor_without_bfloat16(tiny_model, monkeypatch):
    from fs_sclimbic.network import openvino_engine
    from fs_sclimbic.network.predictor import NetworkPredictor

    class OldProcessor(openvino_engine.openvino.Core):
        def get_property(self, *_):
            return ["FP32", "INT8"]

    monkeypatch.setattr(openvino_engine.openvino, "Core", OldProcessor)
    with pytest.raises(ModelError, match=r"does not compute in bfloat16.*leave --precision out"):
        NetworkPredictor(tiny_model, engine="openvino", precision="bfloat16")
    NetworkPredictor(tiny_model, engine="openvino")


def test_bfloat16_is_near_and_not_the_same(random_model):
    from fs_sclimbic.image.volume import Grid, Volume
    from fs_sclimbic.network.predictor import NetworkPredictor

    image = Volume(RNG.random((12, 12, 12), np.float32), Grid((12, 12, 12), np.eye(4)))
    exact, rounded = (
        NetworkPredictor(random_model, threads=1, engine="tensorflow", precision=precision).predict(image).data
        for precision in ("float32", "bfloat16")
    )
    assert rounded.dtype == np.float32
    assert np.allclose(rounded.sum(-1), 1, atol=1e-5)
    assert 1e-5 < np.abs(rounded - exact).max() < 0.1
