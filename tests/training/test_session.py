"""A training by its Python API: what it tells, how it is ended, what it leaves behind."""

from contextlib import contextmanager
from dataclasses import replace

import pytest

from fs_sclimbic.errors import UsageError
from fs_sclimbic.training.checkpoint import read_checkpoint
from fs_sclimbic.training.recipe import Augmentation, Recipe
from fs_sclimbic.training.session import TrainingSettings, train
from tests.heads import FOUR

OFF = Augmentation(**{name: 0.0 for name in Augmentation.__dataclass_fields__})


@pytest.fixture
def settings(four_heads, tmp_path):
    """Makes settings of a short training; keywords go to them and to the recipe."""

    def make(epochs=2, **more):
        recipe = Recipe(box=(16, 16, 16), fov=48, features=2, epochs=epochs, steps=3, augmentation=OFF)
        return TrainingSettings(
            heads=four_heads[:2], colors=FOUR, recipe=recipe, folder=tmp_path / "o", threads=1, **more
        )

    return make


def test_notices_are_the_lines_of_the_log(settings):
    notices, steps = [], []

    @contextmanager
    def watch(first_step):
        steps.append(first_step)
        yield lambda step, loss: steps.append(step) is None

    end = train(settings(), notify=notices.append, watch_steps=watch)
    assert (end.status, end.steps) == ("complete", 6)
    assert steps == [0, 1, 2, 3, 4, 5, 6]
    texts = [notice.text for notice in notices]
    assert texts[:3] == [
        "reading 2 heads",
        "2 heads to learn from; to validate: none",
        "4 structures, step 0 of 6",
    ]
    assert texts[-1].startswith("all epochs done, 6 steps")
    lines = (settings().folder / "training.log").read_text().splitlines()
    assert [line.split(" ", 1)[1] for line in lines[1:]] == texts


def test_it_ends_where_the_watcher_says_and_goes_on(settings):
    @contextmanager
    def stop_after_four(first_step):
        yield lambda step, loss: step < 4

    end = train(settings(), watch_steps=stop_after_four)
    assert (end.status, end.steps) == ("interrupted", 4)
    assert len(read_checkpoint(settings().folder).losses) == 4
    with pytest.raises(UsageError, match="holds a training of 4 steps"):
        train(settings())
    end = train(settings(resume=True))
    assert (end.status, end.steps) == ("complete", 6)
    end = train(settings(resume=True))
    assert (end.status, end.steps) == ("was complete", 6)


def test_a_checkpoint_that_is_asked_for_and_not_there(settings):
    with pytest.raises(UsageError, match=r"holds no checkpoint\.npz"):
        train(settings(resume=True))
    assert not settings().folder.exists()


def test_a_picture_that_cannot_be_written_ends_no_training(settings, caplog):
    """A folder is in the way of training.png; the log of warnings tells of it."""
    (settings().folder / "training.png").mkdir(parents=True)
    end = train(settings())
    assert (end.status, end.steps) == ("complete", 6)
    warnings = [record.getMessage() for record in caplog.records if "training.png" in record.getMessage()]
    assert warnings
    assert all("not drawn (IsADirectoryError: " in warning for warning in warnings)


def test_what_a_mirrored_training_tells(settings):
    notices = []
    recipe = replace(settings().recipe, augmentation=Augmentation(**{**OFF.__dict__, "flip": 0.5}))
    train(replace(settings(), recipe=recipe), notify=notices.append)
    line = "mirrored heads: 1 pair of left and right structures change places; these keep their names: Rod, Box"
    assert line in [notice.text for notice in notices]


def test_harder_views_need_a_teacher(settings):
    recipe = replace(settings().recipe, harder_share=0.2)
    with pytest.raises(UsageError, match=r"--harder-share 0\.2: needs --teacher"):
        train(replace(settings(), recipe=recipe))
    assert not settings().folder.exists()


def test_a_teacher_may_leave_no_box_elsewhere(settings, tmp_path):
    train(settings(epochs=1))
    teacher = tmp_path / "o" / "model.h5"
    for number, (taught, elsewhere, told) in enumerate([(0.8, 0.2, True), (0.7, 0.2, False), (0.8, 0.0, False)]):
        augmentation = Augmentation(**{**OFF.__dict__, "elsewhere": elsewhere})
        given = settings(epochs=1, teacher=teacher)
        recipe = replace(given.recipe, teacher_share=taught, harder_share=0.2, augmentation=augmentation)
        notices = []
        train(replace(given, recipe=recipe, folder=tmp_path / f"student{number}"), notify=notices.append)
        warnings = [notice.text for notice in notices if notice.severity == "warning"]
        assert any("--elsewhere has no effect" in text for text in warnings) == told
