"""Sizes and starts of the boxes that the network runs on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fs_sclimbic.image.box import Box
from fs_sclimbic.image.conform import conform
from fs_sclimbic.image.volume import Grid, Volume
from fs_sclimbic.network.spec import FOV_MULTIPLE
from fs_sclimbic.segmentation.box_choice import (
    CHEAP_START_VOXELS,
    EDGE_MM,
    MIN_SLACK_VOXELS,
    SIZE_STEP_VOXELS,
    box_from_start,
    is_cut_by_box,
    roomy_box,
)

BOXES = st.builds(
    lambda low, shape: Box(low, tuple(a + b for a, b in zip(low, shape, strict=True))),
    st.tuples(*[st.integers(-50, 150)] * 3),
    st.tuples(*[st.integers(1, 90)] * 3),
)


@given(BOXES)
def test_a_roomy_box_holds_the_other_and_starts_where_it_is_cheap(around):
    box = roomy_box(around)
    assert box.holds(around)
    for low, n, within, cheap in zip(box.low, box.shape, around.shape, CHEAP_START_VOXELS, strict=True):
        assert (low - cheap) % FOV_MULTIPLE == 0
        assert within < n <= within + 2 * MIN_SLACK_VOXELS + SIZE_STEP_VOXELS


@given(BOXES, st.tuples(*[st.integers(0, 3)] * 3))
def test_boxes_of_other_starts_have_one_size(around, start):
    box = box_from_start(around, start)
    assert box.holds(around)
    assert box.shape == box_from_start(around, (0, 0, 0)).shape
    assert all(
        (low - cheap - shift) % FOV_MULTIPLE == 0
        for low, cheap, shift in zip(box.low, CHEAP_START_VOXELS, start, strict=True)
    )


@pytest.mark.parametrize(("low", "is_cut"), [(EDGE_MM - 1, True), (EDGE_MM, False)])
@pytest.mark.parametrize("axis", [0, 2])
def test_structures_are_cut_where_the_image_goes_on(low, is_cut, axis):
    shape = [40, 40, 80]  # longer than the network's box along the last axis only
    data = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    conformed = conform(Volume(data, Grid(tuple(shape), np.eye(4))), 48)
    first = [20, 20, 20]
    first[axis] = low
    structures = Box(tuple(first), (30, 30, 30))
    assert is_cut_by_box(conformed, structures) == (is_cut and axis == 2)
