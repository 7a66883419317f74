import os
import time
import zipfile
from dataclasses import replace

import h5py
import numpy as np
import pytest

from fs_sclimbic.errors import ModelError
from fs_sclimbic.files.hashing import sha256_of
from fs_sclimbic.image.labels import read_ctab
from fs_sclimbic.network.spec import ModelSpec
from fs_sclimbic.network.weights import read_weights, write_weights
from tests.conftest import ONE_BALL, intensity_weights, make_model
from tests.mutations import mutations


def test_round_trip(tmp_path):
    spec = make_model(tmp_path)
    weights = read_weights(spec)
    write_weights(tmp_path / "copy.h5", weights)
    again = read_weights(replace(spec, weights=tmp_path / "copy.h5"))
    assert all(np.array_equal(weights[layer][name], again[layer][name]) for layer in weights for name in weights[layer])


def test_published_weights(shared):
    spec = ModelSpec(shared / "models/sclimbic.fsm+ad.t1.nstd00-50.nstd32-50.h5", "", read_ctab())
    assert sum(array.size for layer in read_weights(spec).values() for array in layer.values()) == 795_590


@pytest.mark.parametrize(
    ("layer", "weight"),
    [("unet_conv_downarm_2_1", "kernel"), ("unet_bn_up_1", "moving_variance"), ("unet_likelihood", "bias")],
)
def test_a_weight_that_is_missing_is_named(tmp_path, layer, weight):
    spec = make_model(tmp_path)
    with h5py.File(spec.weights, "a") as file:
        del file[f"{layer}/{layer}/{weight}:0"]
    with pytest.raises(ModelError, match=f"{layer}/{weight}"):
        read_weights(replace(spec, sha256=sha256_of(spec.weights)))


@pytest.mark.parametrize(
    ("change", "word"), [({"features": 3}, "--features 2"), ({"colors": ONE_BALL}, "give 3 labels.*has 2.*--ctab")]
)
def test_what_does_not_fit_is_said_in_flags(tmp_path, change, word):
    with pytest.raises(ModelError, match=word):
        read_weights(replace(make_model(tmp_path), **change))


@pytest.mark.parametrize(
    ("layer", "weight", "array", "word"),
    [
        ("unet_conv_downarm_0_0", "kernel", np.zeros((3, 3, 3, 2, 2)), "--nchannels 2"),
        ("unet_conv_uparm_3_0", "kernel", np.zeros((3, 3, 3, 4, 4)), "unet_conv_uparm_3_0/kernel"),
        ("unet_bn_up_0", "gamma", np.array([np.nan, 1, 1, 1]), "unet_bn_up_0/gamma"),
    ],
    ids=["channels", "a shape inside", "not a number"],
)
def test_an_array_that_does_not_fit_is_named(tmp_path, layer, weight, array, word):
    weights = intensity_weights()
    weights[layer][weight] = array
    spec = make_model(tmp_path)
    write_weights(spec.weights, weights)
    with pytest.raises(ModelError, match=word):
        read_weights(replace(spec, sha256=sha256_of(spec.weights)))


def test_a_file_of_another_kind(tmp_path):
    spec = make_model(tmp_path)
    spec.weights.write_text("hello")
    with pytest.raises(ModelError, match=r"tiny\.h5.*HDF5"):
        read_weights(replace(spec, sha256=sha256_of(spec.weights)))


def test_a_file_that_changes_between_hash_and_read(tmp_path):
    spec = make_model(tmp_path)
    known = replace(spec, sha256=sha256_of(spec.weights))
    read_weights(known)
    weights = intensity_weights()
    weights["unet_likelihood"]["bias"] = weights["unet_likelihood"]["bias"] + 1
    write_weights(spec.weights, weights)
    with pytest.raises(ModelError, match="has changed since the run began"):
        read_weights(known)


def test_files_that_stand_for_others_are_named(tmp_path):
    spec = make_model(tmp_path)
    (tmp_path / "lfs.h5").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    (tmp_path / "annex.h5").symlink_to(".git/annex/objects/xx/yy/SHA256E-s9--0.h5/SHA256E-s9--0.h5")
    with zipfile.ZipFile(tmp_path / "model.pth", "w") as archive:
        archive.writestr("model/data.pkl", b"")
    (tmp_path / "folder.h5").mkdir()
    os.mkfifo(tmp_path / "pipe.h5")
    for name, words in (
        ("lfs.h5", "is a Git LFS pointer"),
        ("annex.h5", "is a git-annex link whose content is not here"),
        ("model.pth", "is a model of PyTorch"),
        ("folder.h5", "is not a file but a folder"),
        ("pipe.h5", "is not a file but a named pipe"),
    ):
        with pytest.raises(ModelError, match=rf"{name}: {words}"):
            read_weights(replace(spec, weights=tmp_path / name))


@pytest.mark.parametrize("seed", range(3))
def test_damage_is_our_error(tmp_path, seed):
    """Bits, cuts, repeats, noise: the weights are read, or an error of one line names the file."""
    spec = make_model(tmp_path)
    damaged = replace(spec, weights=tmp_path / "damaged.h5", sha256="")
    messages = []
    for content in mutations(spec.weights.read_bytes(), 60, seed):
        damaged.weights.write_bytes(content)
        start = time.perf_counter()
        try:
            read_weights(damaged)
        except ModelError as error:
            messages.append(str(error))
        assert time.perf_counter() - start < 5
    assert len(messages) > 20
    for message in messages:
        assert message.startswith(f"{damaged.weights}: ")
        assert message.isprintable()
