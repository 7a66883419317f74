"""A network that is cut to what is wanted gives what the whole image gives."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fs_sclimbic.image.box import Box
from fs_sclimbic.image.conform import shift_grid
from fs_sclimbic.image.volume import Grid, Volume
from fs_sclimbic.network.architecture import FOV_MULTIPLE, REACH
from fs_sclimbic.network.predictor import NetworkPredictor
from fs_sclimbic.network.receptive_field import cuts, extents_of
from tests.conftest import TWO_BALLS, make_model
from tests.networks import random_weights

SHAPE = (60, 56, 52)
SEED = 3
SIGNS = {"positive": np.abs, "negative": lambda gamma: -np.abs(gamma), "mixed": lambda gamma: gamma}


@pytest.fixture(scope="module")
def image():
    return Volume(np.random.default_rng(5).random(SHAPE, np.float32), Grid(SHAPE, np.eye(4)))


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """One for each sign of the batch norms' factors, by engine."""
    made = {}
    for name, sign in SIGNS.items():
        spec = make_model(tmp_path_factory.mktemp(name))
        weights = random_weights(len(TWO_BALLS), 2, np.random.default_rng(SEED))
        for layer, arrays in weights.items():
            if "_bn_" in layer:
                arrays["gamma"] = sign(arrays["gamma"])
        for engine in ("openvino", "tensorflow"):
            made[name, engine] = NetworkPredictor(replace(spec, fov=60), threads=1, engine=engine, weights=weights)
    return made


@pytest.fixture(scope="module")
def whole(models, image):
    """Posteriors of the whole image."""
    return {name: model.predict(image).data for name, model in models.items()}


def part(volume, box):
    return Volume(volume.data[box.slices], shift_grid(volume.grid, box.low, box.shape))


@st.composite
def wanted_boxes(draw, shape=SHAPE):
    spans = [sorted(draw(st.lists(st.integers(0, n), min_size=2, max_size=2, unique=True))) for n in shape]
    return Box(*(tuple(span[end] for span in spans) for end in (0, 1)))


@given(wanted_boxes())
def test_the_needed_part_is_no_more_than_the_reach(wanted):
    image = Box.of_shape(SHAPE)
    extents = extents_of(wanted, image)
    assert extents.wanted == wanted
    assert extents.image.holds(wanted)
    assert wanted.grown(REACH).clipped(image).holds(extents.image)


@given(wanted_boxes())
def test_zeros_are_padded_at_the_edges_of_the_image_and_only_there(wanted):
    extents = extents_of(wanted, Box.of_shape(SHAPE))
    first = extents.pad["unet_conv_downarm_0_0"]
    for axis, (before, after) in enumerate(first):
        assert before == (extents.image.low[axis] == 0)
        assert after == (extents.image.high[axis] == SHAPE[axis])
    assert {n for pads in extents.pad.values() for axis in pads for n in axis} <= {0, 1}
    for crop in extents.crops():
        assert min(map(min, crop)) >= 0


def test_the_whole_image_needs_itself_and_no_cut():
    image = Box.of_shape(SHAPE)
    extents = extents_of(image, image)
    assert extents.image == image
    assert {n for pads in extents.pad.values() for axis in pads for n in axis} == {1}
    assert {n for crop in extents.crops() for axis in crop for n in axis} == {0}


def test_cuts_by_hand():
    assert cuts(Box((0, 1, 2), (9, 9, 9)), Box((0, 2, 5), (9, 8, 7))) == ((0, 0), (1, 1), (3, 2))


# Phases 0 to 3 of either face, inside, at one edge, at two that meet, and all along an axis.
WANTED = [
    Box((26, 25, 24), (31, 29, 28)),
    Box((27, 26, 25), (28, 33, 27)),
    Box((25, 27, 26), (34, 28, 29)),
    Box((30, 0, 23), (37, 5, 30)),
    Box((53, 50, 22), (60, 56, 29)),
    Box((24, 0, 26), (33, 56, 30)),
    Box((2, 3, 1), (9, 8, 7)),
]


def test_the_comparison_needs_posteriors_that_vary(whole):
    for posteriors in whole.values():
        assert posteriors.std() > 0.05
    for name in SIGNS:
        assert np.abs(whole[name, "openvino"] - whole[name, "tensorflow"]).max() < 1e-5


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_a_part_is_what_the_whole_image_gives(engine, sign, models, whole, image):
    boxes = WANTED if engine == "openvino" or sign == "mixed" else WANTED[::3]
    for box in boxes:
        found = models[sign, engine].predict(image, box)
        assert np.abs(found.data - whole[sign, engine][box.slices]).max() < 1e-5, box
        assert found.grid.matches(shift_grid(image.grid, box.low, box.shape))


@settings(max_examples=15, deadline=None)
@given(wanted_boxes())
def test_any_part_is_what_the_whole_image_gives(models, whole, image, wanted):
    wanted = wanted.clipped(Box(wanted.low, tuple(n + 12 for n in wanted.low)))
    found = models["mixed", "openvino"].predict(image, wanted)
    assert np.abs(found.data - whole["mixed", "openvino"][wanted.slices]).max() < 1e-5


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_the_reach_and_the_start_are_what_is_needed(engine, models, whole, image):
    """A block that begins at a multiple of 4 and holds the reach gives the whole image's posteriors; others do not."""
    model, posteriors = models["positive", engine], whole["positive", engine]
    box = Box((28, 28, 26), (34, 30, 27))

    def error(block):
        found = model.predict(part(image, block), box.seen_from(block)).data
        return np.abs(found - posteriors[box.slices]).max()

    assert error(box.grown(REACH).aligned(FOV_MULTIPLE).clipped(Box.of_shape(SHAPE))) < 1e-5
    enough = Box((4, 4, 4), (56, 52, 52))
    assert enough.holds(box.grown(REACH - 2))
    assert error(enough) < 1e-5
    for off in ((1, 0, 0), (0, 2, 0), (0, 0, -1)):
        assert error(enough.moved(off)) > 0.01, off
    assert error(box.grown(12).aligned(FOV_MULTIPLE)) > 0.01, "so near, the edge must be felt"
