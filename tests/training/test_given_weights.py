"""Training from given weights and with a teacher, end to end on synthetic heads."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from fs_sclimbic.cli.train import main as train
from fs_sclimbic.errors import ModelError
from fs_sclimbic.files.hashing import sha256_of
from fs_sclimbic.image.labels import ColorTable, Structure, format_ctab
from fs_sclimbic.image.volume import Volume, read_volume, write_volume
from fs_sclimbic.network.spec import ModelSpec
from fs_sclimbic.network.weights import read_weights, write_weights
from fs_sclimbic.training.checkpoint import CHECKPOINT_NAME, read_checkpoint
from fs_sclimbic.training.dataset import pair_folders, read_example
from fs_sclimbic.training.given_weights import Heritage, adopt, new_structures, read_given_weights
from fs_sclimbic.training.recipe import Recipe
from fs_sclimbic.training.trainer import Trainer
from tests.conftest import ROOT
from tests.heads import FOUR, write_heads

GENTLE = ["--warp", "1", "--noise", "10", "--gamma", "0.1", "--jitter", "8", "--darkest", "0"]
GEOMETRY = ["--fov", "48", "--features", "4", "--box", "32", *GENTLE, "--quiet"]
SETTLED = ["--epochs", "2", "--settle-epochs", "2", "--steps", "20"]


def folders(data, out):
    return [f"--images={data / 'images'}", f"--labels={data / 'labels'}", f"--ctab={data / 'four.ctab'}", f"--o={out}"]


def with_table(folder):
    (folder / "four.ctab").write_text(format_ctab(FOUR))
    return folder


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Heads that the first network learns from."""
    folder = tmp_path_factory.mktemp("many")
    write_heads(folder, range(6))
    return with_table(folder)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Three other heads: a user with few labels, one of them for validation."""
    folder = tmp_path_factory.mktemp("few")
    write_heads(folder, range(20, 23))
    return with_table(folder)


@pytest.fixture(scope="module")
def trained(many, tmp_path_factory):
    """A network that knows the structures."""
    out = tmp_path_factory.mktemp("trained") / "model"
    course = ["--epochs", "6", "--steps", "50", "--settle-epochs", "3", "--learning-rate", "0.01"]
    assert train([*folders(many, out), *GEOMETRY, *course, "--validate", "0"]) == 0
    return out / "model.h5"


def spec_of(weights, colors=FOUR, features=4):
    return ModelSpec(weights, "", colors, features=features)


def test_few_heads_are_enough_to_fine_tune(trained, few, tmp_path):
    """From given weights the first losses are low, and the Dice is one that a new network does not reach."""
    course = [*GEOMETRY, *SETTLED, "--learning-rate", "0.001"]
    assert train([*folders(few, tmp_path / "tuned"), *course, "--start-from", str(trained)]) == 0
    assert train([*folders(few, tmp_path / "new"), *course]) == 0
    tuned, new = (read_checkpoint(tmp_path / name) for name in ("tuned", "new"))
    assert np.mean(tuned.losses[:5]) < 0.3 * np.mean(new.losses[:5])
    assert tuned.epochs[-1].mean_dice > 0.8 > 0.5 > new.epochs[-1].mean_dice
    (session,) = json.loads((tmp_path / "tuned" / "model.json").read_text())["sessions"]
    assert session["start_from"] == {"file": "model.h5", "sha256": sha256_of(trained)}
    assert session["teacher"] is None
    assert f"starts from model.h5 {sha256_of(trained)[:12]}" in (tmp_path / "tuned" / "training.log").read_text()


def test_a_teacher_replaces_labels(trained, few, tmp_path):
    """Where it labels all boxes, it is learned instead of the stored labels, which are a few voxels off here."""
    (tmp_path / "labels").mkdir()
    for path in (few / "labels").iterdir():
        labels = read_volume(path)
        write_volume(Volume(np.roll(labels.data, 4, axis=0), labels.grid), tmp_path / "labels" / path.name)
    command = [
        f"--images={few / 'images'}",
        f"--labels={tmp_path / 'labels'}",
        f"--ctab={few / 'four.ctab'}",
        *GEOMETRY,
        *SETTLED,
        "--validate=0",
        "--learning-rate=0.001",
    ]
    out = tmp_path / "taught"
    course = ["--start-from", str(trained), "--teacher", str(trained), "--teacher-share", "1"]
    assert train([*command, "--o", str(out), *course]) == 0
    assert train([*command, "--o", str(tmp_path / "misled"), "--start-from", str(trained)]) == 0
    taught, misled = (read_checkpoint(tmp_path / name).losses for name in ("taught", "misled"))
    # Not the largest: a box that shows a corner of a structure keeps its stored labels if they are elsewhere.
    assert np.median(taught) < 0.6 * np.mean(misled[:5])
    (session,) = json.loads((out / "model.json").read_text())["sessions"]
    assert session["teacher"]["sha256"] == sha256_of(trained)
    assert session["settings"]["teacher_share"] == 1


def test_kill_and_resume_with_all_of_it(trained, few, tmp_path):
    """kill -9 in the middle: losses and the average of the weights are those of an uninterrupted training."""
    course = [*GEOMETRY[:-1], "--epochs", "2", "--settle-epochs", "2", "--steps", "8", "--checkpoint-steps", "4"]
    course += ["--start-from", str(trained), "--teacher", str(trained), "--average-weights", "5", "--threads", "1"]
    command = [*folders(few, tmp_path / "killed"), *course]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "fs_sclimbic", "train", *command], env=environment, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 240
    while not (tmp_path / "killed" / CHECKPOINT_NAME).exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = read_checkpoint(tmp_path / "killed")
    assert 4 <= len(before.losses) < 16
    assert train([*command, "--resume", "--quiet"]) == 0
    assert train([*folders(few, tmp_path / "whole"), *course, "--quiet"]) == 0
    killed, whole = (read_checkpoint(tmp_path / name) for name in ("killed", "whole"))
    assert killed.losses[: len(before.losses)] == before.losses
    assert np.allclose(killed.losses, whole.losses, rtol=1e-3)
    for layer, arrays in whole.average.items():
        for name, array in arrays.items():
            assert np.allclose(killed.average[layer][name], array, rtol=1e-3, atol=1e-4), (layer, name)


def test_the_model_is_the_average_of_the_weights(trained, few, tmp_path):
    """By hand: each step's weights, averaged, are those of the model."""
    heads = [read_example(source, FOUR, 48) for source in pair_folders(few / "images", few / "labels")[:2]]
    given = read_given_weights(trained, FOUR)
    recipe = Recipe(
        box=(16, 16, 16), fov=48, features=4, steps=6, epochs=1, settle_epochs=1, average_weights=3, learning_rate=0.5
    )
    trainer = Trainer(heads, [], colors=FOUR, recipe=recipe, folder=tmp_path, heritage=Heritage(start_from=given))
    average = given.weights["unet_conv_uparm_4_1"]["kernel"]
    for step, _, _ in trainer.run():
        now = trainer.state().weights["unet_conv_uparm_4_1"]["kernel"]
        keep = min(2 / 3, (1 + step) / (10 + step))
        average = keep * average + (1 - keep) * now
    assert not np.allclose(average, now, atol=1e-5)
    model = read_weights(spec_of(tmp_path / "model.h5"))
    assert np.allclose(model["unet_conv_uparm_4_1"]["kernel"], average, atol=1e-6)


def test_channels_go_with_the_names_of_structures(trained, few):
    """A table in another order, with one structure less and a new one."""
    unknown, _, right, _, box = FOUR
    table = ColorTable((unknown, box, Structure(99, "New", (1, 2, 3, 0)), right))
    given = read_given_weights(trained, table)  # its own table lies beside it
    assert [s.name for s in given.spec.colors] == [s.name for s in FOUR]
    assert new_structures(given, table) == ["New"]
    fresh = {layer: {name: np.full_like(a, 7) for name, a in arrays.items()} for layer, arrays in given.weights.items()}
    fresh["unet_likelihood"] = {name: array[..., :4] for name, array in fresh["unet_likelihood"].items()}
    weights = adopt(given, fresh, table)
    for name, array in weights["unet_likelihood"].items():
        theirs = given.weights["unet_likelihood"][name]
        assert np.array_equal(array[..., [0, 1, 3]], theirs[..., [0, 4, 2]])
        assert np.all(array[..., 2] == 7)
    assert np.array_equal(weights["unet_bn_up_1"]["gamma"], given.weights["unet_bn_up_1"]["gamma"])


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        (["--start-from", "nowhere.h5"], 1, "nowhere.h5: weight file does not exist"),
        (["--teacher", "nowhere.h5"], 1, "nowhere.h5: weight file does not exist"),
        (["--teacher", "shipped"], 2, "labels Left-Nucleus-Accumbens"),
        (["--start-from", "shipped"], 2, "has 24 features, --features is 4; give --features 24"),
        (["--teacher-share", "0"], 2, "--teacher-share 0.0"),
        (["--average-weights", "-1"], 2, "--average-weights -1"),
    ],
)
def test_what_does_not_fit_is_told_before_anything_is_read(given, status, words, few, tmp_path, capsys):
    assert train([*folders(few, tmp_path / "o"), *GEOMETRY, *given]) == status
    assert words in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_another_teacher_cannot_go_on(trained, few, tmp_path, capsys):
    course = [*folders(few, tmp_path / "o"), *GEOMETRY, "--epochs", "1", "--steps", "1", "--validate", "0"]
    assert train([*course, "--teacher", str(trained)]) == 0
    assert train([*course, "--resume"]) == 1
    assert f"--teacher (was model.h5 {sha256_of(trained)[:12]}, now none)" in capsys.readouterr().err


def test_a_smaller_network_learns_from_a_larger_one(trained, few, tmp_path):
    """The features of the teacher are its own."""
    course = ["--fov", "48", "--box", "16", *GENTLE, "--quiet", "--features", "2", "--epochs", "1", "--steps", "2"]
    assert train([*folders(few, tmp_path / "o"), *course, "--validate", "0", "--teacher", str(trained)]) == 0
    assert np.isfinite(read_checkpoint(tmp_path / "o").losses).all()


def test_a_file_without_a_table_beside_it_has_the_training_s(trained, tmp_path):
    write_weights(tmp_path / "alone.h5", read_weights(spec_of(trained)))
    renamed = ColorTable(tuple(Structure(s.index, f"My-{s.name}", s.rgba) for s in FOUR))
    assert read_given_weights(tmp_path / "alone.h5", renamed).spec.colors == renamed
    assert read_given_weights(tmp_path / "alone.h5", renamed).spec.features == 4
    with pytest.raises(
        ModelError, match=r"gives 5 labels .* has 4; put the model's own table beside it as alone\.ctab"
    ):
        read_given_weights(tmp_path / "alone.h5", ColorTable(FOUR.structures[:4]))
    (tmp_path / "text.h5").write_text("no weights")
    with pytest.raises(ModelError, match=r"text\.h5: weights cannot be read as HDF5"):
        read_given_weights(tmp_path / "text.h5", FOUR)
