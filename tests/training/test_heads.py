"""Which heads a training uses, and what is told of those that it cannot use."""

from dataclasses import replace

import numpy as np
import pytest

from fs_sclimbic.errors import UsageError
from fs_sclimbic.image.labels import ColorTable, Structure
from fs_sclimbic.training.dataset import TRAIN, VALIDATE
from fs_sclimbic.training.heads import find_heads, read_examples
from fs_sclimbic.training.recipe import Recipe
from tests.heads import FOUR

RECIPE = Recipe(box=(16, 16, 16), fov=48, features=2)
NOTHING = {"list_file": None, "root": None, "images": None, "labels": None, "validation_share": 0.25, "seed": 1}


@pytest.fixture
def told():
    """Lines that are told, with their severity."""
    return []


@pytest.fixture
def tell(told):
    return lambda line, severity="note": told.append((severity, line))


def folders(heads):
    return {"images": heads[0].image.parent, "labels": heads[0].targets.parent}


def test_two_folders(four_heads):
    heads = find_heads(**NOTHING | folders(four_heads))
    assert [head.name for head in heads] == ["head0", "head1", "head2", "head3"]
    assert sorted(head.split for head in heads) == [TRAIN] * 3 + [VALIDATE]
    other = find_heads(**NOTHING | folders(four_heads) | {"validation_share": 0})
    assert {head.split for head in other} == {TRAIN}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "give --data TSV, or --images"),
        ({"images": "x"}, "go together"),
        ({"list_file": "x", "labels": "x"}, "give --data TSV, or --images"),
    ],
)
def test_flags_that_do_not_go_together(given, words):
    with pytest.raises(UsageError, match=words):
        find_heads(**NOTHING | given)


def test_no_head_is_left_to_learn_from(four_heads, tmp_path):
    head = four_heads[0]
    (tmp_path / "list.tsv").write_text(f"case\timage\ttargets\tsplit\na\t{head.image}\t{head.targets}\tvalidate\n")
    with pytest.raises(UsageError, match="no head is left to learn from"):
        find_heads(**NOTHING | {"list_file": tmp_path / "list.tsv"})
    with pytest.raises(UsageError, match=r"--validate 1\.5"):
        find_heads(**NOTHING | folders(four_heads) | {"validation_share": 1.5})


def test_all_that_is_broken_is_told_at_once(four_heads, tell, told, tmp_path):
    broken = [replace(four_heads[i], image=tmp_path / f"{i}.nii.gz") for i in (0, 1)]
    with pytest.raises(UsageError, match="2 of 3 heads cannot be used"):
        read_examples([*broken, four_heads[2]], FOUR, RECIPE, tell=tell)
    assert [severity for severity, _ in told] == ["note", "error", "error"]
    assert all(f"{i}.nii.gz: image does not exist" in told[1 + i][1] for i in (0, 1))


def test_heads_of_other_splits_are_left_out(four_heads, tell, told):
    heads = [four_heads[0], replace(four_heads[1], split=VALIDATE), replace(four_heads[2], split="test")]
    examples = read_examples(heads, FOUR, RECIPE, tell=tell)
    assert {split: [e.name for e in found] for split, found in examples.items()} == {
        TRAIN: ["head0"],
        VALIDATE: ["head1"],
    }
    assert told == [
        ("note", "reading 2 heads; left out: 1 test"),
        ("note", "1 heads to learn from; to validate: head1"),
    ]


def test_structures_that_are_missing(four_heads, tell, told):
    more = ColorTable((*FOUR, Structure(99, "Typo", (1, 2, 3, 0))))
    with pytest.raises(UsageError, match="99 Typo is in none of the 2 heads to learn from"):
        read_examples(four_heads[:2], more, RECIPE, tell=tell)
    prepared = read_examples(four_heads[:1], FOUR, RECIPE, tell=tell)[TRAIN][0]
    assert prepared.has_structures == [True] * 4
    assert np.array_equal(prepared.image.shape, (48, 48, 48))
