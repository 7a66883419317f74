"""Training end to end on synthetic heads, through the command line, and everything that may interrupt it."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from fs_sclimbic.cases.stats_files import read_stats
from fs_sclimbic.cli.segment import main as segment
from fs_sclimbic.cli.train import build_parser
from fs_sclimbic.cli.train import main as train
from fs_sclimbic.files.hashing import sha256_of
from fs_sclimbic.files.locks import locked
from fs_sclimbic.image.labels import format_ctab
from fs_sclimbic.image.volume import read_volume, write_volume
from fs_sclimbic.training.checkpoint import CHECKPOINT_NAME, read_checkpoint
from fs_sclimbic.training.validation import dice_scores
from tests.conftest import ROOT
from tests.heads import FOUR, labelled_head, write_heads

GEOMETRY = ["--fov", "48", "--features", "8"]
GENTLE = ["--warp", "1", "--noise", "10", "--gamma", "0.1", "--jitter", "8", "--darkest", "0"]
SHORT = ["--box", "16", "--fov", "48", "--features", "2", "--checkpoint-steps", "4", *GENTLE]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Eight heads in three orientations, and their table."""
    folder = tmp_path_factory.mktemp("data")
    write_heads(folder, range(8))
    (folder / "four.ctab").write_text(format_ctab(FOUR))
    return folder


def flags(data, out):
    return [f"--images={data / 'images'}", f"--labels={data / 'labels'}", f"--ctab={data / 'four.ctab'}", f"--o={out}"]


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A model of four structures of a user's own."""
    out = tmp_path_factory.mktemp("trained") / "model"
    course = ["--box", "32", "--epochs", "12", "--steps", "50", "--settle-epochs", "6", "--learning-rate", "0.01"]
    assert train([*flags(data, out), *course, "--validate", "0.2", *GEOMETRY, *GENTLE, "--quiet"]) == 0
    return out


def test_loss_falls_and_validation_rises(trained):
    state = read_checkpoint(trained)
    assert len(state.losses) == 600
    # The settling epochs weigh voxels otherwise: each phase is compared with itself.
    assert np.mean(state.losses[250:300]) < 0.3 * np.mean(state.losses[:50])
    assert np.mean(state.losses[-50:]) < 0.9 * np.mean(state.losses[300:350])
    assert state.epochs[-1].mean_dice > 0.85 > 0.5 > state.epochs[0].mean_dice
    assert [epoch.steps for epoch in state.epochs] == list(range(50, 601, 50))


def test_what_is_left_behind(trained, data):
    assert sorted(path.name for path in trained.iterdir()) == [
        CHECKPOINT_NAME,
        "model.ctab",
        "model.h5",
        "model.json",
        "training.log",
        "training.png",
    ]
    record = json.loads((trained / "model.json").read_text())
    assert record["weights"] == {"file": "model.h5", "sha256": sha256_of(trained / "model.h5")}
    assert [head["case"] for head in record["data"]] == [f"head{i}" for i in range(8)]
    assert [head["split"] for head in record["data"]].count("validate") == 2
    assert all(len(head["sha256"]) == 64 for head in record["data"])
    (session,) = record["sessions"]
    assert session["settings"]["augmentation"]["warp"] == 1
    assert session["first_step"] == 0
    assert record["ended"] == "all epochs done"
    assert (record["steps"], len(record["epochs"])) == (600, 12)
    settled = [epoch for epoch in record["epochs"] if epoch["settled"]]
    best = max(settled, key=lambda epoch: np.mean(list(epoch["dice"].values())))
    assert len(settled) == 6
    assert record["best_epoch"] == best["number"]
    assert best["kept"]
    assert str(data) not in json.dumps(record["data"])
    assert session["command"].startswith("fs_sclimbic train --images")
    log = (trained / "training.log").read_text()
    assert "epoch 12/12: loss" in log


def test_new_heads_are_segmented(trained, tmp_path):
    """Shapes that were never seen, by the command a user would give: Dice above 0.9 for every structure."""
    scores = []
    for seed in (100, 101, 102):
        t1, truth = labelled_head(seed)
        write_volume(t1, tmp_path / f"new{seed}.nii.gz")
        model = ["--model", str(trained / "model.h5"), "--ctab", str(trained / "model.ctab"), *GEOMETRY]
        out = tmp_path / f"seg{seed}.nii.gz"
        assert segment(["--i", str(tmp_path / f"new{seed}.nii.gz"), "--o", str(out), *model, "--write_volumes"]) == 0
        index = np.zeros(100, int)
        index[[s.index for s in FOUR]] = range(len(FOUR))
        labels = index[read_volume(out).data]
        scores.append(dice_scores(labels, index[truth.data], len(FOUR)))
        stats = read_stats(tmp_path / f"seg{seed}.stats")
        assert [row.structure.name for row in stats.structures] == [s.name for s in FOUR.foreground]
    assert np.min(np.mean(scores, axis=0)) > 0.9, scores


def test_weights_are_in_the_published_layout(trained):
    """Layer by layer by name, as Keras' loader of old files and the published tool find them."""
    import h5py
    import keras

    from fs_sclimbic.network.unet import build_unet, weights_of

    network = build_unet(5, 8)
    network.load_weights(trained / "model.h5", by_name=True)
    with h5py.File(trained / "model.h5") as file:
        assert file.attrs["layer_names"][0] == b"unet_conv_downarm_0_0"
        for layer, arrays in weights_of(network).items():
            for name, array in arrays.items():
                assert np.array_equal(array, file[f"{layer}/{layer}/{name}:0"])
    assert keras.__version__ >= "3"


def test_same_seed_same_losses(data, tmp_path):
    course = ["--epochs", "1", "--steps", "20", "--validate", "0", "--quiet"]
    for name in ("one", "two"):
        assert train([*flags(data, tmp_path / name), *SHORT, *course]) == 0
    assert train([*flags(data, tmp_path / "other"), *SHORT, *course, "--seed", "7"]) == 0
    one, two, other = (read_checkpoint(tmp_path / name).losses for name in ("one", "two", "other"))
    assert len(one) == 20
    # Sums of several threads are taken in changing order.
    assert np.allclose(one, two, rtol=1e-4)
    assert not np.allclose(one, other, rtol=1e-2)


def test_kill_and_resume(data, tmp_path):
    """kill -9 in the middle: what comes after the resumption is what would have come."""
    course = ["--epochs", "3", "--steps", "10", "--l2-epochs", "1", "--settle-epochs", "1", "--threads", "1"]
    command = [*flags(data, tmp_path / "killed"), *SHORT, *course]
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
    assert 4 <= len(before.losses) < 30
    assert train([*command, "--resume", "--quiet"]) == 0
    assert train([*flags(data, tmp_path / "whole"), *SHORT, *course, "--quiet"]) == 0
    killed, whole = (read_checkpoint(tmp_path / name) for name in ("killed", "whole"))
    assert killed.losses[: len(before.losses)] == before.losses
    assert np.allclose(killed.losses, whole.losses, rtol=1e-3)
    assert [epoch.number for epoch in killed.epochs] == [1, 2, 3]
    assert [epoch.settled for epoch in killed.epochs] == [False, False, True]
    sessions = json.loads((tmp_path / "killed" / "model.json").read_text())["sessions"]
    assert sessions[-1]["first_step"] == len(before.losses)
    assert (tmp_path / "killed" / "model.h5").exists()


def test_a_signal_ends_after_the_step_and_keeps_it(data, tmp_path):
    out = tmp_path / "stopped"
    course = ["--epochs", "1000", "--steps", "10", "--validate", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "fs_sclimbic", "train", *flags(data, out), *SHORT, *course],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 240
    while not (out / CHECKPOINT_NAME).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.terminate()
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    steps = len(read_checkpoint(out).losses)
    assert f"interrupted after step {steps}; the same command with --resume goes on" in printed


def test_nothing_is_overwritten_and_nothing_mixed(data, trained, tmp_path, capsys):
    assert train([*flags(data, trained), *SHORT]) == 2
    assert "holds a training of 600 steps; give --resume" in capsys.readouterr().err
    assert train([*flags(data, trained), *SHORT, "--resume"]) == 1
    printed = capsys.readouterr().err
    assert "--box (was 32 32 32, now 16 16 16); --steps (was 50, now 250); --features (was 8, now 2)" in printed
    same = ["--box", "32", "--epochs", "12", "--steps", "50", "--validate", "0.2", *GEOMETRY, "--resume"]
    before = (trained / "model.json").read_text()
    assert train([*flags(data, trained), *same]) == 0
    assert "600 of 600 steps are done" in capsys.readouterr().out
    assert (trained / "model.json").read_text() == before
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign/model.h5").write_text("precious")
    assert train([*flags(data, tmp_path / "foreign"), *SHORT]) == 2
    assert (tmp_path / "foreign/model.h5").read_text() == "precious"
    assert train([*flags(data, tmp_path / "new"), *SHORT, "--resume"]) == 2
    assert "no checkpoint.npz to resume from" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_bad_data_are_told_all_at_once_before_training(data, tmp_path, capsys):
    (tmp_path / "a.nii.gz").write_text("x")
    rows = ["case\timage\ttargets", *(f"{c}\t{c}.nii.gz\t{data}/labels/head1.nii.gz" for c in "ab")]
    (tmp_path / "list.tsv").write_text("\n".join([*rows, f"c\t{data}/images/head1.nii.gz\t{data}/labels/head1.nii.gz"]))
    command = ["--data", str(tmp_path / "list.tsv"), "--ctab", str(data / "four.ctab"), "--o", str(tmp_path / "o")]
    assert train([*command, *SHORT]) == 2
    printed = capsys.readouterr().err
    assert "a.nii.gz: image is cut off: 1 bytes found" in printed
    assert "b.nii.gz: image does not exist" in printed
    assert "2 of 3 heads cannot be used" in printed
    assert not (tmp_path / "o" / CHECKPOINT_NAME).exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--o", "o"], "give --data TSV, or --images"),
        (["--o", "o", "--images", "x"], "go together"),
        (["--o", "o", "--data", "x", "--box", "1", "2"], "one number or three"),
        (["--o", "o", "--data", "x", "--noise", "-1"], "--noise -1"),
    ],
)
def test_usage(given, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert train(given) == 2
    assert words in capsys.readouterr().err
    assert train(["--help"]) == 0


def test_mixed_precision_learns_too(data, tmp_path):
    course = ["--epochs", "1", "--steps", "12", "--validate", "0", "--precision", "bfloat16", "--quiet"]
    assert train([*flags(data, tmp_path / "o"), *SHORT, *course, "--learning-rate", "0.05"]) == 0
    losses = read_checkpoint(tmp_path / "o").losses
    assert np.isfinite(losses).all()
    assert np.mean(losses[-4:]) < np.mean(losses[:4])


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends(data, tmp_path, backend):
    pytest.importorskip(backend)
    course = ["--epochs", "3", "--steps", "4", "--settle-epochs", "1", "--validate", "0.2", "--backend", backend]
    course += ["--learning-rate", "0.1"]
    command = [sys.executable, "-m", "fs_sclimbic", "train", *flags(data, tmp_path / "o"), *SHORT, *course, "--quiet"]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    state = read_checkpoint(tmp_path / "o")
    (session,) = json.loads((tmp_path / "o" / "model.json").read_text())["sessions"]
    assert session["backend"] == backend
    assert len(state.losses) == 12
    assert np.isfinite(state.losses).all()
    assert set(state.epochs[0].dice) == {s.name for s in FOUR.foreground}


ALL_OF_A_TEACHER = [
    "--flip=0.5", "--teacher-share=0.4", "--harder-share=0.4", "--rim=2", "--volume-weight=0.3", "--clip-gradient=2",
]  # fmt: skip


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_a_student_with_mirrored_and_harder_views(trained, data, tmp_path, backend):
    """The student begins as its teacher and stays near it; the record has every setting."""
    pytest.importorskip(backend)
    course = ["--box=24", "--epochs=1", "--steps=12", "--settle-epochs=1", "--validate=0.2", f"--backend={backend}"]
    given = [f"--teacher={trained / 'model.h5'}", f"--start-from={trained / 'model.h5'}", "--learning-rate=1e-4"]
    command = [sys.executable, "-m", "fs_sclimbic", "train", *flags(data, tmp_path / "o"), *GEOMETRY, *GENTLE]
    command += [*course, *given, *ALL_OF_A_TEACHER, "--quiet"]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    state = read_checkpoint(tmp_path / "o")
    assert state.epochs[-1].mean_dice > 0.8
    (session,) = json.loads((tmp_path / "o" / "model.json").read_text())["sessions"]
    settings = session["settings"]
    assert [settings[name] for name in ("teacher_share", "harder_share", "rim", "volume_weight", "clip_gradient")] == [
        0.4, 0.4, 2, 0.3, 2.0,
    ]  # fmt: skip
    assert settings["augmentation"]["flip"] == 0.5


def test_a_structure_without_its_other_side_cannot_be_mirrored(data, tmp_path, capsys):
    lonely = tmp_path / "lonely.ctab"
    lonely.write_text("0 Unknown 0 0 0 0\n11 Left-Ball 255 0 0 0\n")
    given = [*flags(data, tmp_path / "o")[:2], f"--ctab={lonely}", f"--o={tmp_path / 'o'}", *SHORT, "--flip=0.5"]
    assert train(given) == 2
    assert "--flip: the colour table has Left-Ball, but not Right-Ball" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_data_that_are_not_the_lists(data, tmp_path, capsys):
    image, labels = data / "images/head1.nii.gz", data / "labels/head1.nii.gz"
    (tmp_path / "list.tsv").write_text(f"case\timage\ttargets\tsha256\na\t{image}\t{labels}\t{'0' * 64}\n")
    command = ["--data", str(tmp_path / "list.tsv"), "--ctab", str(data / "four.ctab"), "--o", str(tmp_path / "o")]
    assert train([*command, *SHORT, "--validate", "0"]) == 1
    assert "head1.nii.gz: its SHA-256 is" in capsys.readouterr().err


def test_structures_and_words_that_are_not_there(data, tmp_path, capsys):
    (tmp_path / "more.ctab").write_text(format_ctab(FOUR) + "99 Typo 1 2 3 0\n")
    command = [f"--images={data / 'images'}", f"--labels={data / 'labels'}", f"--o={tmp_path / 'o'}", *SHORT]
    assert train([*command, f"--ctab={tmp_path / 'more.ctab'}"]) == 2
    assert "99 Typo is in none of the 7 heads to learn from" in capsys.readouterr().err


def test_one_training_at_a_time_in_a_folder(data, tmp_path, capsys):
    (tmp_path / "o").mkdir()
    with locked(tmp_path / "o" / ".training.lock"):
        assert train([*flags(data, tmp_path / "o"), *SHORT, "--epochs", "1", "--steps", "1"]) == 2
    assert "another training runs here" in capsys.readouterr().err


def test_examples_of_the_help_fit_a_terminal():
    assert max(map(len, build_parser().format_help().splitlines())) <= 120
