"""The json beside trained weights."""

import json
from dataclasses import replace

import pytest

from fs_sclimbic.errors import TableError
from fs_sclimbic.training.checkpoint import Epoch
from fs_sclimbic.training.dataset import sha256_of_files
from fs_sclimbic.training.recipe import Recipe
from fs_sclimbic.training.record import TrainingRecord, describe_heads, read_sessions
from tests.heads import FOUR


def record(heads, **more):
    command = ("fs_sclimbic", "train", "--o", "my folder")
    return TrainingRecord(recipe=Recipe(), colors=FOUR, heads=heads, command=command, backend="tensorflow", **more)


def test_heads_by_name_and_hash(four_heads):
    left_out = replace(four_heads[1], split="test", notes=(("licence", "CC0"),))
    first, second = describe_heads([four_heads[0], left_out])
    assert first["sha256"] == sha256_of_files(four_heads[0])
    assert (first["case"], first["image"], first["split"]) == ("head0", four_heads[0].image.name, "train")
    # Files that are left out are not read.
    assert (second["sha256"], second["licence"]) == ("", "CC0")


def test_another_hash_than_the_list_says(four_heads):
    with pytest.raises(TableError, match="the list says 000000000000"):
        describe_heads([replace(four_heads[0], notes=(("sha256", "0" * 64),))])


def test_sessions_add_up(tmp_path):
    weights = tmp_path / "model.h5"
    assert read_sessions(weights) == ()
    epochs = [Epoch(1, 4, 0.5, 1e-3, {"Rod": 0.25}, 2.0, kept=True), Epoch(2, 8, 0.4, 1e-3, {"Rod": 0.2}, 2.0)]
    record([]).write(weights, epochs, steps=8, seconds=7.2)
    earlier = read_sessions(weights)
    path = record([], first_step=8, earlier=earlier).write(weights, epochs, steps=12, seconds=36, ended="interrupted")
    content = json.loads(path.read_text())
    assert [session["first_step"] for session in content["sessions"]] == [0, 8]
    assert content["sessions"][0]["command"] == "fs_sclimbic train --o 'my folder'"
    assert (content["best_epoch"], content["validation_dice"]) == (1, {"Rod": 0.25})
    assert (content["steps"], content["hours"], content["ended"]) == (12, 0.01, "interrupted")
    assert content["weights"] == {"file": "model.h5", "sha256": None}
