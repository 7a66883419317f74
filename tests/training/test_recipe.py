import itertools

import pytest

from fs_sclimbic.errors import UsageError
from fs_sclimbic.training.recipe import Augmentation, Recipe


def test_cosine_rises_then_falls_to_a_hundredth():
    recipe = Recipe(epochs=10, steps=100, learning_rate=1e-3)
    rates = [recipe.rate(step) for step in range(recipe.total_steps)]
    assert rates[0] == pytest.approx(1e-5, rel=0.01)
    assert max(rates) == pytest.approx(1e-3, rel=0.03)
    assert rates.index(max(rates)) in range(95, 105)
    assert rates[500] == pytest.approx(5.05e-4, rel=0.01)
    assert rates[-1] == pytest.approx(1e-5, rel=0.01)
    assert all(a > b for a, b in itertools.pairwise(rates[100:]))


def test_settling_begins_gently():
    plain, settling = Recipe(epochs=10, steps=100), Recipe(epochs=10, steps=100, settle_epochs=4)
    assert settling.rate(599) == plain.rate(599)
    assert settling.rate(600) == pytest.approx(0.005 * plain.rate(600))
    assert settling.rate(750) == pytest.approx(0.5 * plain.rate(750))


def test_the_published_decay_and_none():
    inverse = Recipe(decay="inverse", learning_rate=1e-4, epochs=200, steps=1000)
    assert inverse.rate(100_000) == pytest.approx(1e-4 / 1.1)
    assert Recipe(decay="constant").rate(5000) == 1e-3


def test_phases():
    recipe = Recipe(epochs=10, l2_epochs=2, settle_epochs=3)
    assert [recipe.phase(epoch) for epoch in (0, 1, 2, 6, 7, 9)] == [
        ("l2", False),
        ("l2", False),
        ("dice+cross-entropy", False),
        ("dice+cross-entropy", False),
        ("dice+cross-entropy", True),
        ("dice+cross-entropy", True),
    ]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"box": (30, 32, 32)}, "--box 30 32 32: give multiples of 4"),
        ({"box": (4, 32, 32)}, "--box"),
        ({"box": (64, 64, 64), "fov": 48}, "to --fov 48"),
        ({"steps": 0}, "--steps 0"),
        ({"checkpoint_steps": 0}, "--checkpoint-steps 0"),
        ({"patience": -1}, "--patience -1"),
        ({"epochs": 3, "l2_epochs": 2, "settle_epochs": 2}, "more than --epochs 3"),
        ({"learning_rate": 0.0}, "--learning-rate"),
        ({"rim": -1}, "--rim -1"),
        ({"box": (32, 32, 16), "rim": 8}, "--rim 8: leaves nothing of --box 32 32 16"),
        ({"volume_weight": float("nan")}, "--volume-weight nan"),
        ({"volume_weight": 0.3, "loss": "l2"}, "--volume-weight 0.3: makes no sense with --loss l2"),
        ({"clip_gradient": -2.0}, "--clip-gradient -2"),
        ({"harder_share": -0.1}, "--harder-share -0.1"),
        ({"teacher_share": 0.8, "harder_share": 0.3}, "with --teacher-share 0.8 at most 1 in all"),
    ],
)
def test_senseless_settings(wrong, words):
    with pytest.raises(UsageError, match=words):
        Recipe(**wrong)


def test_two_decimal_shares_may_fill_the_whole():
    for taught in range(1, 11):
        recipe = Recipe(teacher_share=taught / 10, harder_share=(10 - taught) / 10)
        assert recipe.teacher_share + recipe.harder_share == pytest.approx(1)
        assert recipe.stored_share == 0
    assert Recipe(teacher_share=0.6, harder_share=0.3).stored_share == pytest.approx(0.1)


def test_every_augmentation_has_words():
    assert all(f.metadata["help"] for f in Augmentation.__dataclass_fields__.values())
