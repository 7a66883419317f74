import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fs_sclimbic.image.box import Box

NUMBERS = st.integers(-40, 40)
CORNERS = st.tuples(NUMBERS, NUMBERS, NUMBERS)
STEPS = st.integers(1, 9)


@st.composite
def boxes(draw, least=1):
    low, size = draw(CORNERS), draw(st.tuples(*[st.integers(least, 30)] * 3))
    return Box(low, tuple(np.add(low, size).tolist()))


def faces_of(box):
    return np.array([box.low, box.high])


def test_a_box_by_hand():
    box = Box((2, -3, 4), (5, 1, 10))
    assert box.shape == (3, 4, 6)
    assert box.voxels == 72
    assert box.grown(2) == Box((0, -5, 2), (7, 3, 12))
    assert box.moved((1, 0, -4)) == Box((3, -3, 0), (6, 1, 6))
    assert box.coarser(4) == Box((0, -1, 1), (2, 1, 3))
    assert box.aligned(4, (2, 1, 0)) == Box((2, -3, 4), (6, 1, 12))
    assert np.zeros((6, 7, 8))[Box((2, 0, 4), (5, 1, 8)).slices].shape == (3, 1, 4)


def test_an_empty_box_has_no_voxels():
    apart = Box((0, 0, 0), (4, 4, 4)).clipped(Box((6, 6, 0), (8, 8, 4)))
    assert apart.shape == (-2, -2, 4)
    assert apart.voxels == 0, "two negative edges make no volume"


@pytest.mark.parametrize("source", [np.array([7, 8, 9]), (7, 8, 9, 3)], ids=["array", "array with frames"])
def test_the_box_of_an_array_holds_plain_numbers(source):
    box = Box.of_shape(source)
    assert box == Box((0, 0, 0), (7, 8, 9))
    assert {type(n) for n in box.low + box.high} == {int}


@given(boxes(), STEPS, CORNERS)
def test_aligned_is_the_smallest_such_box_around_it(box, step, phase):
    aligned = box.aligned(step, phase)
    assert aligned.holds(box)
    assert not ((faces_of(aligned) - phase) % step).any()
    assert (np.abs(faces_of(aligned) - faces_of(box)) < step).all()
    assert aligned.aligned(step, phase) == aligned


@given(boxes(), STEPS)
def test_coarser_covers_and_finer_undoes_it(box, by):
    assert box.finer(by).coarser(by) == box
    assert box.coarser(by).finer(by) == box.aligned(by)


@settings(deadline=None)
@given(boxes(), boxes())
def test_hull_and_clipped(one, other):
    hull, both = one.hull(other), one.clipped(other)
    assert hull == other.hull(one)
    assert both == other.clipped(one)
    assert hull.holds(one)
    assert hull.holds(other)
    space = Box((-41, -41, -41), (71, 71, 71))
    masks = [np.zeros(space.shape, bool) for _ in range(2)]
    for mask, box in zip(masks, (one, other), strict=True):
        mask[box.seen_from(space).slices] = True
    assert both.voxels == np.count_nonzero(masks[0] & masks[1])
    assert one.holds(other) == (not (masks[1] & ~masks[0]).any()) == (both == other)


@given(boxes(), boxes(), CORNERS)
def test_seen_from_another_box_are_the_same_voxels(box, other, by):
    seen = box.seen_from(other)
    assert seen.shape == box.shape
    assert seen.moved(other.low) == box
    assert box.moved(by).seen_from(other.moved(by)) == seen
    assert box.seen_from(box) == Box.of_shape(box.shape)


def test_slices_of_what_is_seen_cut_the_same_values():
    values = np.arange(10**3).reshape(10, 10, 10)
    outer, inner = Box((1, 2, 3), (9, 9, 9)), Box((4, 2, 5), (6, 8, 9))
    assert np.array_equal(values[outer.slices][inner.seen_from(outer).slices], values[inner.slices])
